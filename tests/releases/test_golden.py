"""Golden scores are exact, cover all, and name whatever differs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.clock import Deadline, SystemClock
from assay.errors import ConfigurationError, ReleaseError
from assay.models.library import shipped_folder
from assay.releases import golden
from assay.releases.golden import Golden
from assay.revisions.open import open_indexed
from assay.revisions.problem import Problem, text_deleted
from assay.revisions.types import Revision
from assay.scoring.codec import decode_job
from assay.scoring.pool.loading import load_models
from assay.scoring.process import run
from assay.scoring.request import Job
from assay.scoring.score import PlanCache
from assay.scoring.synthetic import SyntheticSource, synthetic_revision
from assay.scoring.wikis import ModelSets, Wiki
from shared_data import ROOT
from waiting import soon

EXPORT = ROOT / "src" / "assay" / "sample" / "samplewiki.xml"
WIKI = "small"


@pytest.fixture(scope="module")
def models() -> ModelSets:
    folder = shipped_folder()
    paths = [str(folder / "enwiki" / name) for name in ("damaging", "goodfaith", "articlequality")]
    return load_models(paths, {WIKI: "enwiki"})


@pytest.fixture(scope="module")
def wiki(models: ModelSets, tmp_path_factory: pytest.TempPathFactory) -> Wiki:
    export = tmp_path_factory.mktemp("wiki") / "small.xml"
    export.write_bytes(EXPORT.read_bytes())
    return Wiki(WIKI, open_indexed(export), models.of(WIKI))


@pytest.fixture(scope="module")
def lines(wiki: Wiki, models: ModelSets) -> list[Golden]:
    return asyncio.run(golden.choose(wiki, models, 4, (), soon()))


@pytest.fixture
def file(lines: list[Golden], tmp_path: Path) -> Path:
    path = tmp_path / "golden.jsonl"
    path.write_bytes(golden.to_bytes(lines))
    return path


def test_each_model_is_covered(lines: list[Golden], models: ModelSets) -> None:
    assert len(lines) >= 4
    assert set.union(*(line.scored() for line in lines)) == set(models.of(WIKI))
    assert golden.uncovered(lines, {WIKI: list(models.of(WIKI))}) == []


def test_the_file_says_exactly_what_was_computed(file: Path, lines: list[Golden], models: ModelSets) -> None:
    read = golden.read(file)
    assert golden.differences(lines, read) == golden.differences(read, lines) == []
    assert golden.prove(file, models, [WIKI]) == []
    assert golden.to_bytes(reversed(read)) == file.read_bytes()


async def test_revisions_are_whole(lines: list[Golden], wiki: Wiki, models: ModelSets) -> None:
    """As the wiki gave them, and scored as a scoring process does."""
    for line in lines:
        job = golden.job_of(line)
        assert job.revision == (await wiki.source.fetch([line.rev_id], soon()))[line.rev_id]
        again = orjson.loads(run(orjson.dumps(line.job), models, PlanCache()))[1]
        assert orjson.dumps(again, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
            line.cells, option=orjson.OPT_SORT_KEYS
        )


async def test_named_revisions_are_taken_and_no_others(wiki: Wiki, models: ModelSets) -> None:
    ids = list(await wiki.source.recent(20, soon()))[10:13]
    chosen = await golden.choose(wiki, models, 1, ids, soon())
    assert [line.rev_id for line in chosen] == ids


async def test_a_revision_that_is_not_there_is_told(wiki: Wiki, models: ModelSets) -> None:
    with pytest.raises(ConfigurationError, match="999999999 cannot be a golden revision"):
        await golden.choose(wiki, models, 1, [999999999], soon())


class _Hidden(SyntheticSource):
    """A wiki that hides all texts; `retryable`: for now."""

    def __init__(self, *, retryable: bool) -> None:
        super().__init__(SystemClock())
        self._problem = replace(text_deleted(1), retryable=retryable)

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        return {key: replace(synthetic_revision(key), text=self._problem) for key in rev_ids}


@pytest.mark.parametrize("retryable", [False, True])
async def test_a_model_that_scores_none_is_told(models: ModelSets, retryable: bool) -> None:
    hidden = Wiki(WIKI, _Hidden(retryable=retryable), models.of(WIKI))
    told = "none of 200 revisions of small is scored by articlequality, damaging"
    with pytest.raises(ConfigurationError, match=told):
        await golden.choose(hidden, models, 1, (), soon())


class _HiddenOfLate(_Hidden):
    """A wiki that hides the texts of its latest revisions, 1000 to 976."""

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        hidden = await super().fetch(rev_ids, deadline)
        return {key: hidden[key] if key > 975 else synthetic_revision(key) for key in rev_ids}

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        return range(1000, 1000 - limit, -1)


async def test_beyond_the_count_only_what_a_model_needs_for_its_first_score_is_taken(
    models: ModelSets,
) -> None:
    hidden = Wiki(WIKI, _HiddenOfLate(retryable=False), models.of(WIKI))
    chosen = await golden.choose(hidden, models, 2, (), soon())
    assert [line.rev_id for line in chosen] == [1000, 999, 975]
    assert golden.uncovered(chosen, {WIKI: list(models.of(WIKI))}) == []


async def test_as_many_are_looked_at_as_are_asked_for(
    models: ModelSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden, "SCAN_REVISIONS", 1)
    wiki = Wiki(WIKI, SyntheticSource(SystemClock()), models.of(WIKI))
    assert len(await golden.choose(wiki, models, 3, (), soon())) == 3


async def test_what_may_be_otherwise_next_time_is_nothing_to_compare_with(models: ModelSets) -> None:
    hidden = Wiki(WIKI, _HiddenOfLate(retryable=True), models.of(WIKI))
    chosen = await golden.choose(hidden, models, 2, (), soon())
    assert [line.rev_id for line in chosen] == [975, 974]


def test_the_same_is_computed_however_the_job_was_asked_for(lines: list[Golden], models: ModelSets) -> None:
    """A file of another making may hold jobs of users' requests."""
    jobs = [golden.job_of(line) for line in lines]
    asked = [replace(job, models=("damaging",), features=False, explain=True, bulk=True) for job in jobs]
    assert golden.to_bytes(golden.compute(asked, models)) == golden.to_bytes(lines)


