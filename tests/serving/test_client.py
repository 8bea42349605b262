"""Who asks: what a proxy of ours says, and nothing that a client says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.serving.client import (
    Client,
    Header,
    client_of,
    forwarded,
    forwarded_for,
    identify,
    parse_address,
    parse_networks,
)

TRUSTED = parse_networks(["10.0.0.0/8", "fd00::/8", "127.0.0.0/8"])
XFF: Header = "x-forwarded-for"

proxies = st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="fd00::/8")
strangers = st.ip_addresses(network="203.0.113.0/24") | st.ip_addresses(network="2001:db8::/32")
rubbish = st.text(max_size=40) | st.sampled_from(["unknown", "_hidden", "127.0.0.1", "10.0.0.1", 'for="', ""])
latin = st.text(st.characters(max_codepoint=255), max_size=60)


def scope(peer: str | None, headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """As an ASGI server gives it."""
    told = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "client": None if peer is None else (peer, 4711), "headers": told}


def who(peer: str | None, value: str, header: Header = XFF) -> Client:
    return client_of(scope(peer, [(header, value)]), TRUSTED, header)


def written(address: IPv4Address | IPv6Address, *, port: bool) -> str:
    """An address as proxies write it in Forwarded."""
    text = f"[{address}]" if address.version == 6 else str(address)
    return f'"{text}:4711"' if port or address.version == 6 else text


@given(strangers, latin, st.sampled_from([XFF, "forwarded", "x-client-ip"]))
def test_a_stranger_s_headers_are_not_read(peer: IPv4Address | IPv6Address, value: str, header: str) -> None:
    for wanted in (XFF, "forwarded"):
        client = client_of(scope(str(peer), [(header, value)]), TRUSTED, wanted)
        assert client == identify(str(peer), [], TRUSTED)
        assert client.address == peer


@given(st.lists(latin, max_size=4), strangers, st.lists(proxies, max_size=3), proxies, st.booleans())
@example(["127.0.0.1"], ip_address("203.0.113.9"), [], ip_address("10.0.0.1"), True)
def test_what_a_client_writes_left_of_its_own_address_counts_for_nothing(
    claimed: list[str],
    client: IPv4Address | IPv6Address,
    chain: list[IPv4Address | IPv6Address],
    peer: IPv4Address | IPv6Address,
    one_line: bool,
) -> None:
    hops = [*claimed, str(client), *map(str, chain)]
    headers = [(XFF, ", ".join(hops))] if one_line else [(XFF, hop) for hop in hops]
    assert client_of(scope(str(peer), headers), TRUSTED, XFF).address == client


@given(st.lists(rubbish, max_size=5), st.none() | proxies.map(str) | strangers.map(str) | rubbish)
def test_no_claim_ever_crashes_or_names_an_address_that_nobody_gave(
    claimed: list[str], peer: str | None
) -> None:
    client = identify(peer, forwarded_for(claimed), TRUSTED)
    named = {parse_address(part.strip()) for line in claimed for part in line.split(",")}
    assert client.name
    assert client.address in {None, parse_address("127.0.0.1" if peer is None else peer), *named}


@given(latin, strangers, proxies, st.booleans())
@example('for="', ip_address("203.0.113.9"), ip_address("10.0.0.1"), False)
@example('for="', ip_address("203.0.113.9"), ip_address("10.0.0.1"), True)
@example('for=127.0.0.1;a="', ip_address("2001:db8::1"), ip_address("10.0.0.1"), True)
def test_a_forwarded_header_gives_the_client_or_nobody(
    claimed: str, client: IPv4Address | IPv6Address, peer: IPv4Address | IPv6Address, port: bool
) -> None:
    added = f"{claimed}, for={written(client, port=port)};proto=https;by=10.0.0.1"
    assert who(str(peer), added, "forwarded").address in (client, None)


def test_forwarded_as_the_standard_shows_it() -> None:
    lines = [
        'For="[2001:db8:cafe::17]:4711"',
        "for=192.0.2.60;proto=http;by=203.0.113.43",
        'for=192.0.2.43, for=198.51.100.17;host="a,b"',
        "for=unknown, for=_hidden;proto=http, proto=http",
    ]
    told = ["2001:db8:cafe::17", "192.0.2.60", "192.0.2.43", "198.51.100.17", None, None, None]
    assert forwarded(lines) == [None if text is None else ip_address(text) for text in told]


@pytest.mark.parametrize("text", ["for", "for=1;for=2", 'for="1', "for=1 2", "=1", ",", "for=1;"])
def test_a_forwarded_header_that_breaks_the_grammar_names_nobody(text: str) -> None:
    assert forwarded([f"for=127.0.0.1, {text}"]) == [None]
    assert who("10.0.0.1", text, "forwarded") == Client("behind 10.0.0.1", None)


@pytest.mark.parametrize("value", ["", "unknown", "203.0.113.9, ", "203.0.113.9, rubbish, 10.0.0.2"])
def test_a_client_that_is_hidden_lies_in_no_network(value: str) -> None:
    client = who("127.0.0.1", value)
    assert client.address is None
    assert not client.lies_in(parse_networks(["0.0.0.0/0", "::/0"]))
    assert client.name.startswith("behind ")


def test_regression_legacy_8_x_client_ip_is_believed_from_nobody() -> None:
    for peer in ("203.0.113.9", "10.0.0.1"):
        client = client_of(scope(peer, [("x-client-ip", "198.51.100.1")]), TRUSTED, XFF)
        assert client.address == ip_address(peer)


def test_only_the_header_that_our_proxies_write_is_read() -> None:
    headers = [("forwarded", "for=127.0.0.1"), (XFF, "203.0.113.9")]
    assert client_of(scope("10.0.0.1", headers), TRUSTED, XFF).name == "203.0.113.9"
    headers = [("forwarded", "for=203.0.113.9"), (XFF, "127.0.0.1")]
    assert client_of(scope("10.0.0.1", headers), TRUSTED, "forwarded").name == "203.0.113.9"


def test_a_unix_socket_s_peer_is_this_machine() -> None:
    assert who(None, "203.0.113.9").name == "203.0.113.9"
    assert client_of(scope(None, []), TRUSTED, XFF).name == "127.0.0.1"
    assert client_of(scope(None, [(XFF, "203.0.113.9")]), (), XFF).name == "127.0.0.1"


def test_a_proxy_that_asks_for_itself_is_the_client() -> None:
    assert who("10.0.0.1", "10.0.0.7, 10.0.0.2").name == "10.0.0.7"


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_ipv6_clients_are_one_for_each_64(one: int, other: int) -> None:
    net = int(IPv6Address("2001:db8:1:2::"))
    names = {identify(str(IPv6Address(net + host)), [], ()).name for host in (one, other)}
    assert names == {"2001:db8:1:2::/64"}
    assert identify("2001:db8:1:3::1", [], ()).name not in names


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("203.0.113.09", None),
        ("203.0.113.9:", None),
        ("[203.0.113.9", None),
        ("3405803785", None),
        ("example.org", None),
        ("1" * 5000, None),
        ("١٢٧.0.0.1", None),
    ],
)
def test_addresses_as_proxies_write_them(text: str, address: str | None) -> None:
    assert parse_address(text) == (None if address is None else ip_address(address))


@pytest.mark.parametrize("cidr", ["10.0.0.0/33", "10.0.0.1/8", "localhost", "", "::1/129"])
def test_a_bad_network_is_named(cidr: str) -> None:
    with pytest.raises(ValueError, match=rf"'{cidr}' is no network"):
        parse_networks(["192.0.2.0/24", cidr])
