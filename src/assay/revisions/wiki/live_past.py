"""Pasts of pages and actors from a live wiki's API, within a time and a number of queries.

For each edit: one query for the page's latest revisions, one for the actor's latest contributions, and one
for each page on which these were made, to see what became of them; none for what was asked a moment ago.
Only revisions' ids, times, authors and digests are asked for, never a text. What cannot be had in time stays
UNKNOWN, which models are trained to bear.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from assay.clock import Deadline
from assay.errors import SourceUnavailable
from assay.revisions.digest import base36_of_hex
from assay.revisions.labels import Edit
from assay.revisions.past import NOBODY
from assay.revisions.record import iso, moment, seconds
from assay.revisions.source import Pasts
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, Known, PageHistory, Revision
from assay.revisions.wiki import window
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.api_document import well_formed
from assay.revisions.wiki.window import Contribution, Fate

MAX_KEPT: Final = 2000
"""Pages and actors whose latest edits are remembered; one is at most 500 short rows, about 100 kB."""
PER_QUERY: Final = "500"
"""Revisions or contributions in one answer: MediaWiki's limit for anybody."""
ARTICLES: Final = "0"
"""Contributions are counted where the histories that models learned from have them: in articles."""

K = TypeVar("K", int, str)
E = TypeVar("E", Edit, Contribution)


@dataclass(frozen=True, slots=True)
class PastOptions:
    """What may be spent on the pasts of one batch of revisions."""

    timeout_s: float = 2.0
    queries: int = 100
    kept_s: float = 60.0
    parallel: int = 2


@dataclass(frozen=True, slots=True)
class _Latest:
    """Edits in the order of time, up to `until_s` inclusive. `first_s`: of the very first, whether or not it
    is among them; None when there is none."""

    until_s: int
    edits: tuple[Any, ...]
    first_s: int | None
    is_whole: bool

    def covers(self, until_s: int) -> bool:
        return until_s == self.until_s or (self.is_whole and until_s < self.until_s)


class LivePasts:
    """Asks one wiki, and remembers answers for some seconds."""

    def __init__(self, api: ActionApi, options: PastOptions) -> None:
        self._api = api
        self._options = options
        self._slots = asyncio.Semaphore(options.parallel)
        self._pages = _Kept[int](options.kept_s)
        self._actors = _Kept[str](options.kept_s)

    @property
    def remembered(self) -> int:
        """How many pages and actors."""
        return len(self._pages) + len(self._actors)

    async def add(self, revisions: Sequence[Revision], deadline: Deadline) -> Pasts:
        """The same revisions with what could be had of their pasts. Never raises for a wiki's fault."""
        timeout_s = min(self._options.timeout_s, deadline.remaining_s() / 2)
        asking = _Asking(self, Deadline.after(timeout_s, deadline.clock), self._options.queries)
        edits = [_Edit(revision) for revision in revisions]
        await asyncio.gather(
            asking.pages([(it.page, it.at_s) for it in edits if it.page is not None]),
            asking.actors([(it.actor, it.at_s) for it in edits if it.actor is not None]),
        )
        await asking.pages([(page, it.at_s) for it in edits for page in it.pages_of_actor(asking)])
        return Pasts(
            {it.revision.id: it.with_pasts(asking) for it in edits},
            frozenset(it.revision.id for it in edits if it.is_short(asking)),
        )

    async def ask(self, parameters: Mapping[str, str], deadline: Deadline) -> dict[str, Any]:
        """One answer. At most `parallel` at a time, so that revisions need not wait behind pasts."""
        async with self._slots:
            return await self._api.query({"action": "query", **parameters}, deadline)

    async def page(self, page: int, until_s: int, asking: _Asking) -> _Latest:
        parameters = {"prop": "revisions", "pageids": str(page), "rvprop": "ids|timestamp|user|sha1"}
        return await _latest(self._pages, page, until_s, asking, parameters, "rv", _page_edits)

    async def actor(self, name: str, until_s: int, asking: _Asking) -> _Latest:
        parameters = {
            "list": "usercontribs",
            "ucuser": name,
            "ucnamespace": ARTICLES,
            "ucprop": "ids|timestamp",
        }
        return await _latest(self._actors, name, until_s, asking, parameters, "uc", _contributions)


