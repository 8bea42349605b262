"""Revisions of a live wiki, through its action API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from assay.clock import Deadline
from assay.errors import SourceUnavailable
from assay.revisions.problem import (
    Problem,
    answer_too_large,
    parent_not_found,
    revision_not_found,
    source_failed,
)
from assay.revisions.record import MAX_ID, MAX_TEXT_BYTES
from assay.revisions.source import Pasts
from assay.revisions.types import Actor, Known, Revision
from assay.revisions.wiki.action_api import ActionApi, AnswerTooLarge
from assay.revisions.wiki.api_document import REVISION_PROPERTIES, read_revisions, read_users, with_account
from assay.revisions.wiki.live_past import LivePasts

IDS_PER_CALL = 50
"""What MediaWiki allows clients without the `apihighlimits` right."""

Found = dict[int, Revision | Problem]


class MediaWikiSource:
    """A `Source` over one wiki's api.php.

    Revisions come first, then their parents and their authors' accounts at the same time. Page and actor
    pasts cost queries of their own (`with_pasts`).
    """

    def __init__(
        self, api: ActionApi, *, max_text_bytes: int = MAX_TEXT_BYTES, pasts: LivePasts | None = None
    ) -> None:
        self._api = api
        self._max_text_bytes = max_text_bytes
        self._pasts = pasts

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        wanted = list(dict.fromkeys(rev_ids))
        possible = [rev_id for rev_id in wanted if 0 < rev_id <= MAX_ID]
        found = await self._fetch_all(possible, deadline)
        revisions = [revision for revision in found.values() if isinstance(revision, Revision)]
        parents, accounts = await asyncio.gather(
            self._fetch_parents(revisions, found, deadline), self._fetch_accounts(revisions, deadline)
        )
        for revision in revisions:
            found[revision.id] = _complete(revision, parents, accounts)
        return {rev_id: found.get(rev_id) or revision_not_found(rev_id) for rev_id in wanted}

    async def with_pasts(self, revisions: Sequence[Revision], deadline: Deadline) -> Pasts:
        if self._pasts is None:
            return Pasts({revision.id: revision for revision in revisions})
        return await self._pasts.add(revisions, deadline)

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        parameters = {
            "action": "query",
            "list": "recentchanges",
            "rcprop": "ids",
            "rctype": "edit|new",
            "rcnamespace": "0",
            "rclimit": str(max(1, min(limit, 500))),
        }
        ids: list[int] = []
        async with aclosing(self._api.query_all(parameters, deadline)) as documents:
            async for document in documents:
                ids += _changed_ids(document)
                if len(ids) >= limit:
                    break
        return list(dict.fromkeys(ids))[:limit]

    async def aclose(self) -> None:
        await self._api.aclose()

    async def _fetch_all(self, rev_ids: Iterable[int], deadline: Deadline) -> Found:
        batches = [self._fetch_batch(batch, deadline) for batch in _batches(rev_ids)]
        found: Found = {}
        for part in await asyncio.gather(*batches):
            found.update(part)
        return found

    async def _fetch_batch(self, rev_ids: Sequence[int], deadline: Deadline) -> Found:
        """At most 50 ids. What came before a failure is kept; only the rest gets its problem."""
        parameters = {
            "action": "query",
            "prop": "revisions",
            "revids": "|".join(map(str, rev_ids)),
            "rvprop": REVISION_PROPERTIES,
            "rvslots": "main",
        }
        found: Found = {}
        reason = "the wiki's answer left it out"
        try:
            async for document in self._api.query_all(parameters, deadline):
                found.update(read_revisions(document, self._max_text_bytes))
        except AnswerTooLarge:
            rest = [rev_id for rev_id in rev_ids if rev_id not in found]
            return found | await self._fetch_halves(rest, deadline)
        except SourceUnavailable as error:
            reason = str(error)
        return {rev_id: found.get(rev_id) or source_failed(rev_id, reason) for rev_id in rev_ids}

    async def _fetch_halves(self, rev_ids: Sequence[int], deadline: Deadline) -> Found:
        """Where one revision holds the others up: halved until it stands alone."""
        if len(rev_ids) == 1:
            return {rev_ids[0]: answer_too_large(rev_ids[0])}
        middle = len(rev_ids) // 2
        first = await self._fetch_batch(rev_ids[:middle], deadline)
        return first | await self._fetch_batch(rev_ids[middle:], deadline)

    async def _fetch_parents(
        self, revisions: Iterable[Revision], found: Mapping[int, Revision | Problem], deadline: Deadline
    ) -> Found:
        """The parents by their ids, whether asked for or fetched now."""
        ids = {revision.parent_id for revision in revisions if isinstance(revision.parent_id, int)}
        missing = sorted(rev_id for rev_id in ids if not isinstance(found.get(rev_id), Revision))
        return {**found, **await self._fetch_all(missing, deadline)}

    async def _fetch_accounts(
        self, revisions: Iterable[Revision], deadline: Deadline
    ) -> dict[int, Actor | str]:
        ids = {
            revision.actor.id
            for revision in revisions
            if isinstance(revision.actor, Actor) and isinstance(revision.actor.id, int)
        }
        parts = [self._fetch_account_batch(batch, deadline) for batch in _batches(sorted(ids))]
        return {
            user_id: account for part in await asyncio.gather(*parts) for user_id, account in part.items()
        }

    async def _fetch_account_batch(
        self, user_ids: Sequence[int], deadline: Deadline
    ) -> dict[int, Actor | str]:
        """Accounts, or why they could not be had.

        By id, not name: fifty long names in a non-Latin script would not fit into an address.
        """
        parameters = {
            "action": "query",
            "list": "users",
            "ususerids": "|".join(map(str, user_ids)),
            "usprop": "groups|registration|editcount",
        }
        accounts: dict[int, Actor | str] = {}
        try:
            async for document in self._api.query_all(parameters, deadline):
                accounts.update(read_users(document))
        except SourceUnavailable as error:
            return {user_id: accounts.get(user_id, str(error)) for user_id in user_ids}
        return accounts


def _changed_ids(document: Mapping[str, Any]) -> list[int]:
    query = document.get("query")
    changes = query.get("recentchanges") if isinstance(query, dict) else None
    if not isinstance(changes, list):
        raise SourceUnavailable("The wiki's answer holds no recent changes: try again.")
    ids = [change.get("revid") for change in changes if isinstance(change, dict)]
    return [rev_id for rev_id in ids if isinstance(rev_id, int) and rev_id > 0]


def _batches(ids: Iterable[int]) -> list[list[int]]:
    ids = list(ids)
    return [ids[start : start + IDS_PER_CALL] for start in range(0, len(ids), IDS_PER_CALL)]


def _complete(revision: Revision, parents: Found, accounts: Mapping[int, Actor | str]) -> Revision:
    return replace(revision, parent=_parent(revision, parents), actor=_actor(revision, accounts))


def _actor(revision: Revision, accounts: Mapping[int, Actor | str]) -> Known[Actor | Problem]:
    """A wiki that tells nothing about its users now is a problem, not an author without groups."""
    actor = revision.actor
    if not isinstance(actor, Actor) or not isinstance(actor.id, int):
        return actor
    account = accounts.get(actor.id)
    if isinstance(account, str):
        return source_failed(revision.id, f"its author's account could not be had: {account}")
    return actor if account is None else with_account(actor, account)


def _parent(revision: Revision, parents: Found) -> Revision | Problem | None:
    parent_id = revision.parent_id
    if not isinstance(parent_id, int):
        return None
    parent = parents.get(parent_id)
    if parent is None or (isinstance(parent, Problem) and not parent.retryable):
        return parent_not_found(revision.id, parent_id)
    return parent
