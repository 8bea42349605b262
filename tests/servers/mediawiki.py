"""A stand-in for a wiki's api.php over real HTTP, answering with recorded revisions, and failing on demand.

    async with StandInMediaWiki(recorded()).serving() as wiki:  # from another loop or process: in_thread()
        wiki.faults.append(status(503, retry_after_s=0))  # each fault spoils one request
        source = MediaWikiSource(ActionApi(wiki.url))

It understands what Assay asks: prop=revisions (by ids, or the latest or first of one page), list=users,
list=usercontribs, list=allrevisions, list=recentchanges, meta=siteinfo, all in formatversion 2. Revisions
can be added with `add`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import lzma
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from aiohttp import web

from servers.aiohttp_site import site
from shared_data import shared

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]
Matches = Callable[[Mapping[str, str]], bool]


@dataclass(frozen=True)
class Fault:
    """Answers one request in place of the wiki; `matches` chooses which requests it waits for."""

    respond: Respond
    matches: Matches = lambda query: True


def status(code: int, *, retry_after_s: float | None = None, matches: Matches = lambda query: True) -> Fault:
    """An HTTP error with an HTML page, as web servers in front of a wiki give it."""

    async def respond(request: web.Request) -> web.Response:
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        page = f"<html><body><h1>{code}</h1></body></html>"
        return web.Response(status=code, text=page, content_type="text/html", headers=headers)

    return Fault(respond, matches)


def api_error(code: str, *, retry_after_s: int | None = None) -> Fault:
    """HTTP 200 with an `error`, as MediaWiki answers `maxlag`, `ratelimited` or `readapidenied`."""

    async def respond(request: web.Request) -> web.Response:
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        return web.json_response({"error": {"code": code, "info": f"About {code}."}}, headers=headers)

    return Fault(respond)


def body(data: bytes, *, matches: Matches = lambda query: True) -> Fault:
    """HTTP 200 with any bytes."""

    async def respond(request: web.Request) -> web.Response:
        return web.Response(body=data, content_type="application/json")

    return Fault(respond, matches)


def redirect(location: str) -> Fault:
    async def respond(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    return Fault(respond)


def reset(*, matches: Matches = lambda query: True) -> Fault:
    """The connection is cut before an answer."""

    async def respond(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return Fault(respond, matches)


def truncated() -> Fault:
    """The connection is cut in the middle of the answer."""

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"query": {"pages": [')
        assert request.transport is not None
        request.transport.close()
        return response

    return Fault(respond)


def silent(*, matches: Matches = lambda query: True) -> Fault:
    """No answer, until the client gives up."""

    async def respond(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    return Fault(respond, matches)


def users_only(query: Mapping[str, str]) -> bool:
    return query.get("list") == "users"


def revisions_only(query: Mapping[str, str]) -> bool:
    return query.get("prop") == "revisions"


@dataclass
class Recording:
    """Pages without their revisions, revisions with the page they belong to, users, and changes. `now`: what
    its clock says to those who ask for its changes and for it; None: it does not say."""

    pages: dict[int, dict[str, Any]] = field(default_factory=dict)
    revisions: dict[int, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    siteinfo: dict[str, Any] = field(default_factory=dict)
    now: str | None = None


def recorded() -> Recording:
    """What a MediaWiki 1.39 answered: 57 revisions, among them hidden, CSS and JSON ones."""
    recording = Recording()
    for name in ("revisions_50", "revisions_odd"):
        for page in _query(name)["pages"]:
            page_id = page["pageid"]
            recording.pages[page_id] = {key: page[key] for key in ("pageid", "ns", "title")}
            for entry in page["revisions"]:
                recording.revisions[entry["revid"]] = (page_id, entry)
    for user in _query("users")["users"]:
        if "userid" in user:
            recording.users[user["userid"]] = user
    recording.changes = _query("recentchanges")["recentchanges"]
    recording.siteinfo = _query("siteinfo")
    _add_missing_users(recording)
    return recording


def of_history(path: Path, *, wiki_id: str, most: int | None = None) -> Recording:
    """A wiki whose past is a history of `shared/data`, or its first `most` lines; all pages are articles."""
    recording = Recording()
    numbers: dict[str, int] = {}
    with lzma.open(path) as lines:
        for line in islice(lines, most):
            row = json.loads(line)
            page_id = numbers.setdefault(row["page_title"], len(numbers) + 1)
            recording.pages[page_id] = {"pageid": page_id, "ns": 0, "title": row["page_title"]}
            recording.revisions[row["rev_id"]] = (page_id, _of_line(row))
    general = {"wikiid": wiki_id, "sitename": wiki_id, "generator": "MediaWiki 1.39.5"}
    statistics = {"edits": len(recording.revisions)}
    recording.siteinfo = {"general": general, "statistics": statistics}
    return recording


def _of_line(row: Mapping[str, Any]) -> dict[str, Any]:
    """In the shape of formatversion 2. The digest is the history's: texts may have lost trailing blanks."""
    entry = {
        "revid": row["rev_id"],
        "parentid": row["parent_id"] or 0,
        "user": row["user"],
        "userid": 0 if row["anon"] else 1,
        "timestamp": row["timestamp"],
        "comment": row["comment"] or "",
        "minor": False,
        "size": row["bytes"],
        "sha1": f"{int(row['sha1'], 36):040x}",
        "slots": {
            "main": {"contentmodel": "wikitext", "contentformat": "text/x-wiki", "content": row["text"]}
        },
    }
    return {**entry, "anon": True} if row["anon"] else entry


