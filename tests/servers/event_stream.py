"""A stand-in for Wikimedia's EventStreams over real HTTP, in this process or as one that can be killed.

It serves the lines of a file as server-sent events and goes on as the file grows. An event's id is its
line's number, wrapped as Wikimedia's are. A connection with ``Last-Event-ID`` begins after that line, one
with ``since`` at the first line of that time (``meta.dt``) or later, one without either with what comes
next. On the way it sends comments, blank events, rubbish and a hint for reconnections, and cuts each
connection after some events, in the middle of one.

    python tests/servers/event_stream.py PORT FILE CUT_AFTER
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from aiohttp import web

RUBBISH = b'event: message\ndata: {"half": \n\n: a comment\ndata: line\ndata: and line\n\nnonsense\n\n'


class EventStream:
    """`cut_after`: events of one connection; 0: all. `requests`: headers of each. `since`: as each asked."""

    def __init__(self, file: Path, cut_after: int = 0, *, poll_s: float = 0.01) -> None:
        self._file = file
        self._cut_after = cut_after
        self._poll_s = poll_s
        self.requests: list[Mapping[str, str]] = []
        self.since: list[str | None] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/v2/stream/{name}", self.answer)
        return application

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(dict(request.headers))
        self.since.append(request.query.get("since"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await response.write(b":ok\n\nretry: 20\n" + RUBBISH)
        sent = self._begin(request.headers.get("Last-Event-ID"), request.query.get("since"))
        in_this = 0
        while True:
            for number, line in enumerate(self._lines()[sent:], sent + 1):
                text = _event(number, line)
                if self._cut_after and in_this == self._cut_after:
                    await response.write(text[: len(text) // 2])
                    assert request.transport is not None
                    request.transport.close()
                    return response
                await response.write(text)
                sent, in_this = number, in_this + 1
            await asyncio.sleep(self._poll_s)

    def _begin(self, last_id: str | None, since: str | None) -> int:
        """How many lines are behind a new connection. EventStreams go by the id when both are given."""
        if last_id is not None:
            return int(json.loads(last_id)[0]["offset"])
        lines = self._lines()
        if since is None:
            return len(lines)
        asked = datetime.fromisoformat(since)
        times = (datetime.fromisoformat(json.loads(line)["meta"]["dt"]) for line in lines)
        return next((number for number, time in enumerate(times) if time >= asked), len(lines))

    def _lines(self) -> list[str]:
        text = self._file.read_text("utf-8") if self._file.exists() else ""
        return text[: text.rfind("\n") + 1].splitlines()


def _event(number: int, line: str) -> bytes:
    identity = json.dumps([{"topic": "eqiad.mediawiki.revision-create", "partition": 0, "offset": number}])
    return f"event: message\nid: {identity}\ndata: {line}\n\n".encode()


def main() -> None:
    port, file, cut_after = sys.argv[1:]
    stream = EventStream(Path(file), int(cut_after))
    web.run_app(stream.application(), host="127.0.0.1", port=int(port), print=None, handle_signals=False)


if __name__ == "__main__":
    main()
