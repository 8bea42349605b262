"""Long lists: in order, once each, resumed behind what is done, stopped loudly when the wiki stays away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from assay import __version__
from assay.clock import Deadline, SystemClock
from assay.errors import ConfigurationError, Overloaded, SourceUnavailable
from assay.models.bundle import load_bundle
from assay.models.library import shipped_folder
from assay.revisions.problem import Problem, revision_not_found, source_failed
from assay.revisions.types import Revision
from assay.scoring.batch import Batch, BatchOptions, LocalScorer, Row, Terms
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.lines import LinesFile
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import TEST_WIKI, SyntheticSource
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.cells import cell_document
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics

QUICK = BatchOptions(chunk=4, backoff_s=0.0, retries=2)


class FlakySource(SyntheticSource):
    """Fails each revision as often as told before it gives it; the unknown ones are not found."""

    def __init__(self, failures: Mapping[int, int], unknown: frozenset[int] = frozenset()) -> None:
        super().__init__(SystemClock())
        self.asked: list[int] = []
        self._failures = dict(failures)
        self._unknown = unknown

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        self.asked.extend(rev_ids)
        found = dict(await super().fetch(rev_ids, deadline))
        for rev_id in rev_ids:
            if rev_id in self._unknown:
                found[rev_id] = revision_not_found(rev_id)
            elif self._failures.get(rev_id, 0) > 0:
                self._failures[rev_id] -= 1
                found[rev_id] = source_failed(rev_id, "it is down")
        return found


def _batch(source: SyntheticSource, *, features: bool = False, explain: bool = False) -> Batch:
    models = ModelSets([load_bundle(shipped_folder() / TEST_WIKI / "revid")])
    metrics = Metrics(__version__)
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), SystemClock()), ScoreCacheOptions())
    engine = InlineEngine(models, metrics)
    service = ScoringService(Wikis({TEST_WIKI: source}, models), engine, cache, metrics)
    scorer = LocalScorer(service, TEST_WIKI, ("revid",), cell_document, features=features, explain=explain)
    return Batch(scorer, QUICK)


def _run(source: SyntheticSource, ids: Sequence[int], path: Path, **told: bool) -> int:
    with LinesFile(path) as lines:
        return asyncio.run(_batch(source, **told).run(iter(ids), lines, lambda more: None))


def _ids(path: Path) -> list[int]:
    return [orjson.loads(line)["rev_id"] for line in path.read_bytes().splitlines()]


def test_lines_stand_in_the_order_of_the_list_duplicates_included(tmp_path: Path) -> None:
    ids = [9, 3, 3, 7, 1, 9, 12, 5, 5, 2]
    assert _run(SyntheticSource(SystemClock()), ids, tmp_path / "out") == 10
    assert _ids(tmp_path / "out") == ids


def test_a_torn_last_line_is_cut_off_and_nothing_is_asked_for_twice(tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    ids = list(range(1, 31))
    _run(SyntheticSource(SystemClock()), ids, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    torn.write_bytes(b"".join(lines[:11]) + lines[11][:20])
    source = FlakySource({})
    assert _run(source, ids, torn) == 19
    assert torn.read_bytes() == whole.read_bytes()
    assert source.asked == ids[11:]


def test_a_finished_list_is_left_alone(tmp_path: Path) -> None:
    ids = [1, 2, 3]
    _run(SyntheticSource(SystemClock()), ids, tmp_path / "out")
    source = FlakySource({})
    assert _run(source, ids, tmp_path / "out") == 0
    assert source.asked == []


def test_another_lists_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    _run(SyntheticSource(SystemClock()), [1, 2, 3], tmp_path / "out")
    before = (tmp_path / "out").read_bytes()
    with pytest.raises(ConfigurationError, match="another list"):
        _run(SyntheticSource(SystemClock()), [1, 2, 4], tmp_path / "out")
    with pytest.raises(ConfigurationError, match="another list"):
        _run(SyntheticSource(SystemClock()), [1], tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == before


def test_passing_troubles_are_asked_for_again_and_lasting_ones_are_cells(tmp_path: Path) -> None:
    source = FlakySource({2: 1, 3: 2}, frozenset({4}))
    assert _run(source, [1, 2, 3, 4], tmp_path / "out") == 4
    cells = [orjson.loads(line)["scores"]["revid"] for line in (tmp_path / "out").read_bytes().splitlines()]
    assert ["score" in cell for cell in cells] == [True, True, True, False]
    assert cells[3]["error"]["code"] == "revision_not_found"
    assert source.asked.count(1) == 1


def test_a_wiki_that_stays_away_stops_the_batch_and_keeps_what_is_done(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="run the same command again"):
        _run(FlakySource({6: 99}), range(1, 13), tmp_path / "out")
    assert _ids(tmp_path / "out") == [1, 2, 3, 4]
    assert _run(FlakySource({}), range(1, 13), tmp_path / "out") == 8


def test_a_file_of_other_bundles_is_not_gone_on_with(tmp_path: Path) -> None:
    _run(SyntheticSource(SystemClock()), [1, 2], tmp_path / "out")
    lines = [orjson.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    lines[-1]["bundles"]["revid"] = "0" * 12
    (tmp_path / "out").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    with pytest.raises(ConfigurationError, match="bundles"):
        _run(SyntheticSource(SystemClock()), [1, 2, 3], tmp_path / "out")


@pytest.mark.parametrize("flag", ["features", "explain"])
@pytest.mark.parametrize("begun_with", [True, False])
def test_a_file_that_tells_something_else_is_not_gone_on_with(
    tmp_path: Path, flag: str, begun_with: bool
) -> None:
    source, path = SyntheticSource(SystemClock()), tmp_path / "out"
    _run(source, [1, 2], path, **{flag: begun_with})
    before = path.read_bytes()
    with pytest.raises(
        ConfigurationError, match=f"begun with another choice of --{flag}: give the same again"
    ):
        _run(source, [1, 2, 3], path, **{flag: not begun_with})
    assert path.read_bytes() == before
    assert _run(source, [1, 2, 3], path, **{flag: begun_with}) == 1


class BusyScorer:
    """Refuses for as long as it is told to, then scores."""

    terms = Terms(TEST_WIKI, {})

    def __init__(self, delays_s: Sequence[float]) -> None:
        self._delays_s = list(delays_s)

    async def score(self, rev_ids: tuple[int, ...]) -> Mapping[int, Row]:
        if self._delays_s:
            raise Overloaded("busy", delay_s=self._delays_s.pop(0))
        return {rev_id: {} for rev_id in rev_ids}


def test_whoever_says_when_to_ask_again_is_left_alone_that_long(tmp_path: Path) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    batch = Batch(BusyScorer([30.0, 1.0]), BatchOptions(backoff_s=2.0), sleep=sleep)
    with LinesFile(tmp_path / "out") as lines:
        assert asyncio.run(batch.run(iter([1]), lines, lambda more: None)) == 1
    assert pauses == [30.0, 60.0]


class Slow:
    """Scores the first chunk, and never the next. `is_asked`: for the next."""

    terms = Terms(TEST_WIKI, {})

    def __init__(self) -> None:
        self.is_asked, self.is_given_up = asyncio.Event(), False

    async def score(self, rev_ids: tuple[int, ...]) -> Mapping[int, Row]:
        if rev_ids == (1,):
            await self.is_asked.wait()
            return {1: {}}
        self.is_asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.is_given_up = True
        return {}


async def test_when_no_more_can_be_written_nothing_is_left_under_way() -> None:
    class Full:
        count = 0
        last: dict[str, Any] | None = None

        def append(self, documents: Iterable[Mapping[str, Any]]) -> None:
            raise ConfigurationError("no space")

    slow = Slow()
    with pytest.raises(ConfigurationError, match="no space"):
        await Batch(slow, BatchOptions(chunk=1, ahead=2)).run(iter([1, 2]), Full(), lambda more: None)
    assert slow.is_given_up


class Gathering:
    """Scores nothing before `wanted` revisions are asked for, all chunks together."""

    terms = Terms(TEST_WIKI, {})

    def __init__(self, wanted: int) -> None:
        self._missing, self._are_there = wanted, asyncio.Event()

    async def score(self, rev_ids: tuple[int, ...]) -> Mapping[int, Row]:
        self._missing -= len(rev_ids)
        if self._missing <= 0:
            self._are_there.set()
        await self._are_there.wait()
        return {rev_id: {} for rev_id in rev_ids}


@pytest.mark.parametrize("processes", [1, 8, 9, 64])
async def test_however_many_processes_have_work_while_a_chunk_is_fetched(
    processes: int, tmp_path: Path
) -> None:
    options = BatchOptions().busying(processes)
    scorer = Gathering(2 * processes + options.chunk)
    with LinesFile(tmp_path / "out") as lines:
        async with asyncio.timeout(30):
            assert await Batch(scorer, options).run(iter(range(1, 999)), lines, lambda more: None) == 998
