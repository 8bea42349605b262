"""Messages on sockets."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.scoring import frames


@given(st.lists(st.binary(max_size=1000), max_size=5))
def test_messages_arrive_whole_and_in_order(messages: list[bytes]) -> None:
    near, far = socket.socketpair()
    with near, far:
        for message in messages:
            frames.send(near, message)
        near.close()
        assert [frames.receive(far) for _ in messages] == messages
        assert frames.receive(far) is None


def test_a_stream_that_ends_within_a_message_is_an_error() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.sendall(struct.pack(">I", 10) + b"five!")
        near.close()
        with pytest.raises(frames.FrameError, match="ended within"):
            frames.receive(far)


def test_an_absurd_length_is_refused_before_anything_is_read() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.sendall(struct.pack(">I", frames.MAX_FRAME_BYTES + 1))
        with pytest.raises(frames.FrameError, match="at most"):
            frames.receive(far)
