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
from urllib.parse import quote

import orjson

from assay.rollout.evidence.asker import Ask, Asker
from assay.rollout.evidence.cells import cells_of
from assay.rollout.evidence.compare import TOLERANCE, Answer, Fault, compare
from assay.rollout.evidence.pairs import ArmAddress, Pairs, with_features
from assay.rollout.evidence.requests import Case, Ground, cases
from assay.rollout.failures import PASSING_ERRORS
from assay.rollout.samples import Pair, SeenCell
from assay.scoring.synthetic import TEST_WIKI

AT_ONCE: Final = 4
"""Requests at the same time, fewer than a client may have (quota.concurrent)."""
RECENT: Final = 3
"""Revisions of each wiki."""
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


# -- what there is to ask for ------------------------------------------------------------------------


async def explore(asker: Asker, url: str, fresh: int = 0) -> Ground:
    """What an arm tells of its wikis; nothing of what it does not tell."""
    models: dict[str, list[str]] = {}
    labels: dict[tuple[str, str], list[str]] = {}
    features: dict[tuple[str, str], list[str]] = {}
    for wiki in await told_wikis(asker, url):
        for model in filter(is_named, wiki.get("models", ())):
            key = wiki["name"], model["name"]
            models.setdefault(key[0], []).append(key[1])
            labels[key] = [orjson.dumps(label).decode().strip('"') for label in model.get("labels", ())]
            features[key] = [f["name"] for f in filter(is_named, model.get("features", ()))]
    recent = await asyncio.gather(*(told_recent(asker, url, wiki, RECENT) for wiki in models))
    has_statistics = await _with_thresholds(asker, url, models)
    known = {key: names for key, names in labels.items() if key in has_statistics}
    routes = told_routes(await asker.ask(url, Ask("/openapi.json")))
    return Ground(models, dict(zip(models, recent, strict=True)), known, features, fresh, routes)


def told_routes(answer: Answer) -> frozenset[str] | None:
    """Methods and paths of an OpenAPI document; None when it is none."""
    paths = _document(answer).get("paths")
    if not isinstance(paths, dict):
        return None
    return frozenset(f"{method.upper()} {path}" for path, methods in paths.items() for method in methods)


async def told_wikis(asker: Asker, url: str) -> list[dict[str, Any]]:
    """The wikis that an arm says it has, each with a ``name``; none when it does not tell."""
    wikis = _document(await asker.ask(url, Ask("/api/wikis"))).get("wikis", [])
    return list(filter(is_named, wikis if isinstance(wikis, list) else ()))


async def told_recent(asker: Asker, url: str, wiki: str, most: int) -> list[int]:
    """Newest revisions of a wiki, as an arm tells them; none when it does not. `most`: up to 50."""
    target = f"/api/{quote(wiki, safe='')}/recent?limit={most}"
    found = _document(await asker.ask(url, Ask(target))).get("revisions", [])
    return [rev_id for rev_id in found if isinstance(rev_id, int)] if isinstance(found, list) else []


async def _with_thresholds(asker: Asker, url: str, models: dict[str, list[str]]) -> set[tuple[str, str]]:
    """Models that have tables of thresholds to be asked; others, such as the test wiki's, have none."""
    found = set()
    for wiki, names in models.items():
        for model in names:
            target = f"/v3/scores/{wiki}/?models={model}&model_info=statistics.thresholds"
            if (await asker.ask(url, Ask(target))).status == 200:
                found.add((wiki, model))
    return found


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return document if answer.status == 200 and isinstance(document, dict) else {}


def is_named(value: Any) -> bool:
    """Whether it is an object with a name."""
    return isinstance(value, dict) and isinstance(value.get("name"), str)