def _query(name: str) -> dict[str, Any]:
    path: Path = shared(f"samples/mediawiki/{name}.json")
    query: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["query"]
    return query


def _add_missing_users(recording: Recording) -> None:
    """Authors whose accounts were not recorded get an account of the recorded shape."""
    for _, entry in recording.revisions.values():
        if entry.get("userid"):
            recording.users.setdefault(
                entry["userid"],
                {
                    "userid": entry["userid"],
                    "name": entry["user"],
                    "editcount": 35,
                    "registration": "2026-11-23T09:36:12Z",
                    "groups": ["*", "user", "autoconfirmed"],
                },
            )


class StandInMediaWiki:
    """The server. `requests`: queries with their headers. `revisions_per_answer`: continue after so many."""

    def __init__(self, recording: Recording | None = None) -> None:
        self.recording = recording or Recording()
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[dict[str, str], dict[str, str]]] = []
        self.revisions_per_answer: int | None = None
        self.url = ""

    def add(
        self, page: Mapping[str, Any], entry: Mapping[str, Any], user: Mapping[str, Any] | None = None
    ) -> None:
        """One more revision, in the shape of formatversion 2; `page` needs pageid, ns and title."""
        self.recording.pages[page["pageid"]] = dict(page)
        self.recording.revisions[entry["revid"]] = (page["pageid"], dict(entry))
        if user is not None:
            self.recording.users[user["userid"]] = dict(user)

    def invent_parents(self) -> None:
        """Give revisions whose parent was not recorded one: their own text without its last line."""
        for page_id, entry in list(self.recording.revisions.values()):
            parent_id = entry["parentid"]
            if parent_id and parent_id not in self.recording.revisions:
                text = entry["slots"]["main"].get("content", "")
                slots = {"main": {**entry["slots"]["main"], "content": text.rpartition("\n")[0]}}
                parent = {**entry, "revid": parent_id, "parentid": 0, "slots": slots}
                self.recording.revisions[parent_id] = (page_id, parent)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[StandInMediaWiki]:
        """Answers on a free port of the loopback while the block runs; `url` is its api.php."""
        application = web.Application()
        application.router.add_route("*", "/w/api.php", self.answer)
        async with site(application) as port:
            self.url = f"http://127.0.0.1:{port}/w/api.php"
            yield self

    @contextmanager
    def in_thread(self) -> Iterator[StandInMediaWiki]:
        """The same for tests whose client runs in another loop or process."""
        ready, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

        async def run() -> None:
            async with self.serving():
                ready.set()
                await stop.wait()

        def main() -> None:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(run())
            loop.close()

        thread = threading.Thread(target=main, daemon=True)
        thread.start()
        assert ready.wait(10), "the stand-in did not start"
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        query = {**request.query, **(dict(await request.post()) if request.method == "POST" else {})}
        strings = {key: str(value) for key, value in query.items()}
        self.requests.append((strings, dict(request.headers)))
        for fault in self.faults:
            if fault.matches(strings):
                self.faults.remove(fault)
                return await fault.respond(request)
        response = web.json_response(self._document(strings))
        response.enable_compression()
        return response

    def _document(self, query: Mapping[str, str]) -> dict[str, Any]:
        if query.get("action") != "query" or query.get("formatversion") != "2":
            return {
                "error": {"code": "badvalue", "info": "This stand-in knows action=query, formatversion=2."}
            }
        if query.get("prop") == "revisions":
            return self._revisions(query) if "revids" in query else self._of_page(query)
        if query.get("list") == "usercontribs":
            return self._contributions(query)
        if query.get("list") == "allrevisions":
            return self._all_revisions(query)
        if query.get("list") == "users":
            return self._users(query)
        if query.get("list") == "recentchanges":
            is_asked = self.recording.now is not None and "curtimestamp" in query
            clock = {"curtimestamp": self.recording.now} if is_asked else {}
            return {**clock, **self._changes(query)}
        return {"batchcomplete": True, "query": self.recording.siteinfo}

    def _revisions(self, query: Mapping[str, str]) -> dict[str, Any]:
        ids = [int(part) for part in query["revids"].split("|")]
        if len(ids) > 50:
            return {"error": {"code": "toomanyvalues", "info": "Too many values supplied for revids."}}
        bad = {str(i): {"revid": i, "missing": True} for i in ids if i not in self.recording.revisions}
        good = sorted(i for i in set(ids) if i in self.recording.revisions)
        first = int(query.get("rvcontinue", "0"))
        following = [rev_id for rev_id in good if rev_id >= first]
        now = following[: self.revisions_per_answer]
        answer: dict[str, Any] = {"query": {"pages": self._pages(now, query)}}
        if bad:
            answer["query"]["badrevids"] = bad
        if len(now) < len(following):
            answer["continue"] = {"rvcontinue": str(following[len(now)]), "continue": "||"}
        else:
            answer["batchcomplete"] = True
        return answer

    def _pages(self, rev_ids: list[int], query: Mapping[str, str]) -> list[dict[str, Any]]:
        pages: dict[int, dict[str, Any]] = {}
        for rev_id in rev_ids:
            page_id, entry = self.recording.revisions[rev_id]
            page = pages.setdefault(page_id, {**self.recording.pages[page_id], "revisions": []})
            page["revisions"].append(_entry(entry, set(query.get("rvprop", "").split("|"))))
        return list(pages.values())

    def _of_page(self, query: Mapping[str, str]) -> dict[str, Any]:
        page_id = int(query["pageids"])
        if page_id not in self.recording.pages:
            return {"batchcomplete": True, "query": {"pages": [{"pageid": page_id, "missing": True}]}}
        entries = [entry for page, entry in self.recording.revisions.values() if page == page_id]
        found, answer = _listed(entries, query, "rv")
        properties = set(query.get("rvprop", "").split("|"))
        page = {**self.recording.pages[page_id], "revisions": [_entry(it, properties) for it in found]}
        return {**answer, "query": {"pages": [page]}}

    def _contributions(self, query: Mapping[str, str]) -> dict[str, Any]:
        rows = [
            {
                **self.recording.pages[page_id],
                **{key: entry[key] for key in _OF_CONTRIBUTIONS if key in entry},
            }
            for page_id, entry in self.recording.revisions.values()
            if entry.get("user") == query["ucuser"] and not entry.get("userhidden")
            if str(self.recording.pages[page_id]["ns"]) == query.get("ucnamespace", "0")
        ]
        found, answer = _listed(rows, query, "uc")
        return {**answer, "query": {"usercontribs": found}}

    def _all_revisions(self, query: Mapping[str, str]) -> dict[str, Any]:
        rows = [
            (page_id, entry)
            for page_id, entry in self.recording.revisions.values()
            if str(self.recording.pages[page_id]["ns"]) == query.get("arvnamespace", "0")
        ]
        by_id = {entry["revid"]: page_id for page_id, entry in rows}
        found, answer = _listed([entry for _, entry in rows], query, "arv")
        properties = set(query.get("arvprop", "").split("|"))
        pages: list[dict[str, Any]] = []
        for entry in found:
            page = self.recording.pages[by_id[entry["revid"]]]
            if not pages or pages[-1]["pageid"] != page["pageid"]:
                pages.append({**page, "revisions": []})
            pages[-1]["revisions"].append(_entry(entry, properties))
        return {**answer, "query": {"allrevisions": pages}}

    def _users(self, query: Mapping[str, str]) -> dict[str, Any]:
        by_name = {user["name"]: user for user in self.recording.users.values()}
        ids = [int(part) for part in query.get("ususerids", "").split("|") if part]
        names = [part for part in query.get("ususers", "").split("|") if part]
        users = [self.recording.users.get(i) or {"userid": i, "missing": True} for i in ids]
        users += [by_name.get(name) or {"name": name, "missing": True} for name in names]
        return {"batchcomplete": True, "query": {"users": users}}

    def _changes(self, query: Mapping[str, str]) -> dict[str, Any]:
        types = set(query.get("rctype", "edit|new|log").split("|"))
        namespaces = query.get("rcnamespace")
        wanted = None if namespaces is None else {int(part) for part in namespaces.split("|")}
        rows = [
            row
            for row in self.recording.changes
            if row["type"] in types and (wanted is None or row["ns"] in wanted)
        ]
        limit = int(query.get("rclimit", "10"))
        if query.get("rcdir") == "newer":
            return _newer(rows, query, limit)
        rows.sort(key=_change_place, reverse=True)
        return {"batchcomplete": True, "query": {"recentchanges": rows[:limit]}}