async def _latest(
    kept: _Kept[K],
    key: K,
    until_s: int,
    asking: _Asking,
    parameters: dict[str, str],
    prefix: str,
    read: Callable[[Mapping[str, Any]], list[E]],
) -> _Latest:
    """Remembered, or one query for the latest edits and, where there are more, one for the very first."""
    if (known := kept.find(key, until_s, asking.now_s)) is not None:
        return known
    start = {f"{prefix}start": iso(moment(until_s)), f"{prefix}dir": "older", f"{prefix}limit": PER_QUERY}
    document = await asking.ask({**parameters, **start})
    with well_formed():
        edits = sorted(read(document), key=lambda it: (it.timestamp_s, it.rev_id))
    is_whole = "continue" not in document
    first_s = edits[0].timestamp_s if edits else None
    if not is_whole:
        oldest = {**parameters, f"{prefix}dir": "newer", f"{prefix}limit": "1"}
        document = await asking.ask(oldest)
        with well_formed():
            first = read(document)
        if not first:
            raise SourceUnavailable("The wiki tells of many edits and of no first one.")
        first_s = min(it.timestamp_s for it in first)
    latest = _Latest(until_s, tuple(edits), first_s, is_whole)
    kept.put(key, latest, asking.now_s)
    return latest


class _Asking:
    """One batch: its deadline, what may still be asked, and what was found, by (page or actor, second)."""

    def __init__(self, pasts: LivePasts, deadline: Deadline, queries: int) -> None:
        self._pasts, self._deadline, self._left = pasts, deadline, queries
        self.of_page: dict[tuple[int, int], _Latest] = {}
        self.of_actor: dict[tuple[str, int], _Latest] = {}

    @property
    def now_s(self) -> float:
        return self._deadline.clock.monotonic_s()

    async def ask(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        if self._left <= 0:
            raise SourceUnavailable("No more may be asked for this batch.")
        self._left -= 1
        return await self._pasts.ask(parameters, self._deadline)

    async def pages(self, wanted: Iterable[tuple[int, int]]) -> None:
        await _gather(wanted, self.of_page, lambda page, at_s: self._pasts.page(page, at_s, self))

    async def actors(self, wanted: Iterable[tuple[str, int]]) -> None:
        await _gather(wanted, self.of_actor, lambda name, at_s: self._pasts.actor(name, at_s, self))


async def _gather(
    wanted: Iterable[tuple[K, int]],
    found: dict[tuple[K, int], _Latest],
    ask: Callable[[K, int], Awaitable[_Latest]],
) -> None:
    """Ask for what is not found yet: each page or actor from its latest second on, so that what is asked
    first answers for the earlier ones, too. What does not come in time is left out."""
    seconds_of: dict[K, list[int]] = {}
    for key, at_s in sorted({it for it in wanted if it not in found}, key=lambda it: -it[1]):
        seconds_of.setdefault(key, []).append(at_s)

    async def of(key: K, moments: list[int]) -> None:
        for at_s in moments:
            with suppress(SourceUnavailable):
                found[key, at_s] = await ask(key, at_s)

    await asyncio.gather(*(of(key, moments) for key, moments in seconds_of.items()))


class _Edit:
    """A revision whose pasts are wanted. `page`, `actor`: None where there is nothing to ask by."""

    def __init__(self, revision: Revision) -> None:
        self.revision = revision
        assert isinstance(revision.timestamp, datetime), "a saved edit has a time"
        self.at_s = int(revision.timestamp.timestamp())
        self.page = revision.page.id if isinstance(revision.page.id, int) else None
        actor = revision.actor
        name = actor.name if isinstance(actor, Actor) else NOBODY
        self.actor = name if isinstance(name, str) and name not in (NOBODY, "") else None

    def with_pasts(self, asking: _Asking) -> Revision:
        return replace(
            self.revision, page_history=self._page_history(asking), actor_history=self._actor_history(asking)
        )

    def is_short(self, asking: _Asking) -> bool:
        """Whether something that was asked for was not told."""
        own = [] if self.page is None else [self.page]
        pages = [*own, *self.pages_of_actor(asking)]
        is_actor_told = self.actor is None or self._of_actor(asking) is not None
        return not (is_actor_told and all((page, self.at_s) in asking.of_page for page in pages))

    def pages_of_actor(self, asking: _Asking) -> list[int]:
        """Pages on which it is to be seen what became of the actor's edits."""
        latest = self._of_actor(asking)
        return [] if latest is None else window.latest_pages(self._before(latest))

    def _of_actor(self, asking: _Asking) -> _Latest | None:
        return None if self.actor is None else asking.of_actor.get((self.actor, self.at_s))

    def _before(self, latest: _Latest) -> list[Any]:
        return [it for it in latest.edits if (it.timestamp_s, it.rev_id) < (self.at_s, self.revision.id)]

    def _page_history(self, asking: _Asking) -> Known[PageHistory]:
        latest = None if self.page is None else asking.of_page.get((self.page, self.at_s))
        if latest is None:
            return UNKNOWN
        edit = Edit(self.revision.id, self.at_s, self.actor, None)
        first_s = self.at_s if latest.first_s is None else latest.first_s
        return window.page_history(self._before(latest), edit, first_s)

    def _actor_history(self, asking: _Asking) -> Known[ActorHistory]:
        latest = self._of_actor(asking)
        pages = [(page, self.at_s) for page in self.pages_of_actor(asking)]
        if latest is None or self.page is None or not all(page in asking.of_page for page in pages):
            return UNKNOWN
        edit = Contribution(self.revision.id, self.at_s, self.page)
        fates: dict[int, Fate] = {}
        for page in pages:
            fates |= window.fates(asking.of_page[page].edits)
        return window.actor_history(self._before(latest), edit, fates, latest.first_s)


class _Kept(Generic[K]):
    """The latest edits of pages or actors, for some seconds; bounded, the oldest out first."""

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._latest: OrderedDict[K, tuple[float, _Latest]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._latest)

    def find(self, key: K, until_s: int, now_s: float) -> _Latest | None:
        end_s, latest = self._latest.get(key, (0.0, None))
        return latest if latest is not None and now_s < end_s and latest.covers(until_s) else None

    def put(self, key: K, latest: _Latest, now_s: float) -> None:
        self._latest[key] = (now_s + self._kept_s, latest)
        self._latest.move_to_end(key)
        self._forget_old(now_s)

    def _forget_old(self, now_s: float) -> None:
        """What was put first is old first. By `MAX_KEPT` alone, hundreds of megabytes would lie about."""
        while self._latest:
            end_s, _ = next(iter(self._latest.values()))
            if len(self._latest) <= MAX_KEPT and now_s < end_s:
                return
            self._latest.popitem(last=False)


def _page_edits(document: Mapping[str, Any]) -> list[Edit]:
    (page,) = document["query"]["pages"]
    return [
        Edit(
            int(entry["revid"]),
            seconds(entry["timestamp"]),
            None if entry.get("userhidden") else str(entry["user"]),
            None if "sha1" not in entry else base36_of_hex(entry["sha1"]),
        )
        for entry in page["revisions"]
    ]


def _contributions(document: Mapping[str, Any]) -> list[Contribution]:
    rows = document["query"]["usercontribs"]
    return [Contribution(int(row["revid"]), seconds(row["timestamp"]), int(row["pageid"])) for row in rows]
