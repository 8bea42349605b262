"""The open loop, in virtual time: each latency is known beforehand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from assay.errors import EngineUnavailable
from assay.load import Answered, Expectations, LoadPlan, LoadReport, Tally, run
from assay.load.retry import Lost, Reply
from load.answering import document
from load.virtual_time import VirtualLoop, run_virtually

A, B = "http://127.0.0.1:1", "http://127.0.0.1:2"
Send = Callable[[str, str], Awaitable[Reply]]


def _plan(**given: Any) -> LoadPlan:
    defaults: dict[str, Any] = {
        "urls": (A,),
        "wiki": "testwiki",
        "revisions": range(1, 10**6),
        "rate_per_s": 100,
        "duration_s": 4,
        "arrivals": "constant",
        "mix": {"revision": 1.0},
    }
    return LoadPlan(**{**defaults, **given})


def _right(target: str) -> Reply:
    rev_ids = [int(target.split("/")[4])] if target.count("/") == 5 else _revids(target)
    return Reply(200, orjson.dumps(document(rev_ids)))


def _revids(target: str) -> list[int]:
    return [int(rev_id) for rev_id in target.partition("revids=")[2].split("&")[0].split("%7C")]


def _stalling(first_s: float, last_s: float, work_s: float = 0.001) -> Send:
    """A server that answers in `work_s`, but nothing between two moments after its first request."""
    start_s: list[float] = []

    async def send(node: str, target: str) -> Reply:
        loop = asyncio.get_running_loop()
        start_s[:] = start_s or [loop.time()]
        now_s = loop.time() - start_s[0]
        await asyncio.sleep(work_s + (last_s - now_s if first_s <= now_s < last_s else 0))
        return _right(target)

    return send


def _run(plan: LoadPlan, send: Send, **given: Any) -> LoadReport:
    return run_virtually(run(plan, send=send, **given))


def test_a_stall_shows_in_every_request_that_was_due_meanwhile() -> None:
    """One second without answers at 100/s: a generator that waits for answers would see one slow request."""
    answered: list[Answered] = []
    report = _run(_plan(), _stalling(0.995, 1.995), on_answer=answered.append)
    assert (report.tally.sent, report.lost, report.wrong) == (400, 0, 0)
    expected = [0.001 + max(0.0, 1.995 - due / 100) * (due >= 100) for due in range(400)]
    found = sorted(answered, key=lambda answer: answer.due_s)
    assert [answer.done_s - answer.due_s for answer in found] == pytest.approx(expected, abs=1e-6)
    assert sum(latency > 0.002 for latency in report.tally.ok_s) == 100
    assert report.ok_latency is not None
    assert report.ok_latency.p90_s == pytest.approx(0.596, abs=0.011)
    assert not list(report.warnings())


def test_a_generator_that_is_late_charges_it_to_the_latency_and_says_so() -> None:
    """The loop is blocked for half a second, as by a process that gets no processor."""

    async def send(node: str, target: str) -> Reply:
        if "/100/" in target:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            loop.pass_time(0.5)
        return _right(target)

    report = _run(_plan(), send)
    assert report.tally.sent == 400
    assert report.lag is not None
    assert report.lag.max_s == pytest.approx(0.49, abs=0.02)
    assert report.all_latency is not None
    assert report.all_latency.max_s >= report.lag.max_s
    late = [lag_s for lag_s in report.tally.lags_s if lag_s > 0.005]
    assert len(late) >= 49
    assert sum(report.tally.all_s) >= sum(late) + 0.5, "each of them has its own, and one the whole"
    assert report.fell_behind
    assert "fell behind" in " ".join(report.warnings())


def test_what_finds_no_connection_free_is_skipped_and_said_aloud() -> None:
    report = _run(_plan(connections=10), _stalling(0.995, 1.995))
    tally = report.tally
    assert tally.skipped == 90
    assert tally.due == tally.sent + tally.skipped == 400
    assert tally.sent == tally.answered
    assert "90 of 400 requests were never sent" in " ".join(report.warnings())


def test_nodes_are_asked_in_turn() -> None:
    nodes: list[str] = []

    async def send(node: str, target: str) -> Reply:
        nodes.append(node)
        return _right(target)

    _run(_plan(urls=(A, B)), send)
    assert nodes == [A, B] * 200


def test_stopped_early_it_waits_for_what_is_in_flight() -> None:
    async def stopped() -> LoadReport:
        stop, tally = asyncio.Event(), Tally()
        load = asyncio.create_task(
            run(_plan(duration_s=3600), stop=stop, tally=tally, send=_stalling(0.5, 60.0))
        )
        await asyncio.sleep(1.005)
        assert (tally.sent, tally.answered, tally.in_flight) == (101, 50, 51)
        stop.set()
        return await load

    report = run_virtually(stopped())
    assert (report.tally.sent, report.tally.answered, report.tally.in_flight) == (101, 101, 0)
    assert report.elapsed_s == pytest.approx(1.005, abs=0.01)
    assert report.finished_s == pytest.approx(60.001, abs=0.01)


def test_the_rates_are_those_of_the_whole_run() -> None:
    report = _run(_plan(), _stalling(3.5, 8.0))
    assert report.due_per_s == pytest.approx(100)
    assert report.ok_per_s == pytest.approx(400 / 8, rel=0.01)


@pytest.mark.parametrize("reason", ["refused", "reset", "timeout", "truncated", "malformed"])
def test_lost_answers_are_counted_by_reason_and_with_their_time(reason: str) -> None:
    async def send(node: str, target: str) -> Reply:
        await asyncio.sleep(5)
        raise Lost(reason)

    report = _run(_plan(), send)
    assert report.lost == 400
    assert report.tally.lost_by == Counter({reason: 400})
    assert report.ok_latency is None
    assert report.all_latency is not None
    assert report.all_latency.p50_s == pytest.approx(5)
    assert "No answer had status 200." in list(report.warnings())
    assert len(report.tally.examples) == 10


def test_wrong_answers_are_counted_and_shown() -> None:
    async def send(node: str, target: str) -> Reply:
        return _right(target.replace("/7/", "/8/"))

    report = _run(_plan(), send)
    assert (report.wrong, report.lost) == (1, 0)
    assert report.tally.examples[0].startswith("wrong: testwiki 7 (any) is neither")


def test_expected_scores_can_be_given() -> None:
    other = Expectations({"testwiki": {"7": {"revid": {"prediction": True}}}}, knows_rule=False)

    async def send(node: str, target: str) -> Reply:
        return _right(target)

    assert _run(_plan(), send, expected=other).wrong == 1


def test_an_injected_value_switches_the_rule_off() -> None:
    async def send(node: str, target: str) -> Reply:
        return Reply(200, orjson.dumps(document([int(target.split("/")[4])], lambda rev_id: {})))

    injected = {"feature.revision.reversed_last_two_in_rev_id": "7"}
    assert _run(_plan(), send).wrong == 400
    assert _run(_plan(parameters=injected), send).wrong == 0


class _Refusing:
    """The first `times` attempts at each target are told to wait or refused; the moments of all are kept."""

    def __init__(self, times: int, refusal: Reply | Lost) -> None:
        self.times, self.refusal = times, refusal
        self.attempts: dict[str, list[tuple[float, str]]] = {}

    async def __call__(self, node: str, target: str) -> Reply:
        seen = self.attempts.setdefault(target, [])
        seen.append((asyncio.get_running_loop().time(), node))
        if len(seen) > self.times:
            return _right(target)
        if isinstance(self.refusal, Lost):
            raise Lost(self.refusal.reason)
        return self.refusal


@pytest.mark.parametrize("status", [429, 503])
def test_without_retry_a_refusal_is_the_answer(status: int) -> None:
    report = _run(_plan(), _Refusing(1, Reply(status, b'{"error": {"code": "busy"}}', retry_after_s=2)))
    assert report.tally.statuses == Counter({status: 400})
    assert report.tally.told_to_wait == Counter({status: 400})
    assert report.tally.errors == Counter({"busy": 400})
    assert (report.tally.ok, report.lost) == (0, 0)


@pytest.mark.parametrize("status", [429, 503])
def test_with_retry_the_last_outcome_counts_after_the_wait_that_was_asked_for(status: int) -> None:
    send = _Refusing(1, Reply(status, b"", retry_after_s=2))
    answered: list[Answered] = []
    report = _run(_plan(urls=(A, B), retry=True), send, on_answer=answered.append)
    assert {answer.attempts for answer in answered} == {2}
    assert report.tally.statuses == Counter({200: 400})
    assert report.tally.retries == Counter({str(status): 400})
    assert report.tally.told_to_wait == Counter({status: 400})
    for (first_s, first), (second_s, second) in send.attempts.values():
        assert second_s - first_s == pytest.approx(2)
        assert first != second
    assert report.ok_latency is not None
    assert report.ok_latency.p50_s == pytest.approx(2)


@pytest.mark.parametrize("reason", ["refused", "reset"])
def test_with_retry_what_was_not_answered_goes_to_the_next_node_at_once(reason: str) -> None:
    send = _Refusing(1, Lost(reason))
    report = _run(_plan(urls=(A, B), retry=True), send)
    assert (report.tally.ok, report.lost) == (400, 0)
    assert report.tally.retries == Counter({reason: 400})
    for (first_s, first), (second_s, second) in send.attempts.values():
        assert second_s == first_s
        assert first != second


def test_retrying_ends_in_time() -> None:
    send = _Refusing(10**6, Reply(503, b"", retry_after_s=2))
    report = _run(_plan(retry=True, retry_for_s=7), send)
    assert report.tally.statuses == Counter({503: 400})
    assert {len(attempts) for attempts in send.attempts.values()} == {4}  # after 0, 2, 4 and 6 seconds


@pytest.mark.parametrize(("retry", "lost"), [(False, 400), (True, 0)])
def test_what_the_http_client_sent_again_by_itself_was_a_reset(retry: bool, lost: int) -> None:
    async def send(node: str, target: str) -> Reply:
        return Reply(200, _right(target).body, was_resent=True)

    report = _run(_plan(retry=retry), send)
    assert report.lost == lost
    assert report.tally.retries["reset"] == 400 - lost


def test_warming_asks_every_node_for_all_that_the_run_can_reach_and_is_not_counted() -> None:
    asked: list[tuple[str, int]] = []

    async def send(node: str, target: str) -> Reply:
        await asyncio.sleep(0.01)
        asked.extend((node, rev_id) for rev_id in _revids(target))
        return _right(target)

    plan = _plan(urls=(A, B), cache="warm", mix={"scores": 1.0}, revisions_per_request=3, duration_s=0.25)
    report = _run(plan, send)
    assert report.tally.sent == 25
    warmed, measured = asked[: 2 * 75], asked[2 * 75 :]
    assert Counter(warmed) == Counter((node, rev_id) for node in (A, B) for rev_id in range(1, 76))
    assert [rev_id for _, rev_id in measured] == list(range(1, 76))


@pytest.mark.parametrize("outcome", [Lost("timeout"), Reply(503, b"", retry_after_s=1)])
def test_a_server_that_cannot_be_warmed_is_not_measured(outcome: Reply | Lost) -> None:
    with pytest.raises(EngineUnavailable, match="could not be warmed"):
        _run(_plan(cache="warm"), _Refusing(10**6, outcome))


def test_the_report_is_json() -> None:
    report = _run(_plan(), _Refusing(1, Lost("reset")))
    told = orjson.loads(orjson.dumps(report.document()))
    assert told["lost"] == {"reset": 400}
    assert told["plan"]["rate_per_s"] == 100
    assert told["all_latency"]["count"] == told["lag"]["count"] == 400
    assert told["ok_latency"] is None
