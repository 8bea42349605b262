"""What is remembered is right, and never more than its bound."""

from __future__ import annotations

import gc

from hypothesis import given
from hypothesis import strategies as st

from assay.features.memo import MAX_KEY_CHARS, Memo, memos


@given(st.lists(st.text()))
def test_it_is_the_function_itself(words: list[str]) -> None:
    memo = Memo("lengths", len, 5)
    for word in words:
        assert memo[word] == len(word)
        assert len(memo) <= 5
        assert all(len(key) <= MAX_KEY_CHARS for key in memo)


def test_what_is_known_is_not_found_out_again() -> None:
    asked: list[str] = []

    def find(word: str) -> int:
        asked.append(word)
        return len(word)

    memo = Memo("lengths", find, 2)
    for word in ("a", "b", "a", "b"):
        memo[word]
    assert asked == ["a", "b"]
    memo["c"]  # full: all is forgotten
    assert list(memo) == ["c"]


def test_a_word_of_megabytes_is_not_kept() -> None:
    memo = Memo("lengths", len, 2)
    assert memo["x" * 10**6] == 10**6
    assert not memo


def test_memos_are_found_while_they_live() -> None:
    memo = Memo("of this test", len, 2)
    assert any(found is memo for found in memos())
    del memo
    gc.collect()
    assert all(found.name != "of this test" for found in memos())
