"""What users could ask just now: requests for recent revisions in the shapes that they use.

Where no load balancer logs users' requests to us, there is nothing to copy. But tools and bots ask for what
was edited a moment ago, and an arm tells which revisions those are.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from assay.clock import Clock
from assay.rollout.pairs import Asker
from assay.rollout.synthetic import is_named, told_recent, told_wikis

RECENT: Final = 20
"""Revisions of each wiki, as many as the page at ``/`` shows."""
BATCH: Final = 5
"""Revisions of one request for several: a page of a watchlist asks for more, but few are soon answered."""
RENEW_EACH_S: Final = 30.0
"""Wikis are asked for newer revisions so often; until then the same ones are asked again, in other shapes."""
_RETRY_S: Final = 2.0
_AT_ONCE: Final = 4


class Questions:
    """Without an end, as an arm at `url` tells wikis, models and revisions."""

    def __init__(self, asker: Asker, url: str, clock: Clock, *, chance: random.Random | None = None) -> None:
        self._asker = asker
        self._url = url
        self._clock = clock
        self._chance = chance or random.Random()
        self._known: list[tuple[str, Sequence[str], Sequence[int]]] = []
        self._told_s = float("-inf")
        self._waiting: deque[str] = deque()
        self._lock = asyncio.Lock()

    async def next(self) -> str:
        """The next target; waits while the arm tells no revision. Never raises."""
        async with self._lock:
            while not self._waiting:
                await self._fill()
            return self._waiting.popleft()

    async def _fill(self) -> None:
        if self._clock.monotonic_s() - self._told_s >= RENEW_EACH_S:
            if known := await self._told():
                self._known = known  # an arm that is away for a while leaves us what it told before
            self._told_s = self._clock.monotonic_s()
        drawn = [target for told in self._known for target in targets(*told, self._chance)]
        self._chance.shuffle(drawn)
        self._waiting.extend(drawn)
        if not drawn:
            self._told_s = float("-inf")
            await asyncio.sleep(_RETRY_S)

    async def _told(self) -> list[tuple[str, Sequence[str], Sequence[int]]]:
        wikis = await told_wikis(self._asker, self._url)
        places = asyncio.Semaphore(_AT_ONCE)

        async def recent(wiki: str) -> list[int]:
            async with places:
                return await told_recent(self._asker, self._url, wiki, RECENT)

        revisions = await asyncio.gather(*(recent(wiki["name"]) for wiki in wikis))
        models = [[model["name"] for model in filter(is_named, wiki.get("models", ()))] for wiki in wikis]
        names = [wiki["name"] for wiki in wikis]
        return [told for told in zip(names, models, revisions, strict=True) if all(told)]


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
