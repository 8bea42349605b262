"""The constructs of a wikitext, against mwparserfromhell's own tree; hostile texts in linear time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mwparserfromhell
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mwparserfromhell.nodes import Comment, ExternalLink, Heading, Tag, Template, Wikilink

from assay.features.wikitext.nesting import MASK, MAX_WASTED_STEPS, tamed
from assay.features.wikitext.wikicode import PART_CHARS, read
from features.oracle import articles, cases
from features.tree import PIECES, TRICKY, sections


def tree(text: str) -> dict[str, Any]:
    """What mwparserfromhell's tree says."""
    code = mwparserfromhell.parse(text)
    nodes = list(code.filter())

    def of(kind: type) -> list[Any]:
        return [node for node in nodes if isinstance(node, kind)]

    return {
        "headings": [(node.level, str(node.title).strip()) for node in of(Heading)],
        "wikilinks": [str(node.title) for node in of(Wikilink)],
        "external_links": [str(node.url) for node in of(ExternalLink)],
        "templates": [(str(node.name), str(node)) for node in of(Template)],
        "tags": [(str(node.tag), str(node)) for node in of(Tag)],
        "comments": len(of(Comment)),
        "content": code.strip_code(),
        "sections": sections(code),
    }


def own(text: str) -> dict[str, Any]:
    code = read(text)
    return {
        "headings": list(code.heading_titles),
        "wikilinks": list(code.wikilink_titles),
        "external_links": list(code.external_link_urls),
        "templates": list(zip(code.template_names, _cut(text, code.template_spans), strict=True)),
        "tags": list(zip(code.tag_names, _cut(text, code.tag_spans), strict=True)),
        "comments": code.structure.comments,
        "content": code.content,
        "sections": [(level, section.split()) for level, section in code.sections],
    }


def _cut(text: str, spans: tuple[tuple[int, int], ...]) -> Iterator[str]:
    return (text[start:end] for start, end in spans)


def assert_structure_counts_the_lists(text: str) -> None:
    code = read(text)
    structure = code.structure
    levels = [level for level, _ in code.heading_titles]
    assert structure[:5] == (
        len(levels),
        len(code.wikilink_titles),
        len(code.external_link_urls),
        len(code.template_names),
        len(code.tag_names),
    )
    assert structure.ref_tags == sum(name.lower().startswith("ref") for name in code.tag_names)
    assert structure.list_items == sum(name.lower().startswith("li") for name in code.tag_names)
    assert list(structure[-6:]) == [levels.count(level) for level in range(1, 7)]


@pytest.mark.parametrize("text", TRICKY)
def test_tricky_wikitext_is_read_as_by_the_tree(text: str) -> None:
    assert own(text) == tree(text)
    assert_structure_counts_the_lists(text)


def test_real_articles_are_read_as_by_the_tree() -> None:
    texts = [text for _, text in articles()[::3]]
    assert [text[:60] for text in texts if own(text) != tree(text)] == []


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_any_mixture_of_marks_is_read_as_by_the_tree(pieces: list[str]) -> None:
    text = " ".join(pieces)
    assert own(text) == tree(text)
    assert_structure_counts_the_lists(text)


def test_real_revisions_are_read_as_by_the_tree() -> None:
    texts = [str(case.revision.text) for case in cases()[::6]]
    assert [text[:60] for text in texts if own(text) != tree(text)] == []


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert len(read(text).content) <= len(text)


HOSTILE = [
    "{{a|", "{{", "[[a|", "{{{a|", "<b>", "<div>", "<ref>", '<ref name="a" ', "<ref a='", "{|\n", "\n{|\n| ",
    "[http://a ", "<!--", "<nowiki>", "{{a|[[b|<ref>", "{{a|[[b|''<ref name=\"{{",
    "[[a|{{b|\n{|\n''c <div x='",
    "{{a|[[b}}]]", "<ref a=\"><ref a='>", "<b {{a|></b>", "''", "'''a''", "* a\n", ";a:b\n", "= a =\n",
    "&amp", "http://a",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_nesting_is_read_in_linear_time(piece: str) -> None:
    """The bare tokenizer needs minutes to hours for most; the suite's time limit is the assertion."""
    text = piece * (200_000 // len(piece))
    assert sum(map(len, read(text)._sources)) == len(text)


def test_nesting_ten_thousand_deep_is_read() -> None:
    code = read("{{a|" * 10_000 + "x" + "}}" * 10_000)
    assert 0 < code.structure.templates <= 10_000
    assert isinstance(code.content, str)


def test_ordinary_unclosed_marks_are_left_to_the_parser() -> None:
    text = "{{open [[a|b <ref>c " * 20
    assert tamed(text) == text


def test_taming_keeps_length_and_what_is_closed() -> None:
    text = "{{good|[[L]]}} " + "{{open|" * (MAX_WASTED_STEPS // 10_000) * 8
    masked = tamed(text)
    assert len(masked) == len(text)
    assert masked.startswith("{{good|[[L]]}} " + MASK * 2 + "open|")


def test_a_text_above_a_part_is_read_in_parts() -> None:
    line = "[[a]] {{b}}\n"
    lines = PART_CHARS // len(line) + 10
    structure = read(line * lines).structure
    assert (structure.wikilinks, structure.templates) == (lines, lines)
