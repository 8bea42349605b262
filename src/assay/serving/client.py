"""Who is asking: an address that a client cannot choose for itself.

The peer of the connection, or, when that is one of our proxies, what the proxy says of its own peer: the
right-most address of one header that is no proxy of ours. Whatever stands left of it was sent by the
client and counts for nothing. ``X-Client-IP``, which ORES believed from anybody, is not read.

Only the one header that our proxies write is read; the other, passed on unseen by the proxy, would
let every client name itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, Literal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Header = Literal["x-forwarded-for", "forwarded"]

IPV6_PREFIX: Final = 64
"""Bits of an IPv6 address that name a client: a single household or server has 2^64 addresses to ask from."""

_LOCAL: Final = IPv4Address("127.0.0.1")
_MAX_ADDRESS_CHARACTERS: Final = 100
_PORT: Final = re.compile(r"(?:\[([^\[\]]*)\]|([0-9.]+))(?::[\w.-]{1,20})?", re.ASCII)
_PAIR: Final = re.compile(
    r"""[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]+))[ \t]*(;|,|\Z)""", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Client:
    """`name`: equal for all requests that share a quota. `address`: None when it cannot be told; such a
    client lies in no network, so that hiding is never an advantage."""

    name: str
    address: Address | None

    def lies_in(self, networks: Iterable[Network]) -> bool:
        return self.address is not None and _lies_in(self.address, networks)


def parse_networks(cidrs: Iterable[str]) -> tuple[Network, ...]:
    """Raises ValueError naming the bad value: no CIDR, or one with bits set beyond its prefix."""
    return tuple(_network(cidr) for cidr in cidrs)


def client_of(scope: Mapping[str, Any], trusted: Sequence[Network], header: Header) -> Client:
    """Whoever sent the request of this ASGI scope. Never raises, whatever the headers hold."""
    peer = scope.get("client")
    wanted = header.encode()
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
    hops = forwarded(lines) if header == "forwarded" else forwarded_for(lines)
    return identify(peer[0] if peer else None, hops, trusted)


def identify(peer: str | None, hops: Sequence[Address | None], trusted: Sequence[Network]) -> Client:
    """The client behind `peer`, whose proxies told `hops` (farthest first; None: no address).

    `peer` None: a process of this machine on a unix socket, taken for 127.0.0.1.
    """
    address = _LOCAL if peer is None else parse_address(peer)
    if address is None:
        return Client("unknown", None)
    for hop in reversed(hops):
        if not _lies_in(address, trusted):
            break
        if hop is None:
            return Client(f"behind {address}", None)
        address = hop
    return Client(_group(address), address)


def forwarded_for(lines: Iterable[str]) -> list[Address | None]:
    """Addresses of X-Forwarded-For, farthest first; None for what is none."""
    return [parse_address(part.strip()) for line in lines for part in line.split(",")]


def forwarded(lines: Iterable[str]) -> list[Address | None]:
    """Addresses of ``for=`` in Forwarded (RFC 7239), farthest first; None for what is hidden or left out.

    A header that breaks the grammar anywhere is one None: a quote that a client left open must not
    swallow what a proxy adds.
    """
    text = ",".join(lines)
    try:
        return [parse_address(element.get("for", "")) for element in _elements(text)] if text else []
    except ValueError:
        return [None]


def parse_address(text: str) -> Address | None:
    """An address with or without brackets and port, None for anything else. IPv4 within IPv6 is IPv4."""
    if len(text) > _MAX_ADDRESS_CHARACTERS:
        return None
    with_port = _PORT.fullmatch(text)
    try:
        address = ip_address((with_port[1] or with_port[2] or "") if with_port else text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))  # without a zone, which the sender chooses


def _elements(text: str) -> Iterator[dict[str, str]]:
    """Raises ValueError when `text` is not of RFC 7239's grammar."""
    element: dict[str, str] = {}
    position, separator = 0, ","
    while separator:
        pair = _PAIR.match(text, position)
        if pair is None or pair[1].lower() in element:
            raise ValueError(f"no Forwarded header from character {position} on")
        element[pair[1].lower()] = re.sub(r"\\(.)", r"\1", pair[2]) if pair[3] is None else pair[3]
        position, separator = pair.end(), pair[4]
        if separator != ";":
            yield element
            element = {}


def _network(cidr: str) -> Network:
    try:
        return ip_network(cidr)
    except ValueError as error:
        raise ValueError(f"{cidr!r} is no network: give a CIDR such as 10.0.0.0/8 ({error})") from error


def _lies_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _group(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), IPV6_PREFIX), strict=False))