def test_a_wiki_without_models_is_told(lines: list[Golden], models: ModelSets) -> None:
    with pytest.raises(ReleaseError, match="there is no model for otherwiki, of which there are golden"):
        golden.compute([replace(golden.job_of(lines[0]), wiki="otherwiki")], models)


def test_wrong_feature_code_is_named(file: Path, models: ModelSets, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feature, what it must be, what it is: with the score that follows."""
    real = golden.compute

    def wrong(jobs: list[Job], models: ModelSets) -> list[Golden]:
        changed = [replace(job, revision=replace(job.revision, comment="/* other */ words")) for job in jobs]
        return real(changed, models)

    monkeypatch.setattr(golden, "compute", wrong)
    faults = golden.prove(file, models, [WIKI])
    assert faults
    assert any("feature.revision.comment" in fault and "must be" in fault for fault in faults)


def test_another_model_is_named(file: Path, lines: list[Golden], models: ModelSets) -> None:
    """The trees of one model under the name of another."""
    own = models.of(WIKI)
    swapped = {**own, "damaging": replace(own["goodfaith"], name="damaging")}  # type: ignore[type-var]
    faults = golden.prove(file, ModelSets([replace(m, wiki=WIKI) for m in swapped.values()]), [WIKI])  # type: ignore[type-var]
    assert faults
    assert all("/damaging: " in fault for fault in faults)
    assert any("probability of True must be" in fault for fault in faults)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (1, 1.0, "must be 1 and is 1.0"),
        (1, True, "must be 1 and is true"),
        (0.1, 0.10000000000000002, "must be 0.1 and is 0.10000000000000002"),
        (None, 0, "must be null and is 0"),
    ],
)
def test_the_slightest_difference_counts(before: Any, after: Any, told: str) -> None:
    def line(value: Any) -> Golden:
        return Golden("w", 1, None, {"m": [[True, [[True, 0.5]]], {"feature.x": value}, None]})

    assert golden.differences([line(before)], [line(before)]) == []
    (fault,) = golden.differences([line(before)], [line(after)])
    assert fault == f"w/1/m: feature.x {told}"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_survive_the_file(value: float) -> None:
    cell = [[True, [[True, value], [False, 1 - value]]], None, None]
    raw = golden.to_bytes([Golden("w", 1, None, {"m": cell})])
    assert orjson.loads(raw)["cells"]["m"][0][1][0][1] == value


def test_missing_and_new_are_named() -> None:
    cell = [[True, [[True, 0.5]]], None, None]
    one, two = Golden("w", 1, None, {"m": cell}), Golden("w", 2, None, {"m": cell})
    problem = Golden("w", 1, None, {"m": {"p": ["code", "Type", "told", False]}})
    assert golden.differences([one, two], [one]) == ["w/2 was not computed"]
    assert golden.differences([one], [one, two]) == ["w/2 is no golden revision"]
    assert golden.differences([one], [Golden("w", 1, None, {"n": cell})]) == [
        "w/1/m is missing",
        "w/1/n is new",
    ]
    (fault,) = golden.differences([one], [problem])
    assert "prediction was true and is not there" in fault
    assert 'problem is ["code"' in fault


@pytest.mark.parametrize("cell", [None, 1, "x", [], [1], [[True], None], [[True, [1]], None], [[1, 2], 3]])
def test_what_other_code_says_in_another_shape_is_a_difference(cell: Any) -> None:
    """Whoever proves a release must not fall over what a wrong one says."""
    sound = Golden("w", 1, None, {"m": [[True, [[True, 0.5]]], {"feature.x": 1}, None]})
    (fault,) = golden.differences([sound], [Golden("w", 1, None, {"m": cell})])
    assert fault.startswith("w/1/m: ")
    assert f"is {orjson.dumps(cell).decode()}" in fault


def test_what_is_not_covered_is_named() -> None:
    cell = [[True, [[True, 0.5]]], None, None]
    problem = {"p": ["code", "Type", "told", False]}
    lines = [Golden("a", 1, None, {"m": cell, "n": problem}), Golden("z", 1, None, {"m": cell})]
    assert golden.uncovered(lines, {"a": ["m", "n"], "b": ["m"]}) == [
        "a has no golden score of n",
        "b has no golden revision",
        "there are golden scores of z, which is not configured",
    ]
    assert "nothing would be proved" in golden.uncovered([], {})[0]


def test_a_wiki_without_golden_revision_cannot_be_proved(file: Path, models: ModelSets) -> None:
    with pytest.raises(ReleaseError, match="enwiki has no golden revision"):
        golden.prove(file, models, [WIKI, "enwiki"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"{", "no golden scores"),
        (b"[]", "no golden scores"),
        (b'{"format":2}', "format 2"),
        (b'{"format":1,"wiki":"a"}', "no golden scores"),
        (b'{"format":1,"wiki":"a","rev_id":"x","job":[],"cells":{"m":{}}}', "no golden scores"),
        (b'{"format":1,"wiki":"a","rev_id":1,"job":[],"cells":{}}', "has no scores"),
        (b'{"format":1,"wiki":"a","rev_id":1,"job":[],"cells":{"m":{}}}\n' * 2, "twice"),
    ],
)
def test_a_file_that_proves_nothing_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_bytes(content)
    with pytest.raises(ReleaseError, match=told):
        golden.read(path)


def test_a_file_that_is_too_large_is_not_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "MAX_GOLDEN_BYTES", file.stat().st_size)
    assert golden.read(file)
    monkeypatch.setattr(golden, "MAX_GOLDEN_BYTES", file.stat().st_size - 1)
    with pytest.raises(ReleaseError, match="choose fewer revisions"):
        golden.read(file)


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="cannot be read"):
        golden.read(tmp_path / "golden.jsonl")


def test_revisions_of_another_codec_are_refused(lines: list[Golden]) -> None:
    other = replace(lines[0], job=[999, *lines[0].job[1:]])
    with pytest.raises(ReleaseError, match="choose golden revisions anew"):
        golden.job_of(other)
    assert decode_job(orjson.dumps(lines[0].job)).wiki == WIKI
