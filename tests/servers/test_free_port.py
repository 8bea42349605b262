"""A port that was given out is its server's, however long that takes to begin."""

from __future__ import annotations

import socket

import pytest

from servers.redis import free_port


def test_nobody_else_gets_it_meanwhile() -> None:
    port = free_port()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
        pass
