"""RCFeed by real datagrams."""

from __future__ import annotations

import asyncio
import socket

import orjson
import pytest

from assay.errors import ConfigurationError
from assay.precache.rcfeed_udp import UdpFeed
from assay.precache.refilled import Refilled, Wake
from assay.precache.stream import Malformed
from events.recorded import fed
from precache.feeding import EDITS, FAR_S, rev_ids
from precache.following import Heard, following


async def test_all_that_was_recorded_comes_by_udp() -> None:
    udp = UdpFeed("127.0.0.1:0")
    async with following(Refilled(udp, None, Wake(FAR_S))) as heard:
        await _send(udp.port, fed("udp"), heard)
        await heard.until(lambda h: len(h.edits) == len(EDITS))
    assert heard.edits == rev_ids(EDITS)


async def test_datagrams_that_are_rubbish_spoil_no_others() -> None:
    udp = UdpFeed("127.0.0.1:0")
    async with following(Refilled(udp, None, Wake(FAR_S))) as heard:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for text in (b"", b"\xff\xfe", b"{", b'{"type": "edit"}', orjson.dumps(EDITS[0])):
                sender.sendto(text, ("127.0.0.1", udp.port))
        await heard.until(lambda h: bool(h.edits))
    assert len(heard.malformed) == 4


async def _send(port: int, events: list[dict[str, object]], heard: Heard) -> None:
    """In pieces that the system's buffer holds for certain."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for begin in range(0, len(events), 50):
            for event in events[begin : begin + 50]:
                sender.sendto(orjson.dumps(event), ("127.0.0.1", port))
            await heard.until(lambda h, to=begin + 50: len(h.all) >= min(to, len(events)))  # type: ignore[misc]


def test_an_address_that_is_taken_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigurationError, match="cannot receive datagrams at"):
            UdpFeed(f"127.0.0.1:{taken.getsockname()[1]}")


async def test_it_hears_from_its_begin_and_by_either_family() -> None:
    """What is sent between the start and the first look waits in the system's buffer."""
    for host in ("127.0.0.1", "[::1]"):
        udp = UdpFeed(f"{host}:0")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"{", (host.strip("[]"), udp.port))
        connected = asyncio.Event()
        heard = udp.listen(connected.set)
        assert isinstance(await anext(heard), Malformed)
        assert connected.is_set()
        await heard.aclose()
        await udp.aclose()
        await udp.aclose()
        with socket.socket(family, socket.SOCK_DGRAM) as again:
            again.bind((host.strip("[]"), 0))


async def test_the_longest_datagram_is_read_whole() -> None:
    udp = UdpFeed("127.0.0.1:0")
    text = orjson.dumps({**EDITS[0], "comment": "x"})
    longest = 65_507  # what IPv4 can carry
    text = text.replace(b'"x"', b'"' + b"x" * (longest - len(text) + 1) + b'"')
    assert len(text) == longest
    async with following(Refilled(udp, None, Wake(FAR_S))) as heard:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(text, ("127.0.0.1", udp.port))
        await heard.until(lambda h: bool(h.all))
    assert heard.edits == rev_ids(EDITS[:1])
