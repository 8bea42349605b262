"""A collector of traces that speaks OTLP over HTTP, to look at what arrives."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span


class Collector:
    """A stand-in for an OpenTelemetry collector."""

    def __init__(self) -> None:
        arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                arrived.put(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        self._arrived = arrived
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"

    def resources(self) -> list[ResourceSpans]:
        """All that has arrived since the last look; at least one message is waited for."""
        messages = [self._arrived.get(timeout=30)]
        while not self._arrived.empty():
            messages.append(self._arrived.get())
        return [r for body in messages for r in ExportTraceServiceRequest.FromString(body).resource_spans]

    def spans(self) -> dict[str, Span]:
        return {
            s.name: s for resource in self.resources() for scope in resource.scope_spans for s in scope.spans
        }

    def is_empty(self) -> bool:
        return self._arrived.empty()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    try:
        yield collector
    finally:
        collector.close()
