"""Messages on a stream socket: a length of four bytes, then that many bytes; both sides bound the length."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

from assay.errors import AssayError

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
"""Largest message: a text and its parent of 20 MB, ten times what MediaWiki allows, with room to spare."""

_LENGTH: Final = struct.Struct(">I")


class FrameError(AssayError):
    """A message is longer than allowed, or the stream ended within one."""

    code = "frame_error"


def checked(payload: bytes) -> bytes:
    """`payload` itself. Raises `FrameError` when it is too long to be sent."""
    _bounded(len(payload))
    return payload


def _bounded(length: int) -> int:
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"a message of {length} bytes; at most {MAX_FRAME_BYTES} are allowed")
    return length


def send(connection: socket.socket, payload: bytes) -> None:
    """Blocking. Raises `FrameError`, or OSError when the other side is gone."""
    connection.sendall(_LENGTH.pack(_bounded(len(payload))) + payload)


def receive(connection: socket.socket) -> bytes | None:
    """Blocking; None when the other side closed between messages."""
    head = _exactly(connection, _LENGTH.size)
    if head is None:
        return None
    body = _exactly(connection, _bounded(_LENGTH.unpack(head)[0]))
    if body is None:
        raise FrameError("the stream ended within a message")
    return body


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    buffer = bytearray(count)
    view, filled = memoryview(buffer), 0
    while filled < count:
        received = connection.recv_into(view[filled:])
        if received == 0:
            if filled:
                raise FrameError("the stream ended within a message")
            return None
        filled += received
    return bytes(buffer)


async def write(writer: asyncio.StreamWriter, payload: bytes) -> None:
    """Raises `FrameError`, or OSError when the other side is gone."""
    writer.write(_LENGTH.pack(_bounded(len(payload))) + payload)
    await writer.drain()


async def read(reader: asyncio.StreamReader) -> bytes:
    """Raises `FrameError`, or EOFError or OSError when the other side is gone."""
    head = await reader.readexactly(_LENGTH.size)
    return await reader.readexactly(_bounded(_LENGTH.unpack(head)[0]))
