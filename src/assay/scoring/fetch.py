"""Revisions from a wiki's source, whatever the source does; counted and timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from assay.clock import Deadline
from assay.revisions.problem import Problem, source_failed
from assay.revisions.types import Revision
from assay.scoring.wikis import Wiki
from assay.telemetry import FETCH_SECONDS, FETCHED, Metrics, logger, span


async def fetch(
    wiki: Wiki,
    rev_ids: Sequence[int],
    deadline: Deadline,
    metrics: Metrics,
    *,
    at_hand: Mapping[int, Revision] = MappingProxyType({}),
) -> Mapping[int, Revision | Problem]:
    """Each id with its revision or problem. Never raises. `at_hand`: what was fetched just before."""
    missing = [rev_id for rev_id in rev_ids if rev_id not in at_hand]
    fetched = await _fetch(wiki, missing, deadline, metrics) if missing else {}
    return {rev_id: fetched.get(rev_id) or at_hand[rev_id] for rev_id in rev_ids}


async def _fetch(
    wiki: Wiki, rev_ids: Sequence[int], deadline: Deadline, metrics: Metrics
) -> Mapping[int, Revision | Problem]:
    started_s = time.perf_counter()
    found: Mapping[int, Revision | Problem] = {}
    reason = "the wiki did not name it in its answer"
    try:
        async with asyncio.timeout(deadline.remaining_s()):
            with span("fetch", wiki=wiki.name, revisions=len(rev_ids)):
                found = await wiki.source.fetch(rev_ids, deadline)
    except TimeoutError:
        reason = "the wiki did not answer in time"
    except Exception as error:  # a source's defect must not take the request down
        logger(__name__).exception("source failed", wiki=wiki.name)
        reason = f"the wiki's source failed ({type(error).__name__})"
    metrics.observe(FETCH_SECONDS, time.perf_counter() - started_s, wiki.name)
    fetched = {rev_id: found.get(rev_id) or source_failed(rev_id, reason) for rev_id in rev_ids}
    for revision in fetched.values():
        outcome = revision.code if isinstance(revision, Problem) else "found"
        metrics.count(FETCHED, wiki.name, outcome)
    return fetched
