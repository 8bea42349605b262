"""What a good client does next."""

from __future__ import annotations

import pytest

from assay.load.retry import Lost, Outcome, Reply, pause_s, reason, told_to_wait


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(status: int) -> None:
    reply = Reply(status, b"", retry_after_s=7)
    assert told_to_wait(reply)
    assert pause_s(reply, 0, nodes=3) == 7
    assert reason(reply) == str(status)


@pytest.mark.parametrize(
    "outcome",
    [
        Reply(200, b"{}"),
        Reply(200, b"{}", retry_after_s=1),
        Reply(503, b""),
        Reply(500, b"", retry_after_s=1),
        Lost("timeout"),
        Lost("truncated"),
        Lost("malformed"),
    ],
)
def test_what_stands_is_not_sent_again(outcome: Outcome) -> None:
    assert not told_to_wait(outcome)
    assert pause_s(outcome, 0, nodes=2) is None


@pytest.mark.parametrize("why", ["refused", "reset"])
def test_other_nodes_are_tried_at_once_and_then_ever_more_slowly(why: str) -> None:
    pauses = [pause_s(Lost(why), attempt, nodes=3) for attempt in range(100)]
    assert pauses[:2] == [0, 0]
    waits = [pause for pause in pauses[2:] if pause is not None]
    assert len(waits) == 98
    assert waits == sorted(waits)
    assert 0 < waits[0] < waits[-1] <= 1


def test_pauses_begin_small_and_double_with_every_round_of_all_nodes() -> None:
    pauses = [pause_s(Lost("refused"), attempt, nodes=2) for attempt in range(12)]
    assert pauses == [0, 0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.4, 0.4, 0.8, 0.8, 1]
