"""Golden scores: real revisions, whole, with exactly what a release says of them.

Every line of the file holds a job as it goes to a scoring process and all that comes back: scores with their
floats in full, the values of all features, and the problems of what cannot be scored. Wherever the same
release is asked again, on any machine, it must say the same, to the last bit; no wiki is needed to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from assay.clock import Deadline
from assay.errors import AssayError, ConfigurationError, ReleaseError
from assay.revisions.problem import Problem
from assay.revisions.types import Revision
from assay.scoring.codec import decode_job, encode_job
from assay.scoring.process import run
from assay.scoring.request import Job
from assay.scoring.score import PlanCache
from assay.scoring.wikis import ModelSets, Wiki

FORMAT: Final = 1
MAX_GOLDEN_BYTES: Final = 64 * 1024 * 1024
SCAN_REVISIONS: Final = 200
"""Of a wiki's latest revisions, so many are looked at to find a score of every model."""
_BATCH: Final = 10
_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Golden:
    """One revision. `job`: JSON as the codec writes it. `cells`: by model, likewise, parsed."""

    wiki: str
    rev_id: int
    job: Any
    cells: Mapping[str, Any]

    def scored(self) -> set[str]:
        """Models that gave a score, not a problem."""
        return {model for model, cell in self.cells.items() if isinstance(cell, list)}


def prove(path: Path, models: ModelSets, wikis: Iterable[str]) -> list[str]:
    """Compute every golden score of the file anew, with the code and models of this process.

    `wikis`: all that are scored. A sentence for each difference; none: everything is exactly as it was.
    Raises `ReleaseError` when the file is damaged or empty, or says nothing of a model of a wiki: a check
    that applies to nothing proves nothing.
    """
    expected = read(path)
    if missing := uncovered(expected, {wiki: tuple(models.of(wiki)) for wiki in wikis}):
        raise ReleaseError("golden scores do not cover what is scored: " + "; ".join(missing))
    return differences(expected, compute([job_of(golden) for golden in expected], models))


def compute(jobs: Iterable[Job], models: ModelSets) -> list[Golden]:
    """What this code says of these revisions, by all models that their wikis have."""
    plans = PlanCache()
    return [_computed(job, models, plans) for job in jobs]


async def choose(
    wiki: Wiki, models: ModelSets, count: int, rev_ids: Sequence[int], deadline: Deadline
) -> list[Golden]:
    """`count` recent revisions of the wiki, and more if some model needs them for its first score.

    `rev_ids`: take these instead. Raises `ConfigurationError` when one of them cannot be had, or when a model
    scores none; `SourceUnavailable` when the wiki does not answer.
    """
    chosen: list[Golden] = []
    unscored = set(wiki.models)
    ids = list(rev_ids) or list(await wiki.source.recent(max(SCAN_REVISIONS, count), deadline))
    for start in range(0, len(ids), _BATCH):
        for golden in await _fetched(wiki, models, ids[start : start + _BATCH], bool(rev_ids), deadline):
            is_wanted = bool(rev_ids) or len(chosen) < count or golden.scored() & unscored
            if is_wanted:
                chosen.append(golden)
                unscored -= golden.scored()
        if not rev_ids and len(chosen) >= count and not unscored:
            break
    if unscored:
        raise ConfigurationError(
            f"none of {len(ids)} revisions of {wiki.name} is scored by {', '.join(sorted(unscored))}: "
            "name others with --golden-revision"
        )
    return chosen


def uncovered(lines: Sequence[Golden], wanted: Mapping[str, Iterable[str]]) -> list[str]:
    """A sentence for each wiki and model that these golden scores say nothing of, and the reverse."""
    faults = [] if lines else ["there is no golden score at all, so nothing would be proved"]
    scored: dict[str, set[str]] = {}
    for golden in lines:
        scored.setdefault(golden.wiki, set()).update(golden.scored())
    for wiki, models in wanted.items():
        if wiki not in scored:
            faults.append(f"{wiki} has no golden revision")
        elif missing := sorted(set(models) - scored[wiki]):
            faults.append(f"{wiki} has no golden score of {', '.join(missing)}")
    if strangers := sorted(set(scored) - set(wanted)):
        faults.append(f"there are golden scores of {', '.join(strangers)}, which is not configured")
    return faults


def differences(expected: Sequence[Golden], found: Sequence[Golden]) -> list[str]:
    """A sentence for each revision, model, label and feature that is not exactly the same."""
    before = {(golden.wiki, golden.rev_id): golden for golden in expected}
    after = {(golden.wiki, golden.rev_id): golden for golden in found}
    faults = []
    for key in dict.fromkeys((*before, *after)):
        place = f"{key[0]}/{key[1]}"
        if key not in after:
            faults.append(f"{place} was not computed")
        elif key not in before:
            faults.append(f"{place} is no golden revision")
        else:
            faults += [f"{place}/{fault}" for fault in _cell_faults(before[key].cells, after[key].cells)]
    return faults


