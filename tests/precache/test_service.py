"""The follower on a live Assay with small models; streams and sinks are the test's own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from assay.clock import FakeClock
from assay.errors import ConfigurationError
from assay.events import NoEdit, Rules
from assay.precache.cursor import Cursor
from assay.precache.sink import Event, Refused
from assay.precache.stream import Followed, Malformed
from assay.telemetry import (
    PRECACHE_EDITS,
    PRECACHE_EVENTS,
    PRECACHE_LAG_SECONDS,
    PRECACHE_PENDING,
    PRECACHE_RETRIES,
)
from precache.running import Given, Kept, Quick, following
from servers.asgi import Served, serving
from servers.redis import free_port
from small_app import AWAY, GONE, HIDDEN_TEXT, SmallApp, ask


@pytest.fixture(scope="module")
def assay() -> Iterator[Served]:
    with serving(SmallApp().build().asgi) as served:
        yield served


async def test_edits_are_scored_told_and_in_the_cache(assay: Served, tmp_path: Path) -> None:
    stream = Given(*range(1, 121))
    async with following(assay.url, tmp_path, stream) as running:
        await running.until(lambda: running.metrics.value(PRECACHE_LAG_SECONDS, "smallwiki") == 120)
        assert sorted(running.sink.rev_ids) == list(range(1, 121))
        first = min(running.sink.events, key=lambda event: event["rev_id"])
        assert set(first["scores"]) == {"damaging", "goodfaith"}
        assert first["scores"]["damaging"]["model_version"] == "1.2.3"
        assert running.metrics.value(PRECACHE_EDITS, "smallwiki", "damaging", "scored") == 120
        assert running.metrics.value(PRECACHE_PENDING) == 0
    cached = await asyncio.to_thread(
        ask, assay, "/v3/scores/smallwiki/?revids=1|60|120&models=damaging|goodfaith"
    )
    assert cached.headers["x-cache"] == "hit"
    assert Cursor(tmp_path / "given.json", "given").load().position == "120"


async def test_only_what_a_rule_wants_is_asked_for(assay: Served, tmp_path: Path) -> None:
    stream = Given(130)
    stream.add(131, performer={"user_groups": ["bot"]})
    stream.add(132, database="otherwiki")
    stream.items += [
        Followed(NoEdit("log"), "4"),
        Followed(Malformed("It is no JSON."), "5"),
        Followed(None, "6"),
    ]
    stream.add(130)
    async with following(assay.url, tmp_path, stream) as running:
        await running.until(lambda: len(running.sink.events) == 2 and stream.read == 7)
        kinds = {
            kind: running.metrics.value(PRECACHE_EVENTS, "given", kind)
            for kind in ("edit", "unwanted", "repeated", "malformed", "log")
        }
    assert kinds == {"edit": 2, "unwanted": 1, "repeated": 1, "malformed": 1, "log": 1}
    assert {event["rev_id"]: set(event["scores"]) for event in running.sink.events} == {
        130: {"damaging", "goodfaith"},
        131: {"damaging"},
    }
    assert Cursor(tmp_path / "given.json", "given").load().position == "7"


async def test_a_stream_of_rubbish_does_not_fill_the_log(assay: Served, tmp_path: Path) -> None:
    stream, clock = Given(133), FakeClock()
    stream.items += [Followed(Malformed(f"It is no JSON: {'x' * 1000}"), str(n)) for n in range(2, 1002)]
    with capture_logs() as logs:
        async with following(assay.url, tmp_path, stream, clock=clock) as running:
            await running.until(lambda: stream.read == 1001)
            clock.advance(60.0)
            stream.items.append(Followed(Malformed("It is no JSON."), "1002"))
            await running.until(lambda: running.metrics.value(PRECACHE_EVENTS, "given", "malformed") == 1001)
    lines = [line for line in logs if line["event"] == "malformed event"]
    assert [(line["stream"], line["events"], len(line["reason"])) for line in lines] == [
        ("given", 1, 300),
        ("given", 1000, len("It is no JSON.")),
    ]


async def test_what_cannot_be_scored_is_told_with_its_errors(assay: Served, tmp_path: Path) -> None:
    stream = Given(140, GONE, HIDDEN_TEXT, AWAY, 141)
    async with following(assay.url, tmp_path, stream, lag_attempts=2, give_up_s=1.5) as running:
        await running.until(lambda: len(running.sink.events) == 5)
        assert running.metrics.value(PRECACHE_RETRIES, "lag") == 1
        assert running.metrics.value(PRECACHE_RETRIES, "cell") >= 1
    errors = {e["rev_id"]: e.get("errors", {}).get("damaging", {}).get("type") for e in running.sink.events}
    assert errors == {
        140: None,
        141: None,
        GONE: "RevisionNotFound",
        HIDDEN_TEXT: "TextDeleted",
        AWAY: "RequestError",
    }


async def test_the_log_says_once_why_an_edit_is_not_told_yet_and_once_that_it_was_given_up(
    assay: Served, tmp_path: Path
) -> None:
    clock = FakeClock()
    with capture_logs() as logs:
        async with following(
            assay.url,
            tmp_path,
            Given(140, GONE, AWAY),
            lag_attempts=4,
            give_up_s=4.0,
            patience=Quick(clock),
            clock=clock,
        ) as running:
            await running.until(lambda: len(running.sink.events) == 3)
    lines = [line for line in logs if line["event"] == "edit not scored yet"]
    told = {(line["rev_id"], line["log_level"], line["wiki"], line["again_in_s"]) for line in lines}
    assert told == {(GONE, "info", "smallwiki", 1.0), (AWAY, "warning", "smallwiki", 1.0)}
    assert len(lines) == 2
    final = [line for line in logs if line["event"] == "edit without score"]
    assert {(line["rev_id"], line["model"], line["attempts"] > 1) for line in final} == {
        (rev_id, model, True) for rev_id in (GONE, AWAY) for model in ("damaging", "goodfaith")
    }
    reasons = {line["rev_id"]: line["reason"] for line in final}
    assert all(line["reason"] == reasons[line["rev_id"]] != "" for line in lines)


async def test_it_goes_on_from_its_position(assay: Served, tmp_path: Path) -> None:
    stream = Given(150, 151)
    async with following(assay.url, tmp_path, stream) as running:
        await running.until(lambda: len(running.sink.events) == 2)
    stream.add(152)
    async with following(assay.url, tmp_path, stream) as running:
        await running.until(lambda: len(running.sink.events) == 1)
    assert running.sink.rev_ids == [152]
    assert stream.asked == [None, "2"]


async def test_a_stream_is_not_read_on_while_nobody_takes_scores(assay: Served, tmp_path: Path) -> None:
    stream, sink = Given(*range(200, 300)), Kept()
    sink.is_shut = True
    async with following(assay.url, tmp_path, stream, sink=sink, pending=20, batch=5, parallel=2) as running:
        await running.until(lambda: running.metrics.value(PRECACHE_RETRIES, "sink") >= 2)
        assert stream.read <= 21
        assert Cursor(tmp_path / "given.json", "given").load().position is None
        sink.is_shut = False
        await running.until(lambda: len(sink.events) == 100)
    assert sorted(sink.rev_ids) == list(range(200, 300))


async def test_an_edit_that_two_streams_tell_is_told_by_each_with_one_id(
    assay: Served, tmp_path: Path
) -> None:
    async with following(assay.url, tmp_path, Given(170, 171), also=Given(171, 170)) as running:
        await running.until(lambda: len(running.sink.events) == 4)
    assert sorted(running.sink.rev_ids) == [170, 170, 171, 171]
    assert len({(event["rev_id"], event["meta"]["id"]) for event in running.sink.events}) == 2
    assert Cursor(tmp_path / "given.json", "given").load().position == "2"
    assert Cursor(tmp_path / "also.json", "also").load().position == "2"


async def test_the_lag_is_until_the_scores_were_told(assay: Served, tmp_path: Path) -> None:
    """However long a sink takes."""
    saved = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    clock = FakeClock(saved)

    class Slow(Kept):
        async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
            clock.advance(5000.0)
            return await super().write(events)

    stream = Given()
    stream.add(180, rev_timestamp=saved.isoformat())
    async with following(assay.url, tmp_path, stream, sink=Slow(), clock=clock) as running:
        await running.until(lambda: running.metrics.value(PRECACHE_LAG_SECONDS, "smallwiki") == 1)
        text = running.metrics.exposition().decode()
    assert re.search(r"^assay_precache_lag_seconds_sum\{.*\} 5000\.0$", text, re.MULTILINE)


async def test_what_the_end_came_before_is_done_by_the_next(assay: Served, tmp_path: Path) -> None:
    """The time for what is under way passes, a sink being hung."""

    class Hung(Kept):
        async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
            self.is_shut = True
            await asyncio.Event().wait()
            return ()

    stream, sink = Given(160, 161), Hung()
    async with following(assay.url, tmp_path, stream, sink=sink, drain_timeout_s=0.05) as running:
        await running.until(lambda: sink.is_shut)
    async with following(assay.url, tmp_path, stream) as running:
        await running.until(lambda: sorted(running.sink.rev_ids) == [160, 161])


async def test_one_that_is_not_done_has_the_others_told_once(assay: Served, tmp_path: Path) -> None:
    """However few are remembered: the next process begins with the one that was not."""
    stream = Given(AWAY, *range(500, 520))
    async with following(assay.url, tmp_path, stream, remembered=3) as running:
        await running.until(lambda: len(running.sink.events) == 20)
    assert Cursor(tmp_path / "given.json", "given").load().position is None
    stream.add(520)
    async with following(assay.url, tmp_path, stream, remembered=3) as running:
        await running.until(lambda: 520 in running.sink.rev_ids and stream.read == 22)
    assert running.sink.rev_ids == [520]


async def test_other_rules_hold_for_what_comes_after_them(assay: Served, tmp_path: Path) -> None:
    stream = Given(430, AWAY)
    async with following(assay.url, tmp_path, stream) as running:
        await running.until(lambda: running.metrics.value(PRECACHE_RETRIES, "cell") >= 1)
        await running.until(lambda: running.sink.rev_ids == [430])
    stream.add(431)
    fewer = Rules({"smallwiki": {"damaging": ("edit",)}})
    async with following(assay.url, tmp_path, stream, fewer, give_up_s=0.0) as running:
        await running.until(lambda: len(running.sink.events) == 2)
    assert {event["rev_id"]: set(event.get("errors", event["scores"])) for event in running.sink.events} == {
        AWAY: {"damaging"},
        431: {"damaging"},
    }
    stream.add(432)
    async with following(assay.url, tmp_path, stream, Rules({"otherwiki": {}})) as running:
        await running.until(lambda: running.metrics.value(PRECACHE_EVENTS, "given", "unwanted") == 1)
    assert running.sink.events == []
    assert Cursor(tmp_path / "given.json", "given").load().position == "4"


async def test_it_ends_at_once_while_nobody_takes_scores_and_loses_nothing(
    assay: Served, tmp_path: Path
) -> None:
    stream, sink = Given(300, 301), Kept()
    sink.is_shut = True
    async with following(assay.url, tmp_path, stream, sink=sink) as running:
        await running.until(lambda: running.metrics.value(PRECACHE_RETRIES, "sink") >= 1)
    assert sink.events == []
    async with following(assay.url, tmp_path, stream) as running:
        await running.until(lambda: len(running.sink.events) == 2)


async def test_an_assay_that_is_away_is_waited_for(tmp_path: Path) -> None:
    stream = Given(310)
    async with following(f"http://127.0.0.1:{free_port()}", tmp_path, stream) as running:
        await running.until(lambda: running.metrics.value(PRECACHE_RETRIES, "away") >= 2)
    assert not (tmp_path / "given.json").exists()


async def test_an_assay_without_a_model_of_the_rules_is_an_error(assay: Served, tmp_path: Path) -> None:
    rules = Rules({"smallwiki": {"drafttopic": ("edit",)}})
    with pytest.raises(ConfigurationError, match="does not score smallwiki with drafttopic"):
        async with following(assay.url, tmp_path, Given(320), rules) as running:
            await running.until(lambda: False)
