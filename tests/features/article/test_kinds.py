"""What an article names by kind, and what is hidden because it tells the class."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.article.any_wiki import NAMES_LEXICON
from assay.features.article.kinds import Kinds, neutral
from assay.features.article.names import article_names
from assay.features.lexicon import shipped
from assay.features.wikitext.wikicode import read

NAMES = article_names(shipped(NAMES_LEXICON)[NAMES_LEXICON])
TEXT = """{{featured article}}{{Infobox person|name={{stub}}}}
[[London]] [[File:Ada.jpg|thumb|[[Ada]]]] [[:a:b]] [[Category:Mathematicians]] [[London|there]]
{{ Cite_web <!-- of the paper --> |url=x}}{{Template:cite book}}
== See also ==
== Odd =="""


def kinds(text: str) -> Kinds:
    return Kinds(read(text), NAMES)


def test_templates_are_counted_by_kind_without_those_that_tell_the_class() -> None:
    found = kinds(TEXT)
    assert found.template_names == ["infobox person", "cite web", "cite book"]
    assert (found.templates["infobox"], found.templates["cite"], found.templates["class"]) == (1, 2, 0)


def test_an_infobox_is_found_among_all_templates() -> None:
    wikicode = read(TEXT)
    (place,) = kinds(TEXT).infoboxes
    start, end = wikicode.template_spans[place]
    assert TEXT[start:end] == "{{Infobox person|name={{stub}}}}"


def test_links_are_plain_unless_their_prefix_has_a_kind() -> None:
    found = kinds(TEXT)
    assert found.plain_links == ["London", "Ada", ":a:b", "London"]
    assert (found.links["ns_file"], found.links["ns_category"]) == (1, 1)


@pytest.mark.parametrize("prefix", ["fr", "fa", "ga", "zh", "simple", "zh-yue", "be-x-old"])
def test_a_link_to_another_language_is_no_plain_one(prefix: str) -> None:
    """The names of some languages are names of templates, too."""
    assert kinds(f"[[{prefix}:Ada]] [[:{prefix}:Ada]] [[{prefix}]]").plain_links == [f":{prefix}:Ada", prefix]


def test_headings_are_counted_by_kind() -> None:
    found = kinds(TEXT).headings
    assert (found["h_see_also"], found["h_notes"]) == (1, 0)


def test_a_neutral_text_has_no_template_that_tells_the_class_nor_its_blank_line() -> None:
    assert neutral("{{Featured article}}\nAda wrote. {{cite web|url=x}}\n\n{{maths-stub}}\n", NAMES) == (
        "Ada wrote. {{cite web|url=x}}"
    )


@given(st.lists(st.sampled_from(["{{stub}}", "{{cite web|a=b}}", "[[Ada]]", "Ada ", "|", "\n"]), max_size=12))
def test_with_and_without_such_templates_an_article_names_the_same(parts: list[str]) -> None:
    whole, rest = "".join(parts), "".join(part for part in parts if part != "{{stub}}")
    for found in (kinds(whole), kinds(neutral(whole, NAMES))):
        assert found.template_names == kinds(rest).template_names
        assert found.templates == kinds(rest).templates
        assert found.plain_links == kinds(rest).plain_links
