"""What is remembered is right, and never more than its bound."""

from __future__ import annotations

import gc

from hypothesis import given
from hypothesis import strategies as st

from assay.features.memo import MAX_KEY_CHARS, Memo, memos


@given(st.lists(st.text() | st.text(min_size=MAX_KEY_CHARS, max_size=MAX_KEY_CHARS + 1)), st.integers(1, 5))
def test_it_is_the_function_itself_whatever_it_has_forgotten(words: list[str], most: int) -> None:
    memo = Memo("upper cases", str.upper, most)
    for word in words:
        assert memo[word] == word.upper()
        assert len(memo) <= most
        assert all(len(key) <= MAX_KEY_CHARS for key in memo)
    assert list(memo.of(words)) == [word.upper() for word in words]
    assert len(memo) <= most


def test_what_is_known_is_not_found_out_again() -> None:
    asked: list[str] = []

    def find(word: str) -> int:
        asked.append(word)
        return len(word)

    memo = Memo("lengths", find, 3)
    assert [memo["one"], memo["three"], memo["one"]] == [3, 5, 3]
    assert list(memo.of(["three", "eleven", "one"])) == [5, 6, 3]
    assert asked == ["one", "three", "eleven"]
    assert memo["four"] == 4  # full: all is forgotten
    assert list(memo) == ["four"]


def test_the_longest_word_that_is_kept() -> None:
    memo = Memo("lengths", len, 2)
    kept = "x" * MAX_KEY_CHARS
    assert list(memo.of([kept, kept + "x", "x" * 10**6])) == [MAX_KEY_CHARS, MAX_KEY_CHARS + 1, 10**6]
    assert list(memo) == [kept]


def test_memos_are_found_while_they_live() -> None:
    memo = Memo("of this test", len, 2)
    assert any(found is memo for found in memos())
    del memo
    gc.collect()
    assert all(found.name != "of this test" for found in memos())
