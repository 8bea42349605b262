"""A wiki in a process of its own whose revisions never run out and whose faults last until mended.

    with sample_wiki(folder) as wiki:
        wiki.fault("status", code=429, retry_after_s=1)
        wiki.mend()

It serves the sample wiki that comes with Assay, and each of its revisions again under other ids:
``rev_id + k * STRIDE`` is the same edit of the same page by the same user, with a parent that is shifted
as much. No score depends on an id, so whoever knows the scores of the original knows those of
every copy, while no cache does.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import web

import assay
from assay.revisions.files.compressed import open_stream
from assay.revisions.files.export import read_export
from assay.revisions.record import Record
from servers import mediawiki
from servers.aiohttp_site import site
from servers.mediawiki import Fault, Recording, Respond, StandInMediaWiki
from servers.processes import Process, inherited, running

STRIDE: Final = 1_000_000
EXPORT: Final = Path(assay.__file__).parent / "sample" / "samplewiki.xml"
_TESTS: Final = Path(__file__).resolve().parent.parent
_START_LIMIT_S: Final = 60.0


class WikiProcess:
    """The test's side. `url`: its api.php. `rev_ids`: the originals, each with a parent."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self._control = f"http://127.0.0.1:{port}/control"
        self.url = f"http://127.0.0.1:{port}/w/api.php"
        self.rev_ids: list[int] = self._ask("GET")["rev_ids"]

    def fault(self, kind: str, **options: float) -> None:
        """One of `FAULTS`, for every request from now on."""
        self._ask("PUT", {"kind": kind, **options})

    def mend(self) -> None:
        self._ask("DELETE")

    @property
    def spoilt(self) -> int:
        """Requests that a fault answered, since the start."""
        return int(self._ask("GET")["spoilt"])

    def _ask(self, method: str, document: Any = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self._control, body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def sample_wiki(folder: Path) -> Iterator[WikiProcess]:
    """Running on a free port while the block does; its log lies in `folder`."""
    path = [str(_TESTS), inherited().get("PYTHONPATH", "")]
    process = Process(
        "wiki",
        [sys.executable, "-m", "servers.wiki_api"],
        folder,
        {"PYTHONPATH": ":".join(filter(None, path))},
    )
    with running(process):
        process.until(lambda: "\n" in process.text(), _START_LIMIT_S)
        yield WikiProcess(process, int(process.text().split()[-1]))


# -- in the process ----------------------------------------------------------------------------------


class Copies(dict[int, tuple[int, dict[str, Any]]]):
    """Revisions by id, and by ids that are shifted by any multiple of `STRIDE`."""

    def __contains__(self, rev_id: object) -> bool:
        return isinstance(rev_id, int) and super().__contains__(rev_id % STRIDE)

    def __missing__(self, rev_id: int) -> tuple[int, dict[str, Any]]:
        original, shift = rev_id % STRIDE, rev_id - rev_id % STRIDE
        if not shift:
            raise KeyError(rev_id)
        page_id, entry = self[original]
        parent_id = entry["parentid"] and entry["parentid"] + shift
        return page_id, {**entry, "revid": rev_id, "parentid": parent_id}


def exported(path: Path) -> Recording:
    """What a MediaWiki into which this export was imported would answer."""
    recording = Recording(revisions=Copies())
    with open_stream(path) as stream:
        for record in read_export(stream, path):
            assert isinstance(record.page_id, int)
            recording.pages[record.page_id] = {
                "pageid": record.page_id,
                "ns": record.namespace,
                "title": record.title,
            }
            recording.revisions[record.rev_id] = (record.page_id, _entry(record))
            if isinstance(record.user_id, int):
                recording.users.setdefault(record.user_id, _user(record.user_id, str(record.user)))
    return recording


def _entry(record: Record) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "revid": record.rev_id,
        "parentid": record.parent_id if isinstance(record.parent_id, int) else 0,
        "timestamp": datetime.fromtimestamp(record.timestamp_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "minor": record.is_minor is True,
    }
    if record.user is None:
        entry["userhidden"] = True
    else:
        entry |= {"user": record.user, "userid": record.user_id or 0}
        entry |= {"anon": True} if record.is_anonymous else {}
    entry |= {"commenthidden": True} if record.comment is None else {"comment": record.comment}
    slot: dict[str, Any] = {"contentmodel": record.content_model, "contentformat": "text/x-wiki"}
    if record.text is None:
        slot["texthidden"] = True
    else:
        slot["content"] = record.text.decode()
        entry |= {"size": len(record.text), "sha1": hashlib.sha1(record.text).hexdigest()}
    return {**entry, "slots": {"main": slot}}


def _user(user_id: int, name: str) -> dict[str, Any]:
    """An account such as the sample's dates allow; the export tells nothing about it."""
    return {
        "userid": user_id,
        "name": name,
        "editcount": 10 * (user_id % 100),
        "registration": "2024-11-23T09:36:12Z",
        "groups": ["*", "user", "autoconfirmed"],
    }


def _half(answer: Respond, *, is_cut: bool) -> Fault:
    """The first half of the real answer, as if it were all; `is_cut`: and then the connection breaks."""

    async def respond(request: web.Request) -> web.StreamResponse:
        whole = await answer(request)
        assert isinstance(whole, web.Response)
        assert isinstance(whole.body, bytes)
        half = whole.body[: len(whole.body) // 2]
        if not is_cut:
            return web.Response(body=half, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Length": str(len(whole.body))})
        await response.prepare(request)
        await response.write(half)
        assert request.transport is not None
        request.transport.abort()
        return response

    return Fault(respond)


def _slow(answer: Respond, delay_s: float) -> Fault:
    async def respond(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(delay_s)
        return await answer(request)

    return Fault(respond)


FAULTS: Final[dict[str, Callable[..., Fault]]] = {
    "status": lambda _, code, retry_after_s=None: mediawiki.status(int(code), retry_after_s=retry_after_s),
    "rubbish": lambda _: mediawiki.body(b"<!DOCTYPE html><p>Our servers are currently under maintenance"),
    "half": lambda answer: _half(answer, is_cut=False),
    "cut": lambda answer: _half(answer, is_cut=True),
    "silent": lambda _: mediawiki.silent(),
    "slow": lambda answer, delay_s: _slow(answer, delay_s),
}
"""By name; each is given the way to the real answer, and its options."""


class _FaultyWiki:
    def __init__(self, recording: Recording) -> None:
        self._wiki = StandInMediaWiki(recording)
        self._fault: Fault | None = None
        self._spoilt = 0

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/w/api.php", self._api)
        application.router.add_route("*", "/control", self._control)
        return application

    async def _api(self, request: web.Request) -> web.StreamResponse:
        self._wiki.requests.clear()  # nobody looks at them here, and a soak has very many
        if self._fault is None:
            return await self._wiki.answer(request)
        self._spoilt += 1
        return await self._fault.respond(request)

    async def _control(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            document = await request.json()
            self._fault = FAULTS[document.pop("kind")](self._wiki.answer, **document)
        elif request.method == "DELETE":
            self._fault = None
        revisions = self._wiki.recording.revisions
        rev_ids = [i for i, (_, entry) in revisions.items() if entry["parentid"] in revisions]
        return web.json_response({"rev_ids": rev_ids, "spoilt": self._spoilt})


async def _main() -> None:
    async with site(_FaultyWiki(exported(EXPORT)).application()) as port:
        print(port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
