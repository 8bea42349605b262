"""Where the legacy's segmenter saw a paragraph end; its values for real articles: `test_articles`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.article.paragraphs import paragraphs, uncited_chars

TABLE = "{|\n| a\n\n| b\n|}\n\nBehind."
"""It has a blank line within and one behind."""
PIECES = [
    "word", ". ", "! ", "\n", "\n\n", "\r\n \n", " ", "[[", "]]", "(", ")", "<ref>", "</ref>", "<br>",
    "{|", "|}", "http://a.b",
]  # fmt: skip


@pytest.mark.parametrize(
    "before",
    [
        "", " \n", "One two. ", "One two three! ", "One, two? ", "(One two.) Three four. ", "[[One two]]. ",
        "<ref>One two.</ref> Three. ", "One two {{three. }} Four. ", "One) two. ", "One two.\n\n",
        "One two {| ",
    ],
)  # fmt: skip
def test_a_table_where_a_sentence_may_begin_takes_all_that_follows(before: str) -> None:
    assert paragraphs(before + TABLE)[-1].endswith(TABLE)


@pytest.mark.parametrize(
    "before",
    [
        "One two ", "One. ", ". ", "One two. Three ", "(One two. ", "[[One two. ", "{{One two. ",
        "<ref>One two. ", "<REF name=a>One two. ", "<!-- One two. ", "http://a.b one. Two ", "== One ==\n",
        "One (two three. ", "One <ref>two three. ",
    ],
)  # fmt: skip
def test_one_within_a_sentence_ends_as_text_does(before: str) -> None:
    """A sentence has three tokens at least, and ends in no bracket and no ``<ref>``."""
    assert paragraphs(before + TABLE)[1:] == ["| b\n|}", "Behind."]


def test_the_end_of_a_sentence_before_a_table_is_looked_for_in_each_paragraph() -> None:
    text = f"One two.\n\nThree {TABLE}\n\nFour five. {TABLE}\n\nSix."
    assert paragraphs(text) == [
        "One two.", "Three {|\n| a", "| b\n|}", "Behind.", f"Four five. {TABLE}\n\nSix.",
    ]  # fmt: skip


def test_blank_lines_in_a_tag_are_none() -> None:
    assert paragraphs("a <ref\n\nname=b> c\n\nd") == ["a <ref\n\nname=b> c", "d"]
    assert paragraphs("a <b\n\nc\n\nd") == ["a <b", "c", "d"], "one that never ends is no tag"


@pytest.mark.parametrize("between", ["\n\n", "\n \n", "\r\n\r\n", "\n\n\n\n", "\n\t\n \n", "\r\n  \n"])
def test_all_kinds_of_blank_lines_end_a_paragraph(between: str) -> None:
    assert paragraphs(f"a{between}b\nc") == ["a", "b\nc"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_nothing_but_blanks_is_lost(text: str) -> None:
    assert "".join("".join(paragraphs(text)).split()) == "".join(text.split())
    if "{|" not in text:
        assert all("\n\n" not in paragraph for paragraph in paragraphs(text))


def test_a_paragraph_is_cited_by_a_plain_ref_alone() -> None:
    assert uncited_chars("abc<ref>d</ref>\n\nefg\n\nh<REF>i") == 3
    assert uncited_chars("abc<ref name=d/>") == 16
    assert uncited_chars("<ref>a</ref>\n\n{|\n\nb\n\nc<ref>d") == 0
    assert uncited_chars("") == 0


def test_paragraphs_end_at_blank_lines_but_not_after_an_opened_table() -> None:
    assert paragraphs("a\n\n b \n\nc") == ["a", "b ", "c"]
    assert paragraphs("a\n\n{| t\n|}\n\nb\n\nc") == ["a", "{| t\n|}\n\nb\n\nc"]
    assert paragraphs("some words here {| t\n|}\n\nb") == ["some words here {| t\n|}", "b"]
    assert paragraphs("") == []
