"""The work of one streamed answer, with a scorer held in the hand; over HTTP: `test_streams`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from assay.clock import Clock, Deadline, FakeClock
from assay.errors import DeadlineExceeded, Overloaded
from assay.models.model import Score
from assay.revisions.problem import Problem
from assay.scoring.problems import engine_away, overloaded
from assay.scoring.request import Cell, Scored, ScoreRequest
from assay.scoring.service import Table
from assay.serving.native.stream import Asked, Stream
from assay.serving.options import StreamOptions
from assay.serving.quota import QuotaSpent
from small_app import CLOCK
from small_models import small_models
from waiting import until_async

SMALL = StreamOptions(chunk=4, window=2)


class Held:
    """Answers a chunk when it is told to; `refusals` come before."""

    def __init__(self, *refusals: Exception) -> None:
        self.asked: list[tuple[int, ...]] = []
        self.gates: dict[tuple[int, ...], asyncio.Event] = {}
        self.places = 0
        self.refused: dict[int, Problem] = {}
        self.scored: set[int] = set()
        self._refusals = list(refusals)

    async def score(self, request: ScoreRequest, deadline: Deadline) -> Table:
        assert request.bulk
        self.asked.append(request.rev_ids)
        if self._refusals:
            raise self._refusals.pop(0)
        await self.gates.setdefault(request.rev_ids, asyncio.Event()).wait()
        return {rev_id: dict.fromkeys(request.models, self._cell(rev_id)) for rev_id in request.rev_ids}

    def _cell(self, rev_id: int) -> Cell:
        if rev_id in self.scored:
            return Scored(Score(True, {True: 0.75, False: 0.25}))
        return self.refused.pop(rev_id, Problem("x", "X", "x"))

    @asynccontextmanager
    async def admit(self, cost: int) -> AsyncIterator[None]:
        self.places += 1
        try:
            yield
        finally:
            self.places -= 1

    def release(self, *rev_ids: int) -> None:
        self.gates.setdefault(rev_ids, asyncio.Event()).set()


MODELS = {model.name: model for model in small_models().of("smallwiki").values() if model.name == "damaging"}


def stream(
    held: Held,
    n: int,
    *,
    in_order: bool = False,
    draining: asyncio.Event | None = None,
    options: StreamOptions = SMALL,
    clock: Clock = CLOCK,
) -> Stream:
    asked = Asked("smallwiki", MODELS, tuple(range(1, n + 1)), in_order=in_order)
    return Stream(asked, held.score, held.admit, options, clock, draining or asyncio.Event())


async def test_no_more_than_a_window_is_begun_until_lines_are_taken() -> None:
    held = Held()
    parts = stream(held, 20).parts()
    await anext(parts)
    held.release(1, 2, 3, 4)
    await anext(parts)
    assert held.asked == [(1, 2, 3, 4), (5, 6, 7, 8)]
    held.release(5, 6, 7, 8)
    await anext(parts)
    await parts.aclose()
    await until_async(lambda: held.places == 0)
    assert held.asked == [(1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12)]


async def test_what_is_done_first_comes_first() -> None:
    held = Held()
    parts = stream(held, 8).parts()
    await anext(parts)
    held.release(5, 6, 7, 8)
    assert (await anext(parts))[0]["revision"] == 5
    held.release(1, 2, 3, 4)
    assert (await anext(parts))[0]["revision"] == 1


async def test_when_order_is_wished_the_first_is_waited_for() -> None:
    held = Held()
    parts = stream(held, 8, in_order=True).parts()
    await anext(parts)
    held.release(5, 6, 7, 8)
    coming = asyncio.ensure_future(anext(parts))
    await until_async(lambda: len(held.asked) == 2 and held.places == 1)
    assert not coming.done()
    held.release(1, 2, 3, 4)
    assert [line["revision"] for line in await coming] == [1, 2, 3, 4]
    assert [line["revision"] for line in await anext(parts)] == [5, 6, 7, 8]
    assert (await anext(parts))[0]["done"] is True


async def test_draining_finishes_what_is_under_way_and_tells_the_rest() -> None:
    held, draining = Held(), asyncio.Event()
    parts = stream(held, 20, draining=draining).parts()
    await anext(parts)
    coming = asyncio.ensure_future(anext(parts))
    await until_async(lambda: len(held.asked) == 2)
    draining.set()
    assert await coming == []
    held.release(1, 2, 3, 4)
    held.release(5, 6, 7, 8)
    found = [line async for part in parts for line in part]
    assert [line["revision"] for line in found[:-1]] == list(range(1, 9))
    assert found[-1]["remaining"] == list(range(9, 21))
    assert found[-1]["error"]["code"] == "draining"
    assert held.asked == [(1, 2, 3, 4), (5, 6, 7, 8)]


async def test_draining_does_not_wait_for_ever() -> None:
    held, draining = Held(), asyncio.Event()
    options = StreamOptions(chunk=4, window=2, drain_s=0.05)
    parts = stream(held, 20, draining=draining, options=options).parts()
    await anext(parts)
    coming = asyncio.ensure_future(anext(parts))
    await until_async(lambda: len(held.asked) == 2)
    draining.set()
    found = [*await coming, *[line async for part in parts for line in part]]
    assert found[-1]["remaining"] == list(range(1, 21))
    await until_async(lambda: held.places == 0)


async def test_who_is_refused_is_asked_for_again_and_who_is_late_is_told() -> None:
    held = Held(Overloaded("full", delay_s=0.0), DeadlineExceeded("too late"))
    _, *found, last = [line async for part in stream(held, 4).parts() for line in part]
    assert held.asked == [(1, 2, 3, 4)] * 2
    error = found[0]["scores"]["damaging"]["error"]
    assert (error["code"], error["retryable"]) == ("deadline_exceeded", True)
    assert last == {"done": True, "scored": 0, "failed": 4}


@pytest.mark.parametrize("refusal", [overloaded, engine_away])
async def test_of_a_chunk_only_those_are_asked_for_again_that_were_refused(
    refusal: Callable[[int], Problem],
) -> None:
    held = Held()
    held.release(1, 2, 3, 4)
    held.release(2, 4)
    held.refused = {2: refusal(2), 4: refusal(4)}
    _, *found, _ = [line async for part in stream(held, 4).parts() for line in part]
    assert held.asked == [(1, 2, 3, 4), (2, 4)]
    assert [line["scores"]["damaging"]["error"]["code"] for line in found] == ["x"] * 4


async def test_who_is_refused_is_asked_for_again_ever_later_while_the_chunk_has_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, waits_s = FakeClock(), list[float]()

    async def sleep(delay_s: float) -> None:
        waits_s.append(delay_s)
        clock.advance(delay_s)

    monkeypatch.setattr("assay.serving.native.stream.asyncio.sleep", sleep)
    held = Held(*[Overloaded("full", delay_s=0.0)] * 9)
    options = StreamOptions(chunk=4, window=1, chunk_timeout_s=10.0)
    parts = stream(held, 4, options=options, clock=clock).parts()
    _, *found, last = [line async for part in parts for line in part]
    assert waits_s == [0.5, 1.0, 2.0, 4.0]
    assert len(held.asked) == 5
    assert {line["scores"]["damaging"]["error"]["code"] for line in found} == {"overloaded"}
    assert last == {"done": True, "scored": 0, "failed": 4}


async def test_a_refusal_that_says_when_to_come_back_is_believed() -> None:
    held = Held(Overloaded("full", delay_s=3600))
    _, *found, _ = [line async for part in stream(held, 4).parts() for line in part]
    assert len(held.asked) == 1
    assert len(found) == 4


async def test_lines_begin_with_what_is_asked_and_end_with_how_many_are_scored() -> None:
    held = Held()
    held.release(1, 2, 3, 4)
    held.scored = {1, 3, 4}
    first, *told, last = [line async for part in stream(held, 4).parts() for line in part]
    (model,) = MODELS.values()
    described = {"version": model.version, "digest": model.digest}
    assert first == {"wiki": "smallwiki", "models": {"damaging": described}, "revisions": 4}
    assert [line["revision"] for line in told if "score" in line["scores"]["damaging"]] == [1, 3, 4]
    assert last == {"done": True, "scored": 3, "failed": 1}


async def test_a_defect_costs_its_own_chunk_only() -> None:
    held = Held(RuntimeError("a defect"))
    held.release(5, 6, 7, 8)
    _, *found, last = [line async for part in stream(held, 8).parts() for line in part]
    codes = {line["revision"]: line["scores"]["damaging"]["error"]["code"] for line in found}
    assert (codes[1], codes[5]) == ("engine_unavailable", "x")
    assert last["done"] is True


async def test_a_refused_place_is_not_leaked() -> None:
    class Refusing(Held):
        @asynccontextmanager
        async def admit(self, cost: int) -> AsyncIterator[None]:
            raise QuotaSpent("spent", 200)
            yield

    held = Refusing()
    _, last = [line async for part in stream(held, 4).parts() for line in part]
    assert last["remaining"] == [1, 2, 3, 4]
    assert held.asked == []


class Metered(Held):
    """Its quota is spent as often as is said before each chunk, each time for `retry_s`."""

    def __init__(self, *spent: int, retry_s: float) -> None:
        super().__init__()
        self._spent = [*spent]
        self._retry_s: Any = retry_s

    def refill(self) -> None:
        self._spent = []

    @asynccontextmanager
    async def admit(self, cost: int) -> AsyncIterator[None]:
        if self._spent and self._spent[0]:
            self._spent[0] -= 1
            raise QuotaSpent("spent", self._retry_s)
        self._spent[:1] = []
        async with super().admit(cost):
            yield


ONE_BY_ONE = StreamOptions(chunk=1, window=1, pause_limit_s=0.25)


async def test_a_stream_may_pause_as_long_at_a_stretch_again_after_each_chunk() -> None:
    held = Metered(2, 2, 2, retry_s=0.1)
    for rev_id in (1, 2, 3):
        held.release(rev_id)
    _, *told, last = [line async for part in stream(held, 3, options=ONE_BY_ONE).parts() for line in part]
    assert ["pause" if "pause" in line else line["revision"] for line in told] == [
        *("pause", "pause", 1),
        *("pause", "pause", 2),
        *("pause", "pause", 3),
    ]
    assert last["done"] is True
    assert told[0] == {
        "pause": {"code": "too_many_requests", "message": "spent", "retryable": True},
        "retry_s": 0.1,
    }


async def test_a_stream_does_not_ask_again_before_it_may() -> None:
    """Or its patience would be over in no time."""
    held = Metered(10**6, retry_s=0.1)
    held.release(1)
    asyncio.get_running_loop().call_later(0.05, held.refill)
    options = StreamOptions(chunk=1, window=1, pause_limit_s=20.0)
    *_, last = [line async for part in stream(held, 1, options=options).parts() for line in part]
    assert last == {"done": True, "scored": 0, "failed": 1}


async def test_a_pause_beyond_the_limit_is_the_end_with_all_that_is_left() -> None:
    held = Metered(0, 3, retry_s=0.1)
    held.release(1)
    _, first, *pauses, last = [
        line async for part in stream(held, 3, options=ONE_BY_ONE).parts() for line in part
    ]
    assert (first["revision"], len(pauses), last["remaining"]) == (1, 2, [2, 3])
    assert last["error"]["code"] == "too_many_requests"


async def test_a_server_that_is_told_to_end_does_not_wait_for_a_quota() -> None:
    held, draining = Metered(1, retry_s=100.0), asyncio.Event()
    parts = stream(held, 4, draining=draining).parts()
    await anext(parts)
    assert "pause" in (await anext(parts))[0]
    draining.set()
    async with asyncio.timeout(20):
        (last,) = [line async for part in parts for line in part]
    assert (last["error"]["code"], last["remaining"]) == ("draining", [1, 2, 3, 4])


async def test_nothing_goes_on_after_the_end() -> None:
    """Of one that was read to its end, and of one that was left."""
    before = asyncio.all_tasks()
    held = Held()
    held.release(1, 2, 3, 4)
    assert [line async for part in stream(held, 4).parts() for line in part]
    left = Held()
    parts = stream(left, 20).parts()
    await anext(parts)
    coming = asyncio.ensure_future(anext(parts))
    await until_async(lambda: left.places == 2)
    coming.cancel()
    await until_async(lambda: left.places == 0 and asyncio.all_tasks() == before)


async def test_who_leaves_before_there_is_a_place_has_nothing_scored() -> None:
    class Slow(Held):
        @asynccontextmanager
        async def admit(self, cost: int) -> AsyncIterator[None]:
            entering.set()
            await has_place.wait()
            async with super().admit(cost):
                yield

    before, entering, has_place = asyncio.all_tasks(), asyncio.Event(), asyncio.Event()
    held = Slow()
    parts = stream(held, 20).parts()
    await anext(parts)
    coming = asyncio.ensure_future(anext(parts))
    await entering.wait()
    coming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await coming
    has_place.set()
    await until_async(lambda: asyncio.all_tasks() == before)
    assert (held.asked, held.places) == ([], 0)


async def test_the_last_chunks_have_their_time_while_the_server_stays() -> None:
    """`drain_s` is for its end alone."""
    held = Held()
    held.release(1, 2, 3, 4)
    asyncio.get_running_loop().call_later(0.2, held.release, 5, 6, 7, 8)
    options = StreamOptions(chunk=4, window=2, drain_s=0.01)
    *_, last = [line async for part in stream(held, 8, options=options).parts() for line in part]
    assert last == {"done": True, "scored": 0, "failed": 8}
