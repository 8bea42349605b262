"""An HTTP server that misbehaves as real ones do: slow, cut short, failing, leading elsewhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[socket.socket, threading.Event], None]
"""Writes whatever it likes to a connection whose request has been read; the event ends it."""


@contextmanager
def faulty_server(answer: Answer) -> Iterator[str]:
    """Its address; every request is answered by `answer`."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = threading.Thread(target=_accept, args=(listener, answer, ended))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def head(status: str, length: int, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {length}", "Connection: close", *more, "", ""]
    return "\r\n".join(lines).encode()


def content(body: bytes, status: str = "200 OK", announced: int | None = None, *more: str) -> Answer:
    """A whole answer, or one that announces more or less than it has."""

    def answer(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(head(status, len(body) if announced is None else announced, *more) + body)

    return answer


def dripping(body: bytes, pause_s: float) -> Answer:
    """A byte now and then, so that no time-out between two bytes ever passes."""

    def answer(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(head("200 OK", len(body)))
        for byte in body:
            if ended.wait(pause_s):
                return
            connection.sendall(bytes([byte]))

    return answer


def dripping_head(connection: socket.socket, ended: threading.Event) -> None:
    """The answer's first line comes, then headers without end, a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not ended.wait(0.05):
        connection.sendall(b"x")


def silent(_: socket.socket, ended: threading.Event) -> None:
    """The request is taken, and nothing comes."""
    ended.wait()


def _accept(listener: socket.socket, answer: Answer, ended: threading.Event) -> None:
    workers = []
    while not ended.is_set():
        with suppress(TimeoutError):
            connection, _ = listener.accept()
            worker = threading.Thread(target=_serve, args=(connection, answer, ended))
            worker.start()
            workers.append(worker)
    for worker in workers:
        worker.join()


def _serve(connection: socket.socket, answer: Answer, ended: threading.Event) -> None:
    with connection, suppress(OSError):
        connection.settimeout(5)
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        answer(connection, ended)
