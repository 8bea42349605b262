"""`/metrics` and `/livez` of a process that serves no HTTP otherwise, such as a worker's main process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self
from weakref import WeakMethod

from assay.telemetry.metrics import METRICS_CONTENT_TYPE, Metrics

_READ_TIMEOUT_S: Final = 10.0
"""For a client's request to arrive; each connection costs a thread."""


class MetricsServer:
    """Serves ``GET /metrics`` and ``GET /livez`` of this process, HEAD too, from threads of its own until
    `close`.

    `port` 0 lets the system choose. Processes forked afterwards neither serve nor hold the port; they must
    not count in these metrics, whose locks the serving threads may hold at that moment. Raises OSError when
    the port is taken.
    """

    def __init__(self, metrics: Metrics, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = ThreadingHTTPServer((host, port), partial(_Handler, metrics))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()
        _forget_in_children(WeakMethod(self._forget))

    @property
    def port(self) -> int:
        """Where it listens, also when the system chose."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _forget(self) -> None:
        """In a forked child: it has no serving thread, but would keep the port busy after our end."""
        self._server.socket.close()


def _forget_in_children(forget: WeakMethod[Callable[[], None]]) -> None:
    def in_child() -> None:
        if (method := forget()) is not None:
            method()

    os.register_at_fork(after_in_child=in_child)


class _Handler(BaseHTTPRequestHandler):
    timeout = _READ_TIMEOUT_S
    server_version = "assay"
    sys_version = ""

    def __init__(self, metrics: Metrics, *arguments: object) -> None:
        self._metrics = metrics
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, METRICS_CONTENT_TYPE, self._metrics.exposition())
        elif path == "/livez":
            self._answer(200, "application/json", b'{"alive":true}')
        else:
            self._answer(404, "text/plain; charset=utf-8", b"There are /metrics and /livez.\n")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a line."""
