"""Texts that nobody asked for just now: recent revisions of each wiki, then made-up ones.

Users ask again and again for the same few edits; a candidate that crashes on a rare text would meet it only
when it has all users. So before they meet it, both arms are asked to compute as many different texts as the
stage wants (`assay.rollout.options.StageOptions.shadow_texts`). A made-up text is injected in place of a
real revision's, so that everything else of that revision is as a wiki tells it.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final
from urllib.parse import quote, urlencode

from assay.rollout.evidence.asker import Ask, Asker
from assay.rollout.evidence.texts import made_text
from assay.rollout.evidence.told import told_recent, told_wikis
from assay.scoring.synthetic import TEST_WIKI

BATCH: Final = 10
"""Texts of one request: soon answered, and four requests at once are under way already."""
_TEXT: Final = "datasource.revision.text"
_RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Some revisions of one wiki. `is_made`: their texts are to be made up."""

    wiki: str
    rev_ids: Sequence[int]
    is_made: bool


class Sweep:
    """Without an end, as an arm at `url` tells wikis and revisions."""

    def __init__(self, asker: Asker, url: str, *, chance: random.Random | None = None) -> None:
        self._asker = asker
        self._url = url
        self._chance = chance or random.Random()
        self._waiting: deque[Batch] = deque()
        self._again: cycle[Batch] | None = None

    async def next(self) -> Ask:
        """The next request; waits while the arm tells no revision. Never raises."""
        while not self._waiting and self._again is None:
            found = batches(await self._recent())
            self._waiting.extend(found)
            if found:
                self._again = cycle(Batch(one.wiki, one.rev_ids, is_made=True) for one in found)
            else:
                await asyncio.sleep(_RETRY_S)
        if self._waiting:
            return ask_of(self._waiting.popleft(), self._chance)
        assert self._again is not None
        return ask_of(next(self._again), self._chance)

    async def _recent(self) -> Mapping[str, Sequence[int]]:
        names = [wiki["name"] for wiki in await told_wikis(self._asker, self._url) if wiki.get("models")]
        wikis = [name for name in names if name != TEST_WIKI]
        found = await asyncio.gather(*(told_recent(self._asker, self._url, wiki) for wiki in wikis))
        return dict(zip(wikis, found, strict=True))


def batches(recent: Mapping[str, Sequence[int]]) -> list[Batch]:
    """Every revision once, the wikis in turn, so that none waits for a large one."""
    parts = [
        Batch(wiki, rev_ids[start : start + BATCH], is_made=False)
        for wiki, rev_ids in recent.items()
        for start in range(0, len(rev_ids), BATCH)
    ]
    place: dict[str, int] = {}
    order = []
    for part in parts:
        place[part.wiki] = place.get(part.wiki, -1) + 1
        order.append(place[part.wiki])
    return [part for _, part in sorted(zip(order, parts, strict=True), key=lambda one: one[0])]


def ask_of(batch: Batch, chance: random.Random) -> Ask:
    """Computed anew, whatever is cached."""
    target = f"/v3/scores/{quote(batch.wiki, safe='')}/"
    revids = "|".join(map(str, batch.rev_ids))
    if not batch.is_made:
        return Ask(f"{target}?revids={quote(revids, safe='')}&features")
    inject = {str(rev_id): {_TEXT: made_text(chance)} for rev_id in batch.rev_ids}
    form = urlencode({"revids": revids, "features": "", "inject": json.dumps(inject)})
    return Ask(target, "POST", form, made_texts=len(batch.rev_ids))
