"""Our parser of server-sent events against Chromium's own, on streams made by chance."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Browser

from assay.precache.sse import SseParser

CASES = 300
LINES = (
    b"data: a", b"data:b", b"data", b"data:", b"data:  two blanks", b"data: \xc3\xa9\xe2\x9c\x93",
    b"data: \xff\xfe", b"data: a: b", b"data : no field", b" data: no field", b"data: \0",
    b"id: 1", b"id: 2", b"id", b"id:", b"id: \0", b"id: \xc3\xa9", b"event: other", b"event:", b"event",
    b"event: message", b": comment", b":", b"", b"", b"", b"nonsense", b"retry: 100000", b"retry: soon",
    b"DATA: no field", b"\xef\xbb\xbfdata: not first",
)  # fmt: skip
ENDS = (b"\n", b"\n", b"\r\n", b"\r")
HEARD = """async (count) => {
  const hear = (number) => new Promise((resolve) => {
    const found = [];
    const source = new EventSource(`/${number}`);
    for (const type of ["message", "other"]) {
      source.addEventListener(type, (event) => found.push([type, event.data, event.lastEventId]));
    }
    source.addEventListener("error", () => { source.close(); resolve(found); });
  });
  const all = [];
  for (let number = 0; number < count; number += 1) { all.push(await hear(number)); }
  return all;
}"""


def stream(chance: random.Random) -> bytes:
    lines = [chance.choice(LINES) + chance.choice(ENDS) for _ in range(chance.randrange(30))]
    # Chromium 150 passes over a line's end that follows the mark at once, against the standard.
    may_be_marked = bool(lines) and lines[0][:1] not in b"\r\n"
    mark = b"\xef\xbb\xbf" if may_be_marked and chance.random() < 0.1 else b""
    return mark + b"".join(lines) + chance.choice([b"", b"data: cut off", b"\n"])


@contextmanager
def serving(streams: list[bytes]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = self.path.removeprefix("/")
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream" if number.isdecimal() else "text/html")
            self.end_headers()
            self.wfile.write(streams[int(number)] if number.isdecimal() else b"<title>streams</title>")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_chromium_hears_the_same_events(browser: Browser) -> None:
    chance = random.Random(20160801)
    streams = [stream(chance) for _ in range(CASES)]
    with serving(streams) as url:
        page = browser.new_page()
        page.goto(url)
        heard = page.evaluate(HEARD, CASES)
        page.close()
    assert sum(map(len, heard)) > CASES // 2
    for text, events in zip(streams, heard, strict=True):
        ours = [[event.type, event.data, event.id] for event in SseParser().feed(text)]
        assert ours == events, text