def read(path: Path) -> list[Golden]:
    """Raises `ReleaseError` when there is no file, or it is damaged, too large or empty."""
    try:
        if path.stat().st_size > MAX_GOLDEN_BYTES:
            raise ReleaseError(f"{path} has more than {MAX_GOLDEN_BYTES} bytes: choose fewer revisions")
        lines = [_parsed(line) for line in path.read_bytes().splitlines() if line]
    except OSError as error:
        raise ReleaseError(f"golden scores cannot be read: {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path} holds no golden scores of this Assay ({error!r:.120})") from error
    if not lines:
        raise ReleaseError(f"{path} is empty: without a golden score nothing would be proved")
    if len({(golden.wiki, golden.rev_id) for golden in lines}) != len(lines):
        raise ReleaseError(f"{path} holds a revision twice: choose golden revisions anew")
    return lines


def to_bytes(lines: Iterable[Golden]) -> bytes:
    """The file: a line for each revision, ordered by wiki and id."""
    ordered = sorted(lines, key=lambda golden: (golden.wiki, golden.rev_id))
    return b"".join(_line(golden) for golden in ordered)


def job_of(golden: Golden) -> Job:
    """Raises `ReleaseError` when another version's codec wrote it."""
    try:
        return decode_job(orjson.dumps(golden.job))
    except AssayError as error:
        raise ReleaseError(
            f"the golden revision {golden.wiki}/{golden.rev_id} cannot be read by this code ({error}): "
            "choose golden revisions anew"
        ) from error


def _computed(job: Job, models: ModelSets, plans: PlanCache) -> Golden:
    whole = replace(job, models=tuple(models.of(job.wiki)), features=True, explain=False, bulk=False)
    if not whole.models:
        raise ReleaseError(f"there is no model for {job.wiki}, of which there are golden revisions")
    request = encode_job(whole)
    cells = orjson.loads(run(request, models, plans))[1]
    return Golden(job.wiki, job.revision.id, orjson.loads(request), cells)


async def _fetched(
    wiki: Wiki, models: ModelSets, ids: Sequence[int], is_named: bool, deadline: Deadline
) -> list[Golden]:
    """Those that can be had for good; what may be otherwise next time is nothing to compare with."""
    found = await wiki.source.fetch(ids, deadline)
    whole = []
    for rev_id in ids:
        revision = found[rev_id]
        if isinstance(revision, Revision):
            whole.append(Job(wiki.name, tuple(wiki.models), revision))
        elif is_named:
            raise ConfigurationError(f"{wiki.name}/{rev_id} cannot be a golden revision: {revision.message}")
    lines = compute(whole, models)
    return [golden for golden in lines if not any(map(_is_passing, golden.cells.values()))]


def _is_passing(cell: Any) -> bool:
    return isinstance(cell, dict) and Problem(*cell["p"]).retryable


def _cell_faults(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for model in dict.fromkeys((*before, *after)):
        if model not in after:
            yield f"{model} is missing"
        elif model not in before:
            yield f"{model} is new"
        elif _plain(before[model]) != _plain(after[model]):
            faults = list(_value_faults(_values(before[model]), _values(after[model])))
            more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
            yield f"{model}: " + "; ".join(faults[:_TOLD]) + more


def _value_faults(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield f"{name} was {_told(before[name])} and is not there"
        elif name not in before:
            yield f"{name} is {_told(after[name])} and was not there"
        elif _plain(before[name]) != _plain(after[name]):
            yield f"{name} must be {_told(before[name])} and is {_told(after[name])}"


def _values(cell: Any) -> dict[str, Any]:
    """All that a cell says, each under a name; what is no cell of this code, as a whole."""
    if isinstance(cell, dict):
        return {"problem": cell.get("p")}
    try:
        (prediction, probability), features, *_ = cell
        labelled = {f"probability of {label}": value for label, value in probability}
        return {"prediction": prediction, **labelled, **(features or {})}
    except (ValueError, TypeError):
        return {"cell": cell}


def _plain(value: Any) -> bytes:
    """Bytes tell 1 from 1.0 and true, which Python's == does not."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _told(value: Any) -> str:
    return f"{orjson.dumps(value).decode():.100}"


def _line(golden: Golden) -> bytes:
    record = {
        "format": FORMAT,
        "wiki": golden.wiki,
        "rev_id": golden.rev_id,
        "cells": golden.cells,
        "job": golden.job,
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _parsed(line: bytes) -> Golden:
    record = orjson.loads(line)
    if record["format"] != FORMAT:
        raise ReleaseError(
            f"golden scores of format {record['format']!r:.20}, not {FORMAT}: choose golden revisions anew"
        )
    cells = record["cells"]
    if not isinstance(cells, dict) or not cells:
        raise ReleaseError(f"a golden revision of {record['wiki']!r:.60} has no scores: choose it anew")
    return Golden(str(record["wiki"]), int(record["rev_id"]), record["job"], cells)
