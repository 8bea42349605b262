"""What users could ask just now: requests for recent revisions in the shapes that they use.

Where no load balancer logs users' requests to us, there is nothing to copy. But tools and bots ask for what
was edited a moment ago, and an arm tells which revisions those are.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from assay.clock import Clock
from assay.rollout.evidence.asker import Asker
from assay.rollout.evidence.told import MOST_RECENT, is_named, told_recent, told_wikis

KEPT: Final = 500
"""Revisions of each wiki that are remembered, because on a quiet one the recent ones alone are too few scores
to compare."""
BATCH: Final = 5
"""Revisions of one request for several: a page of a watchlist asks for more, but few are soon answered."""
RENEW_EACH_S: Final = 30.0
"""Wikis are asked for newer revisions so often."""
_RETRY_S: Final = 2.0
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class _Wiki:
    """`revisions`: newest first."""

    name: str
    models: Sequence[str]
    revisions: Sequence[int]


class Questions:
    """Without an end, as an arm at `url` tells wikis, models and revisions."""

    def __init__(self, asker: Asker, url: str, clock: Clock, *, chance: random.Random | None = None) -> None:
        self._asker = asker
        self._url = url
        self._clock = clock
        self._chance = chance or random.Random()
        self._known: dict[str, _Wiki] = {}
        self._renewed_s = float("-inf")
        self._waiting: deque[str] = deque()
        self._lock = asyncio.Lock()

    async def next(self) -> str:
        """The next target; waits while the arm tells no revision. Never raises."""
        async with self._lock:
            if self._clock.monotonic_s() - self._renewed_s >= RENEW_EACH_S:
                await self._renew()
            while not self._waiting and not self._draw():
                await asyncio.sleep(_RETRY_S)
                await self._renew()
            return self._waiting.popleft()

    def _draw(self) -> bool:
        """All recent revisions, then all others that are remembered, each in a new shape and order."""
        newest: list[str] = []
        older: list[str] = []
        for wiki in self._known.values():
            newest += targets(wiki.name, wiki.models, wiki.revisions[:MOST_RECENT], self._chance)
            older += targets(wiki.name, wiki.models, wiki.revisions[MOST_RECENT:], self._chance)
        for drawn in (newest, older):
            self._chance.shuffle(drawn)
            self._waiting.extend(drawn)
        return bool(self._waiting)

    async def _renew(self) -> None:
        """From an arm that is away for a while we keep what it told before."""
        wikis = await told_wikis(self._asker, self._url)
        places = asyncio.Semaphore(_AT_ONCE)

        async def renewed(told: Mapping[str, Any]) -> _Wiki:
            async with places:
                recent = await told_recent(self._asker, self._url, told["name"])
            before = self._known.get(told["name"])
            revisions = dict.fromkeys([*recent, *(before.revisions if before else ())])
            models = [model["name"] for model in filter(is_named, told.get("models", ()))]
            return _Wiki(told["name"], models, list(revisions)[:KEPT])

        found = await asyncio.gather(*map(renewed, wikis))
        if known := {wiki.name: wiki for wiki in found if wiki.models and wiki.revisions}:
            self._known = known
        self._renewed_s = self._clock.monotonic_s()
        self._waiting.clear()


def targets(
    wiki: str, models: Sequence[str], revisions: Sequence[int], chance: random.Random
) -> Iterator[str]:
    """A request for each revision, in a shape drawn by lot: all its models, one model, some models by
    parameter together with its neighbours, or as the page at ``/`` looks at it."""
    own = quote(wiki, safe="")
    for place, rev_id in enumerate(revisions):
        shape = chance.choices(("revision", "model", "batch", "page"), (4, 2, 3, 1))[0]
        if shape == "revision":
            yield f"/v3/scores/{own}/{rev_id}/"
        elif shape == "model":
            yield f"/v3/scores/{own}/{rev_id}/{quote(chance.choice(models), safe='')}/"
        elif shape == "batch":
            some = chance.sample(models, chance.randint(1, len(models)))
            near = revisions[place : place + BATCH]
            yield f"/v3/scores/{own}/?models={_joined(some)}&revids={_joined(near)}"
        else:
            yield f"/api/{own}/revisions/{rev_id}"


def _joined(names: Sequence[object]) -> str:
    return quote("|".join(map(str, names)), safe="")
