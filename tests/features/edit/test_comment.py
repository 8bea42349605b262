"""The edit summary, as ORES read it: against the legacy's own patterns."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.edit.comment import has_link, suggests_section_edit

# What the legacy matches from the summary's beginning; its time is quadratic in the marks, hence short texts.
LINK = re.compile(r".*\[\[[^\]]+\]\].*")
SUMMARIES = st.text(alphabet="[]|\na", max_size=14)


@given(SUMMARIES)
def test_a_link_is_found_where_the_legacys_pattern_finds_one(comment: str) -> None:
    assert has_link(comment) == (LINK.match(comment) is not None)


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("[[a]]", True),
        ("see [[a|b]]", True),
        ("[[]]", False),
        ("[[a]", False),
        ("[[]]]", False),
        ("[[a|b]] [[", True),
        ("[a]]", False),
        ("[[a\nb]]", True),  # only the beginning must be in the first line
        ("\n[[a]]", False),
        ("a[\n[b]]", False),
        ("[[a] [[b]]", True),
        ("", False),
    ],
)
def test_links(comment: str, expected: bool) -> None:
    assert has_link(comment) is expected
    assert (LINK.match(comment) is not None) is expected


def test_many_marks_take_linear_time() -> None:
    """The legacy's pattern would take hours."""
    assert not has_link("[[" * 500_000 + "]x")
    assert not has_link("[[]" * 300_000)


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("/* Life */ typo", True),
        ("/* */ typo", False),
        (" /* Life */", False),
        ("/* Li\nfe */", False),
        ("/*Life*/", False),
        ("", False),
    ],
)
def test_a_section_s_name_stands_at_the_beginning(comment: str, expected: bool) -> None:
    assert suggests_section_edit(comment) is expected
