"""The blocking client: what an interruption, other threads and other processes do to it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest

from assay.client import AsyncClient, Cells, Client, Refused
from servers.asgi import Served, serving
from servers.faulty_http import faulty_server
from small_app import SmallApp

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
ROW = b'{"revision": 1, "scores": {}}\n'
LIMIT_S = 20.0


@pytest.fixture(scope="module")
def live() -> Iterator[Served]:
    with serving(SmallApp().build().asgi) as served:
        yield served


def test_it_answers_as_the_client_of_an_event_loop_does(live: Served) -> None:
    async def expected() -> dict[int, Cells]:
        async with AsyncClient(live.url) as client:
            return await client.score("smallwiki", [1, 2], ["damaging"])

    with Client(live.url) as client:
        assert client.score("smallwiki", [1, 2], ["damaging"]) == asyncio.run(expected())
        assert dict(client.stream("smallwiki", [1, 2], ["damaging"])) == asyncio.run(expected())
        assert client.explain("smallwiki", 1).revision["id"] == 1
        with pytest.raises(Refused, match="nowiki"):
            client.recent("nowiki")
    client.close()
    client.close()


class Halting:
    """Answers with one line, and then with nothing. `is_waited_for`: somebody waits for the rest."""

    def __init__(self) -> None:
        self.is_waited_for = threading.Event()

    def answer(self, connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(HEAD + ROW)
        self.is_waited_for.set()
        ended.wait()


@pytest.fixture
def halting() -> Halting:
    return Halting()


@pytest.fixture
def url(halting: Halting) -> Iterator[str]:
    with faulty_server(halting.answer) as url:
        yield url


def test_an_interrupted_stream_tells_of_the_interruption(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of its own end, which has to wait for the line that was asked for."""
    is_asked_for = threading.Event()

    def interrupt() -> None:
        is_asked_for.wait(LIMIT_S)
        for _ in range(3):  # so that the stream waits for the server by now
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), client._loop).result()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with Client(url) as client:
        lines = client.stream("clubwiki", [1, 2])
        assert next(lines) == (1, {})
        interrupting, wait = threading.Thread(target=interrupt), client._wait

        def noted_wait(work: Any) -> Any:
            is_asked_for.set()
            return wait(work)

        monkeypatch.setattr(client, "_wait", noted_wait)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            next(lines)
        interrupting.join()


def test_closing_ends_what_other_threads_wait_for(url: str, halting: Halting) -> None:
    ends: list[BaseException] = []

    def ask() -> None:
        try:
            client.wikis()
        except CancelledError as error:
            ends.append(error)

    client = Client(url)
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    assert halting.is_waited_for.wait(LIMIT_S)
    client.close()
    asking.join(LIMIT_S)
    assert len(ends) == 1


def test_a_closed_client_says_so_and_a_stream_left_open_ends_quietly(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(url) as client:
        lines = client.stream("clubwiki", [1, 2])
        assert next(lines) == (1, {})
    lines.close()  # type: ignore[attr-defined]
    assert caplog.messages == []
    with pytest.raises(RuntimeError, match="closed"):
        client.wikis()


def test_a_forked_process_is_told_to_make_its_own(url: str) -> None:
    with Client(url) as client:
        child = os.fork()
        if child == 0:
            signal.alarm(int(LIMIT_S))  # should it wait for ever
            status = 1
            try:
                client.wikis()
            except RuntimeError as error:
                status = 0 if "another process" in str(error) else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0


def test_a_client_that_cannot_be_made_leaves_no_thread() -> None:
    with pytest.raises(TypeError, match="no_such_option"):
        Client("http://127.0.0.1:9", no_such_option=1)
    assert "assay-client" not in {thread.name for thread in threading.enumerate()}