def _change_place(row: Mapping[str, Any]) -> tuple[str, int]:
    """Where a change stands among the others."""
    return "".join(filter(str.isdigit, row["timestamp"])), row["rcid"]


def _newer(rows: list[dict[str, Any]], query: Mapping[str, str], limit: int) -> dict[str, Any]:
    """Oldest first, continued by time and rcid as MediaWiki does it."""
    start = (query.get("rcstart", ""), 0)
    if "rccontinue" in query:
        moment, _, rcid = query["rccontinue"].partition("|")
        start = (moment, int(rcid))
    following = sorted((row for row in rows if _change_place(row) >= start), key=_change_place)
    answer: dict[str, Any] = {"query": {"recentchanges": following[:limit]}}
    if len(following) > limit:
        moment, rcid_ = _change_place(following[limit])
        return {**answer, "continue": {"rccontinue": f"{moment}|{rcid_}", "continue": "-||"}}
    return {**answer, "batchcomplete": True}


_OF_CONTRIBUTIONS = ("revid", "parentid", "user", "userid", "timestamp")


def _listed(
    entries: list[dict[str, Any]], query: Mapping[str, str], prefix: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The entries that such a list gives, and what of the answer says whether there are more.

    By time and id, from `start` to `end` (inclusive) in the direction `dir`, `limit` at most, on from
    `continue`.
    """
    is_newer = query.get(f"{prefix}dir", "older") == "newer"
    ordered = sorted(entries, key=_place, reverse=not is_newer)
    first, last = query.get(f"{prefix}start"), query.get(f"{prefix}end")
    if first is not None:
        ordered = [it for it in ordered if it["timestamp"] == first or (it["timestamp"] > first) == is_newer]
    if last is not None:
        ordered = [it for it in ordered if it["timestamp"] == last or (it["timestamp"] < last) == is_newer]
    if (token := query.get(f"{prefix}continue")) is not None:
        moment, _, number = token.partition("|")
        ordered = ordered[[_place(it) for it in ordered].index((moment, int(number))) :]
    limit = int(query[f"{prefix}limit"])
    assert 0 < limit <= 500, "MediaWiki gives nobody more without a right for it"
    if len(ordered) <= limit:
        return ordered, {"batchcomplete": True}
    timestamp, rev_id = _place(ordered[limit])
    return ordered[:limit], {"continue": {f"{prefix}continue": f"{timestamp}|{rev_id}", "continue": "-||"}}


def _place(entry: Mapping[str, Any]) -> tuple[str, int]:
    return entry["timestamp"], entry["revid"]


def _entry(entry: Mapping[str, Any], properties: set[str]) -> dict[str, Any]:
    """A recorded revision as MediaWiki gives it for these properties; not every recording asked for all."""
    answer = dict(entry)
    content = answer["slots"]["main"].get("content")
    if "sha1" in properties and not answer.get("sha1hidden") and content is not None:
        answer.setdefault("sha1", hashlib.sha1(content.encode("utf-8", "surrogatepass")).hexdigest())
    if "flags" in properties:
        answer.setdefault("minor", False)
    if "tags" in properties:
        answer.setdefault("tags", [])
    if "content" not in properties:
        answer["slots"] = {"main": {k: v for k, v in answer["slots"]["main"].items() if k != "content"}}
    return answer
