"""Revisions from a wiki's source, whatever the source does; counted and timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from assay.clock import Deadline
from assay.errors import DeadlineExceeded, RetryableError, SourceUnavailable
from assay.revisions.problem import Problem, source_failed
from assay.revisions.source import Pasts, TellsPasts
from assay.revisions.types import UNKNOWN, Revision
from assay.scoring.wikis import Wiki
from assay.telemetry import FETCH_SECONDS, FETCHED, PASTS, PASTS_SECONDS, Metrics, logger, span


@dataclass(frozen=True, slots=True)
class Fetched:
    """`found`: each id with its revision or problem. `short`: ids whose pasts could not be had now, though a
    model reads them: a score without them is an answer, but not one to keep."""

    found: Mapping[int, Revision | Problem]
    short: frozenset[int] = frozenset()


async def fetch(
    wiki: Wiki,
    rev_ids: Sequence[int],
    deadline: Deadline,
    metrics: Metrics,
    *,
    pasts: bool = False,
    at_hand: Mapping[int, Revision] = MappingProxyType({}),
) -> Fetched:
    """Never raises.

    `pasts`: with the pasts of pages and actors, also where these cost further queries; unknown where they
    cannot be had in time. `at_hand`: what was fetched just before, with or without them.
    """
    missing = [rev_id for rev_id in rev_ids if rev_id not in at_hand]
    fetched = await _fetch(wiki, missing, deadline, metrics) if missing else {}
    found = {rev_id: fetched.get(rev_id) or at_hand[rev_id] for rev_id in rev_ids}
    return await _with_pasts(wiki, found, deadline, metrics) if pasts else Fetched(found)


def not_now(problem: Problem, deadline: Deadline) -> RetryableError:
    """To be raised where a whole answer stands or falls with a revision that cannot be had just now."""
    return (DeadlineExceeded if deadline.passed else SourceUnavailable)(problem.message, delay_s=2.0)


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


async def _with_pasts(
    wiki: Wiki, fetched: Mapping[int, Revision | Problem], deadline: Deadline, metrics: Metrics
) -> Fetched:
    revisions = [revision for revision in fetched.values() if isinstance(revision, Revision)]
    if not isinstance(wiki.source, TellsPasts) or not revisions:
        return Fetched(fetched)
    told = Pasts({}, frozenset(revision.id for revision in revisions))
    started_s = time.perf_counter()
    try:
        async with asyncio.timeout(deadline.remaining_s()):
            with span("pasts", wiki=wiki.name, revisions=len(revisions)):
                told = await wiki.source.with_pasts(revisions, deadline)
    except TimeoutError:
        pass
    except Exception:  # scores without pasts are better than none
        logger(__name__).exception("pasts failed", wiki=wiki.name)
    metrics.observe(PASTS_SECONDS, time.perf_counter() - started_s, wiki.name)
    for revision in revisions:
        known = told.revisions.get(revision.id, revision)
        metrics.count(PASTS, wiki.name, "page", _outcome(known.page_history))
        metrics.count(PASTS, wiki.name, "actor", _outcome(known.actor_history))
    return Fetched({**fetched, **told.revisions}, told.short)


def _outcome(past: object) -> str:
    return "unknown" if past is UNKNOWN else "known"
