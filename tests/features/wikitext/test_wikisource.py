"""Tokens back to text, and to what a reader sees, against mwparserfromhell's own tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mwparserfromhell
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mwparserfromhell.parser import Parser

from assay.features.wikitext.wikicode import read
from assay.features.wikitext.wikisource import Readable, sources
from features.oracle import articles
from features.tree import PIECES, TRICKY, sections

TAGS = [
    "<b>", "</b>", "<br>", "<br/>", "</br>", "<ref a>", "<ref a = 'b' >", '<ref a="b"c=d/>', "</ref >",
    "<li>", "<span a = b  c>", "</span>", "<hr / >", "<p a=\"'\">", "</p>", "{|a=b\n|-\n|", "\n|c=d|", "\n|}",
    "\n----", "\n* ", "\n; t : d", "''", "'''", "<nowiki />", "<!-- x -->", "{{{a|b}}}", "[[a|", "]]",
    "&#x41;", "&#65;", "&amp;", "[http://a b]", "[//c]", " http://d ", "\n== e ==\n", "\n\n\n", "f",
]  # fmt: skip


def tokens(text: str) -> Sequence[Any]:
    found: Sequence[Any] = Parser()._tokenizer.tokenize(text, 0, False)  # type: ignore[no-untyped-call]
    return found


def assert_read_as_by_the_tree(text: str) -> None:
    found, tree = tokens(text), mwparserfromhell.parse(text)
    pieces = sources(found)
    assert len(pieces) == len(found)
    assert "".join(pieces) == text
    readable = Readable(found)
    assert readable.text() == tree.strip_code()
    assert [(level, section.split()) for level, section in readable.sections()] == sections(tree)


@pytest.mark.parametrize("text", TRICKY)
def test_tricky_wikitext(text: str) -> None:
    assert_read_as_by_the_tree(text)


@given(st.lists(st.sampled_from([*PIECES, *TAGS]), max_size=14), st.sampled_from(["", " "]))
def test_any_mixture_of_marks(pieces: list[str], between: str) -> None:
    assert_read_as_by_the_tree(between.join(pieces))


@given(
    st.lists(st.sampled_from(["''", "'''", "<div>", "</div>", "a", "== b ==", "\n", "\n\n\n"]), max_size=14)
)
def test_a_section_begins_at_each_heading_wherever_it_stands(pieces: list[str]) -> None:
    assert_read_as_by_the_tree("\n".join(pieces))


def test_a_hundred_constructs_around_many_headings_are_read_in_linear_time() -> None:
    """The suite's time limit is the assertion."""
    code = read("<b>" * 100 + "\n== a ==\n" * 20_000 + "</b>" * 100)
    assert len(code.sections) == 20_001


def test_real_articles() -> None:
    for _, text in articles(8):
        assert_read_as_by_the_tree(text)
