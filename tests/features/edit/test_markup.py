"""Links and markup: child minus parent, from the changed lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.edit.markup import FEATURES
from features.edits import edit, value, values

NAMES = [feature.name.removeprefix("feature.assay.") for feature in FEATURES]


@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [
        ("urls", "", "[http://pills.example.com buy] //b.example.org", 2),
        ("new_sites", "http://a.example.com", "http://a.example.com http://b.example.com", 1),
        ("new_sites", "http://a.example.com\ntext", "http://a.example.com\ntext http://A.example.com/x", 0),
        ("links", "[[a]]", "", -1),
        ("namespaced_links", "[[Category:X]]\n[[de:Y]]\n[[z]]", "[[z]]", -2),
        ("language_links", "[[de:Y]]\n[[zh-min-nan:Y]]\nb", "b", -2),
        ("templates", "a", "a {{stub}}", 1),
        ("tags", "a", "a<ref>b</ref>", 2),
        ("headings", "a", "== b ==\na", 1),
        ("tables", "a", "{|\n|-\n|}", 2),
        ("list_items", "a", "* a\n# b\n: c", 3),
        ("lines", "a\nb\nc", "a", -2),
        ("foreign_markup", "", "<a href='x'>[url=http://x.example]", 2),
        ("sample_text", "", "'''Bold text'''[[Image:Example.jpg]]", 2),
        ("sample_text", "", "''''''", 1),
        ("imbalance", "", "[[ open {{", 2),
        ("signatures", "", "--~~~~", 1),
        ("redirects", "text", "#REDIRECT [[B]]", 1),
        ("redirects", "#redirect [[B]]", "text", -1),
        ("marks_removed", "[[a]] {{b}} <i>", "x", 3),
    ],
)
def test_counts(name: str, before: str, after: str, expected: int) -> None:
    assert value(edit(before, after), f"markup.{name}") == expected


def test_a_link_alone_is_all_of_the_addition() -> None:
    assert value(edit("", "http://pills.example.com/buy/cheap"), "markup.url_share") == pytest.approx(30 / 34)
    assert value(edit("gone", ""), "markup.url_share") is None


@given(st.text("[]{}=*#:\n<>'~|-a", max_size=60))
def test_undoing_gives_the_opposite(text: str) -> None:
    one_way = ["urls", "new_sites", "url_share", "marks_removed"]
    names = [name for name in NAMES if name.removeprefix("markup.") not in one_way]
    there, back = values(edit("a\n", text), names), values(edit(text, "a\n"), names)
    assert all(a == -b for a, b in zip(there, back, strict=True) if a is not None and b is not None)
