"""Words of lexicons in the changed region."""

from __future__ import annotations

from assay.features.catalogue import catalogue
from assay.features.lexicon import Lexicon, Lexicons, shipped
from features.edits import edit, value, values

CHAT = Lexicons([Lexicon.of("martian.chat", ["blip", "blop"])])
BAD = Lexicons([Lexicon.of("martian.badwords", ["zork(?:s|ed)?"])])


def test_words_are_counted_and_shared() -> None:
    names = [f"martian.chat.{name}" for name in ("added", "added_share", "removed_share", "surplus")]
    assert values(edit("one two", "one two Blip foo"), names, CHAT) == [1, 0.5, None, 0.5]
    assert values(edit("blip", ""), names, CHAT) == [0, None, 1.0, None]
    assert values(edit("blip foo", "blip foo\nblip foo"), names, CHAT) == [1, 0.5, None, 0.0]


def test_patterns_match_in_the_segments_only() -> None:
    names = ["martian.badwords.added", "martian.badwords.removed"]
    assert values(edit("zork stays", "zork stays zorked"), names, BAD) == [1, 0]
    assert values(edit("zork stays", "stays"), names, BAD) == [0, 1]


def test_equal_lexicons_share_their_nodes() -> None:
    again = Lexicons([Lexicon.of("martian.chat", ["blop", "blip"])])
    assert (
        catalogue(CHAT)["feature.assay.martian.chat.added"]
        is catalogue(again)["feature.assay.martian.chat.added"]
    )


def test_the_shipped_lists_know_english() -> None:
    lexicons = shipped("english.function_words", "english.chat")
    text = "ᓃᔥᑕᒻ ᐃᔨᓂᐤ\n" * 30
    surplus = value(
        edit(text, text + "this is the end of the page"), "english.function_words.surplus", lexicons
    )
    assert isinstance(surplus, float)
    assert surplus > 0.5
    assert value(edit(text, text + "hello lol"), "english.chat.added", lexicons) == 2
