"""What one regular expression finds, in time that grows with the text only; and so do paragraphs."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.features.article import paragraphs as segmented
from assay.features.wikitext import ref_tags

MARKS = [
    "<ref",
    "<REF ",
    "<ref name",
    "=",
    '"',
    "'",
    "a",
    " ",
    "\t",
    "/",
    ">",
    "/>",
    "</ref>",
    "name=",
    "NAME =",
    "<",
    "<br",
    "<a href",
    "\n",
    "\n\n",
    "\r\n",
    "http://",
    "https://x",
    "[[",
    "]]",
    "<!--",
    "-->",
    ".",
    "é",
    "3",
    "''",
    "&amp;",
    "<b>",
]
PIECES = st.lists(st.sampled_from([*MARKS, "{|", "|}", "|"]), max_size=25).map("".join)


@given(PIECES)
@example("<ref a<ref name=b/<ref name=c>")
@example("<ref name=name=x/>")
@example("<ref /><ref\t>/>")
def test_ref_tags_are_those_of_the_expressions(text: str) -> None:
    assert ref_tags.reused(text) == len(re.findall(ref_tags.REUSED, text, re.IGNORECASE))
    named = {"".join(groups).strip(" \t\r\n/") for groups in re.findall(ref_tags.NAMED, text, re.IGNORECASE)}
    assert ref_tags.names(text) == named - {""}


@pytest.mark.parametrize(
    "tag",
    [
        "<ref name=a b>",
        "<ref name=a />",
        "<ref name=a/>",
        '<ref name="a">',
        "<ref NAME = ' a ' />",
        '<ref group=n name="a"/>',
        '<ref name="a/>',
    ],
)
def test_a_name_is_one_however_it_is_written(tag: str) -> None:
    assert ref_tags.names(f'<ref name="a">{tag}') == {"a"}


def test_a_quoted_name_may_hold_the_other_quotation_mark_and_slashes() -> None:
    assert ref_tags.names('<ref name="O\'Neil 3/4"/>' + "<ref name='the \"x\"'>") == {"O'Neil 3/4", 'the "x"'}
    assert ref_tags.names('<ref name=""/><ref name=" ">') == set()


@given(PIECES, st.integers(0, 10), st.integers(0, 10))
@example("a http://>b.c", 0, 0)
@example("<a b<c", 0, 0)
@example("<ref a/> <b", 0, 0)
def test_tags_are_looked_for_only_where_they_may_end(text: str, left: int, right: int) -> None:
    start, end = min(left, len(text)), max(min(left, len(text)), len(text) - right)
    expected = [match.lastgroup for match in segmented._TOKEN.finditer(text, start, end)]
    assert list(segmented._tokens(text, start, end)) == expected
    found = [match.span() for match in segmented._breaks(text)]
    assert found == [match.span() for match in segmented._BREAK.finditer(text)]


@pytest.mark.parametrize("tag", ["<ref name=a", "<ref x", "<a ", "<table", "<br/", "<ref name"])
@pytest.mark.parametrize("end", ["", ">", "/>", "\n\n{|"])
def test_a_megabyte_of_tags_without_an_end_is_soon_read(tag: str, end: str) -> None:
    text = tag * (1_000_000 // len(tag)) + end
    ref_tags.reused(text)
    ref_tags.names(text)
    segmented.paragraphs(text)
