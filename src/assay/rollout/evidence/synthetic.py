"""The synthetic suite: every request that Assay answers, asked of both arms before any user's is.

Answers of the two arms are compared as those to users' requests are. Besides, each arm is compared with
itself: what it computes, what it says the first time, and what its cache says the second time must be the
same. Nobody but a rollout looks there: a cache written in a wrong shape hurts only those who ask later.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from assay.rollout.evidence.asker import Ask, Asker
from assay.rollout.evidence.cells import cells_of
from assay.rollout.evidence.compare import TOLERANCE, Answer, Fault, compare
from assay.rollout.evidence.pairs import ArmAddress, Pairs, with_features
from assay.rollout.evidence.requests import Case, Ground, cases
from assay.rollout.evidence.told import explore
from assay.rollout.failures import PASSING_ERRORS
from assay.rollout.samples import Pair, SeenCell
from assay.scoring.synthetic import TEST_WIKI

AT_ONCE: Final = 4
"""Requests at the same time, fewer than a client may have (quota.concurrent)."""
_CACHE: Final = "x-cache"


class Suite:
    """Of one data centre. `pairs` must be of the same two arms. Never raises."""

    def __init__(
        self,
        pairs: Pairs,
        stable: ArmAddress,
        candidate: ArmAddress,
        asker: Asker,
        *,
        chance: random.Random | None = None,
    ) -> None:
        self._pairs = pairs
        self._stable = stable
        self._candidate = candidate
        self._asker = asker
        self._chance = chance or random.Random()

    async def run(self) -> tuple[Pair, ...]:
        """A pair for each request. What an arm's cache says wrong stands among the pair's faults when it is
        the candidate's alone. When the stable arm does not tell its models: the one pair of that question."""
        ground = await explore(self._asker, self._stable.urls[0], self._fresh())
        if not ground.models:
            return (await self._pairs.pair_of(Ask("/v3/scores/")),)
        places = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, case: Case) -> Pair:
            async with places:
                pair = await self._pairs.pair_of(case.ask)
                return await self._with_cache(number, case, pair, ground) if case.is_cacheable else pair

        return tuple(await asyncio.gather(*(one(n, case) for n, case in enumerate(cases(ground)))))

    async def _with_cache(self, number: int, case: Case, pair: Pair, ground: Ground) -> Pair:
        """The pair, with the faults that the candidate's cache has and the stable arm's has not."""
        found = []
        for arm in (self._stable, self._candidate):
            target, is_fresh = self._renewed(case.ask.target, ground)
            url = arm.urls[number % len(arm.urls)]  # one process: its cache may be its own
            found.append(await _of_one_arm(self._asker, url, target, is_fresh=is_fresh))
        known = {fault.where for fault in found[0]}
        ours = [fault for fault in found[1] if fault.where not in known]
        shape = tuple(f"cache: {fault}" for fault in ours if fault.kind == "shape")
        value = tuple(f"cache: {fault}" for fault in ours if fault.kind == "value")
        return replace(
            pair, shape_faults=(*pair.shape_faults, *shape), value_faults=(*pair.value_faults, *value)
        )

    def _renewed(self, target: str, ground: Ground) -> tuple[str, bool]:
        """A target of the test wiki for another fresh revision, since the arms may share a cache."""
        is_fresh = target.startswith(f"/v3/scores/{TEST_WIKI}/{ground.fresh}/")
        return target.replace(str(ground.fresh), str(self._fresh())) if is_fresh else target, is_fresh

    def _fresh(self) -> int:
        """One of 10¹² ids, so that nobody can have asked for it."""
        return self._chance.randrange(10**12, 2 * 10**12)


async def _of_one_arm(asker: Asker, url: str, target: str, *, is_fresh: bool) -> list[Fault]:
    first = await asker.ask(url, Ask(target))
    second = await asker.ask(url, Ask(target))
    computed = await asker.ask(url, Ask(with_features(target)))
    return list(cache_faults(target, first, second, computed, is_fresh=is_fresh))


# -- one arm against itself --------------------------------------------------------------------------


def cache_faults(
    target: str, first: Answer, second: Answer, computed: Answer, *, is_fresh: bool = False
) -> Iterator[Fault]:
    """Where an arm's answers to one request contradict each other. `computed`: with ``features``, which no
    cache answers. `is_fresh`: nobody can have asked before. Places have no revision id, so that faults of two
    arms can be compared. Answers other than 200 are not judged: overload is not the cache's fault."""
    if not first.status == second.status == computed.status == 200:
        return
    plain = replace(computed, body=_without_features(computed.body))
    for name, answer in (("the first", first), ("the second", second)):
        for fault in _contradictions(target, plain, answer):
            yield replace(fault, what=f"{fault.what} ({name} answer against the computed one)")
    is_whole = all(cell.error is None for cell in _cells(target, second).values())
    if is_fresh and first.headers.get(_CACHE) != "miss":
        told = first.headers.get(_CACHE, "nothing")
        yield Fault("value", ("first", _CACHE), f"a revision that nobody asked for before is told as {told}")
    if is_whole and second.headers.get(_CACHE) != "hit":  # errors are not kept
        told = second.headers.get(_CACHE, "nothing")
        yield Fault("value", ("second", _CACHE), f"the same request again is told as {told}, not as hit")


def _contradictions(target: str, computed: Answer, answer: Answer) -> Iterator[Fault]:
    for fault in compare(target, computed, answer).faults:
        yield replace(fault, where=_without_ids(fault.where))
    told, right = _cells(target, answer), _cells(target, computed)
    for wiki, model, rev_id in told.keys() & right.keys():
        key = wiki, model, rev_id
        if not _is_same_cell(told[key], right[key]):
            what = f"revision {rev_id} has {_shown(told[key])}, not {_shown(right[key])}"
            yield Fault("value", (wiki, "scores", "*", model), what)


def _cells(target: str, answer: Answer) -> dict[tuple[str, str, int], SeenCell]:
    try:
        return cells_of(target, orjson.loads(answer.body))
    except orjson.JSONDecodeError:
        return {}


def _is_same_cell(one: SeenCell, other: SeenCell) -> bool:
    if (one.error is None) != (other.error is None):
        return one.error in PASSING_ERRORS or other.error in PASSING_ERRORS  # which tell nothing of a cache
    if one.prediction != other.prediction or one.probability.keys() != other.probability.keys():
        return False
    return all(abs(value - other.probability[label]) <= TOLERANCE for label, value in one.probability.items())


def _without_features(body: bytes) -> bytes:
    """The document as it would be without ``features``; what is no such document, as it is."""
    try:
        document: Any = orjson.loads(body)
        for wiki in document.values():
            for cells in wiki.get("scores", {}).values():
                for cell in cells.values():
                    cell.pop("features", None)
    except (orjson.JSONDecodeError, AttributeError):
        return body
    return orjson.dumps(document)


def _without_ids(where: Sequence[str]) -> tuple[str, ...]:
    return tuple("*" if part.isdecimal() else part for part in where)


def _shown(cell: SeenCell) -> str:
    return cell.error or f"{cell.prediction} {dict(cell.probability)}"
