"""Word lists: the same content is the same lexicon, and comes back whole from a bundle's file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.features.lexicon import Lexicon, Lexicons, shipped, shipped_names


def is_a_line(entry: str) -> bool:
    return entry.splitlines() == [entry] and not entry.startswith("#")


ENTRIES = st.lists(st.text(max_size=6).filter(is_a_line), max_size=8)


@given(ENTRIES)
def test_what_is_written_is_read_again(entries: list[str]) -> None:
    """A bundle whose list came back otherwise could be trained, but never loaded."""
    wanted = {entry for entry in entries if entry.strip()}
    lexicon = Lexicon.of("a.words", entries)
    again = Lexicon.from_text("a.words", lexicon.lines)
    assert again == lexicon
    assert again.entries == lexicon.entries == sorted(wanted)
    assert lexicon.words == wanted


@given(ENTRIES, st.data())
def test_order_doubles_blanks_and_comments_say_nothing(entries: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations([*entries, *entries, "", " "]))
    text = "\r\n".join(["# what this is", *shuffled, "#end"])
    assert Lexicon.from_text("a.words", text) == Lexicon.of("a.words", entries)


def test_name_and_every_entry_make_the_identity() -> None:
    lexicon = Lexicon.of("a.words", ["b", "c"])
    others = [
        Lexicon.of("b.words", ["b", "c"]),
        Lexicon.of("a.words", ["b"]),
        Lexicon.of("a.words", ["bc"]),
        Lexicon.of("a.words", ["b", "C"]),
    ]
    assert len({lexicon, *others}) == 1 + len(others)
    assert lexicon != lexicon.digest
    assert hash(lexicon) == hash(Lexicon.of("a.words", ["c", "b"]))


def test_lists_are_found_by_name_and_are_one_whatever_their_order() -> None:
    one, two = Lexicon.of("a.words", ["b"]), Lexicon.of("b.words", ["b"])
    both = Lexicons([two, one])
    assert [*both] == ["a.words", "b.words"]
    assert both["b.words"] is two
    assert (both, hash(both)) == (Lexicons([one, two]), hash(Lexicons([one, two])))
    assert both != Lexicons([one])
    assert both != Lexicons([one, Lexicon.of("b.words", ["c"])])
    assert len(Lexicons()) == 0


def test_all_shipped_lists_can_be_read() -> None:
    names = shipped_names()
    found = shipped(*names)
    assert {*found} == {*names} >= {"english.dictionary", "english.badwords", "any.article_names"}
    assert all(lexicon.entries for lexicon in found.values())


def test_a_list_that_is_not_shipped_is_named_with_those_that_are() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no such lexicon: a\.b, c\.d; there are: .*english\.idioms"
    ):
        shipped("english.idioms", "c.d", "a.b")
