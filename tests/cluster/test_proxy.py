"""The fault proxy in front of a real echo server: what it does is what the fault tests believe it does."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

import pytest

from servers.proxy import HEALTHY, Behaviour, FaultProxy


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while chunk := self.request.recv(2**16):
                self.request.sendall(chunk)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with _Server(("127.0.0.1", 0), _Echo) as echo:
        thread = threading.Thread(target=echo.serve_forever, args=(0.01,))
        thread.start()
        try:
            with FaultProxy(echo.server_address[1]).running() as proxy:
                yield proxy
        finally:
            echo.shutdown()
            thread.join()


Connect = Callable[[], socket.socket]


@pytest.fixture
def connect(proxy: FaultProxy) -> Iterator[Connect]:
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port), timeout=10))


def _echoed(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return _read(client, len(data))


def _read(client: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size and (chunk := client.recv(size - len(got))):
        got += chunk
    return got


def _is_silent(client: socket.socket) -> bool:
    client.settimeout(0.05)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(10)
    return False


def test_everything_passes_through(connect: Connect) -> None:
    data = bytes(range(256)) * 4096
    client = connect()
    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    assert _read(client, len(data)) == data
    sender.join()


def test_an_orderly_end_stays_orderly(connect: Connect) -> None:
    client = connect()
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)
    assert _read(client, 99) == b"last words"


def test_cut_resets_open_connections_and_lets_new_ones_pass(proxy: FaultProxy, connect: Connect) -> None:
    old = connect()
    assert _echoed(old, b"a") == b"a"
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        old.recv(1)
    assert proxy.connections == 0
    assert _echoed(connect(), b"b") == b"b"


def test_an_answer_is_reset_in_its_middle_on_open_and_new_connections(
    proxy: FaultProxy, connect: Connect
) -> None:
    old = connect()
    assert _echoed(old, b"whole") == b"whole"
    proxy.behave(Behaviour(reset_after_bytes=3))
    for client in (old, connect()):
        client.sendall(b"halved")
        assert _read(client, 3) == b"hal"
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert proxy.resets == 2
    proxy.behave(HEALTHY)
    assert _echoed(connect(), b"whole") == b"whole"


def test_what_a_black_hole_took_comes_out_when_it_heals(proxy: FaultProxy, connect: Connect) -> None:
    old = connect()
    assert _echoed(old, b"a") == b"a"
    proxy.behave(Behaviour(is_silent=True))
    new = connect()
    for client in (old, new):
        client.sendall(b"kept")
        assert _is_silent(client)
    proxy.behave(HEALTHY)
    assert [_read(client, 4) for client in (old, new)] == [b"kept", b"kept"]


def test_a_refusing_port_keeps_open_connections(proxy: FaultProxy, connect: Connect) -> None:
    old = connect()
    assert _echoed(old, b"a") == b"a"
    proxy.behave(Behaviour(is_refusing=True))
    with pytest.raises(ConnectionRefusedError):
        connect()
    assert _echoed(old, b"b") == b"b"
    proxy.behave(HEALTHY)
    assert _echoed(connect(), b"c") == b"c"


@pytest.mark.parametrize("slow", [Behaviour(delay_s=3600), Behaviour(bytes_per_s=1)])
def test_what_is_slow_waits_until_it_is_told_to_hurry(
    proxy: FaultProxy, connect: Connect, slow: Behaviour
) -> None:
    client = connect()
    assert _echoed(client, b"a") == b"a"
    proxy.behave(slow)
    client.sendall(b"x" * 4096)
    assert _is_silent(client)
    proxy.behave(HEALTHY)
    assert _read(client, 4096) == b"x" * 4096


def test_a_dead_server_behind_it_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with FaultProxy(port).running() as proxy, socket.socket() as client:
        client.settimeout(10)
        with pytest.raises(ConnectionResetError):  # at once, or when it reads
            _connect_and_read(client, proxy.port)


def _connect_and_read(client: socket.socket, port: int) -> None:
    client.connect(("127.0.0.1", port))
    client.recv(1)
