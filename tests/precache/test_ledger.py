from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.precache.ledger import Ledger, Mark, Ticket, identities


def edit(number: int) -> tuple[str, int]:
    return "clubwiki", number


def test_the_position_moves_only_over_what_is_done_without_a_gap() -> None:
    ledger = Ledger(Mark("0"), 100)
    first, second, third = (ledger.enter(edit(n), str(n)) for n in (1, 2, 3))
    ledger.close(second)
    assert ledger.mark() == Mark("0", (edit(2),))
    ledger.close(first)
    assert ledger.mark().position == "2"
    ledger.pass_by("4")
    assert ledger.mark().position == "2"
    ledger.close(third)
    assert ledger.mark() == Mark("4", (edit(1), edit(2), edit(3)))


def test_what_is_under_way_or_done_is_known() -> None:
    ledger = Ledger(Mark(None, (edit(1),)), 100)
    ticket = ledger.enter(edit(2), None)
    assert [ledger.knows(edit(n)) for n in (1, 2, 3)] == [True, True, False]
    ledger.close(ticket)
    assert ledger.knows(edit(2))


def test_what_was_told_long_ago_is_forgotten() -> None:
    ledger = Ledger(Mark(), 3)
    for number in range(1, 6):
        ledger.close(ledger.enter(edit(number), None))
    assert ledger.mark().done == (edit(3), edit(4), edit(5))


def test_what_lies_behind_an_edit_that_is_not_done_is_known_however_much_it_is() -> None:
    """A restart begins there, and would have all of it told again."""
    ledger = Ledger(Mark(None, (edit(90), edit(91))), 2)
    slow = ledger.enter(edit(1), "1")
    for number in range(2, 9):
        ledger.close(ledger.enter(edit(number), str(number)))
    assert ledger.mark() == Mark(None, (edit(90), edit(91), *(edit(number) for number in range(2, 9))))
    assert all(Ledger(ledger.mark(), 2).knows(edit(number)) for number in range(2, 9))
    assert ledger.knows(edit(2))
    ledger.close(slow)
    assert ledger.mark() == Mark("8", (edit(7), edit(8)))
    assert not ledger.knows(edit(6))


def test_events_without_edits_keep_nothing() -> None:
    ledger = Ledger(Mark(), 3)
    ledger.pass_by("1")
    assert ledger.mark().position == "1"
    ticket = ledger.enter(edit(1), None)
    for number in range(2, 1000):
        ledger.pass_by(str(number))
    ledger.pass_by(None)
    ledger.close(ticket)
    assert ledger.mark().position == "999"


@given(st.data())
def test_a_crash_at_any_moment_loses_nothing(data: st.DataObject) -> None:
    """After it the stream begins behind the position, and what is remembered as done is left out."""
    draws: Callable[[st.SearchStrategy[Any]], Any] = data.draw
    events = draws(st.lists(st.one_of(st.none(), st.integers(1, 30)), max_size=60))
    ledger, told = Ledger(Mark("0"), 1000), set()
    tickets: dict[int, Ticket] = {}
    for place, number in enumerate(events, 1):
        if number is None or ledger.knows(edit(number)):
            ledger.pass_by(str(place))
        else:
            tickets[number] = ledger.enter(edit(number), str(place))
        if tickets and draws(st.booleans()):
            chosen = draws(st.sampled_from(sorted(tickets)))
            told.add(edit(chosen))
            ledger.close(tickets.pop(chosen))
    mark = ledger.mark()
    after = Ledger(mark, 1000)
    again = {
        edit(number)
        for number in events[int(mark.position or "0") :]
        if number is not None and not after.knows(edit(number))
    }
    assert told | again == {edit(number) for number in events if number is not None}
    assert told & again == set()


@pytest.mark.parametrize("wrong", [[["a", "1"]], [[1, 1]], [["a"]]])
def test_identities_are_checked(wrong: list[list[object]]) -> None:
    with pytest.raises(ValueError, match=r"revision id|unpack"):
        identities(wrong)
