"""Memory of an arm's processes, as their ``/metrics`` tell it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from assay.clock import Clock
from assay.rollout.evidence.asker import Ask, Asker
from assay.rollout.samples import MemorySeen

_START: Final = "process_start_time_seconds"
_RESIDENT: Final = "process_resident_memory_bytes"
_WORKER_RESIDENT: Final = "assay_engine_worker_resident_bytes"
_REPLACED: Final = "assay_engine_worker_replacements_total"
_JOBS: Final = "assay_engine_jobs_total"
_REQUESTS: Final = "assay_http_requests_total"


async def memory_seen(
    asker: Asker, urls: Sequence[str], data_centre: str, slot: str, clock: Clock
) -> tuple[MemorySeen, ...]:
    """Of all processes at `urls` that answer, those that do not are left out. Never raises.

    Two samples for a process with scoring processes of its own: itself, and the scoring process that answered
    last, which is taken for another one after any of them was replaced.
    """
    answers = await asyncio.gather(*(asker.ask(url, Ask("/metrics")) for url in urls))
    now_s = clock.now().timestamp()
    return tuple(
        MemorySeen(now_s, data_centre, slot, process, resident_bytes, jobs_done)
        for url, answer in zip(urls, answers, strict=True)
        if answer.status == 200
        for process, resident_bytes, jobs_done in processes(url, answer.body)
    )


def processes(url: str, exposition: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, resident bytes and jobs done of each process that the text tells of; none when it is no
    exposition. A web process's jobs are the requests that it answered."""
    totals = _totals(exposition)
    if not (started_s := totals.get(_START)):
        return
    process, jobs = f"{url} since {started_s:.2f}", int(totals.get(_JOBS, 0))
    requests = int(totals.get(_REQUESTS, 0))
    if resident := totals.get(_RESIDENT):
        yield process, int(resident), requests or jobs
    if resident := totals.get(_WORKER_RESIDENT):
        yield f"{process}, scoring {int(totals.get(_REPLACED, 0))}", int(resident), jobs


def _counts(name: str, labels: Mapping[str, str]) -> bool:
    return name != _JOBS or labels.get("outcome") == "done"


def _totals(exposition: bytes) -> Mapping[str, float]:
    """Each metric's samples added up; of jobs, those done."""
    totals: dict[str, float] = {}
    try:
        for family in text_string_to_metric_families(exposition.decode("utf-8", "replace")):
            for sample in family.samples:
                if isfinite(sample.value) and _counts(sample.name, sample.labels):
                    totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    except (ValueError, KeyError, IndexError):  # what its parser raises for other texts
        return {}
    return totals
