"""A memo says what its function says, whatever it has forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.features.memo import Memo


def test_each_string_is_judged_once() -> None:
    asked: list[str] = []

    def length(word: str) -> int:
        asked.append(word)
        return len(word)

    memo = Memo(length, 10)
    assert [memo["one"], memo["three"], memo["one"]] == [3, 5, 3]
    assert list(memo.of(["three", "eleven", "one"])) == [5, 6, 3]
    assert asked == ["one", "three", "eleven"]


@given(st.lists(st.text(max_size=3)), st.integers(1, 5))
def test_it_is_bounded_and_right_after_it_forgot(words: list[str], limit: int) -> None:
    memo = Memo(str.upper, limit)
    for word in words:
        assert memo[word] == word.upper()
        assert len(memo) <= limit
