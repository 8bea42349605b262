"""A small server in ORES's shape that does wrong when it is told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.types import Receive, Scope, Send

from assay.load.verify import revid_score

LIMIT_S = 30.0


def document(rev_ids: Sequence[int], score: Callable[[int], Any] = revid_score) -> dict[str, Any]:
    """What a right server answers for the test wiki."""
    scores = {str(rev_id): {"revid": {"score": score(rev_id)}} for rev_id in rev_ids}
    return {"testwiki": {"models": {"revid": {"version": "1"}}, "scores": scores}}


@dataclass
class Answering:
    """An ASGI application. `refusals`: statuses of the next answers, each with Retry-After: 0.
    `wrong`: ids that are scored wrongly. `body`: what every answer is, in place of scores.
    `held`: nothing is answered while it is set; only from outside the server's thread."""

    refusals: list[int] = field(default_factory=list)
    wrong: set[int] = field(default_factory=set)
    body: bytes | None = None
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    targets: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        self.targets.append(f"{scope['path']}?{scope['query_string'].decode()}")
        if self.held.is_set():
            await asyncio.to_thread(self.released.wait, LIMIT_S)
        if self.refusals:
            error = orjson.dumps({"error": {"code": "server overloaded", "message": "later"}})
            await _answer(send, self.refusals.pop(0), error, [(b"retry-after", b"0")])
        else:
            await _answer(send, 200, self._body(scope) if self.body is None else self.body, [])

    def _body(self, scope: Scope) -> bytes:
        rev_ids = [int(rev_id) for rev_id in parse_qs(scope["query_string"].decode())["revids"][0].split("|")]
        return orjson.dumps(document(rev_ids, self._score))

    def _score(self, rev_id: int) -> Any:
        return revid_score(rev_id + (rev_id in self.wrong))


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    headers = [(b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
