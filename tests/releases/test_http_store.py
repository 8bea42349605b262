"""A release store over HTTP, and all that can be wrong with a mirror: each told within seconds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from assay.errors import AssayError, ConfigurationError, ReleaseError, ReleaseNotFound, StoreUnavailable
from assay.releases.http_store import HttpStore
from assay.releases.manifest import MANIFEST
from assay.releases.root import Root
from assay.releases.transfer import fetch
from assay.releases.tree import entry_of
from servers.faulty_http import Answer, content, dripping, dripping_head, faulty_server, head, silent
from servers.redis import free_port

LIMIT_S = 0.5
"""Of the tests' stores; what is dripped below would take minutes."""
NOT_FOR_LONG_S = 30.0


def _fault(answer: Answer, root: Root, release_id: str) -> AssayError:
    """What `fetch` raises; nothing is left behind."""
    begun_s = time.monotonic()
    with faulty_server(answer) as url, pytest.raises(AssayError) as caught:
        fetch(root, release_id, HttpStore(url, LIMIT_S))
    assert time.monotonic() - begun_s < NOT_FOR_LONG_S
    assert list(root.releases.glob("**/*")) == []
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (silent, StoreUnavailable, "too slow"),
        (dripping_head, StoreUnavailable, "too slow"),
        (dripping(bytes(10_000), 0.02), StoreUnavailable, "too slow"),
        (content(b"", announced=1000), StoreUnavailable, "broke off"),
        (content(b"{" * 500, announced=1000), StoreUnavailable, "broke off"),
        (content(b"<html>Not found</html>", "404 Not Found"), ReleaseNotFound, "up to date"),
        (content(b"", "410 Gone"), ReleaseNotFound, "up to date"),
        (content(b"", "500 Oh"), StoreUnavailable, "fails .status 500"),
        (content(b"", "503 Busy"), StoreUnavailable, "fails .status 503"),
        (content(b"", "206 Partial Content"), StoreUnavailable, "status 206"),
        (content(b"", "304 Not Modified"), StoreUnavailable, "status 304"),
        (content(b"", "401 Who"), ConfigurationError, "check credentials"),
        (content(b"", "403 No"), ConfigurationError, "check credentials"),
        (content(b"<html>Welcome!</html>"), ReleaseError, "not to be trusted"),
        (content(b""), ReleaseError, "not to be trusted"),
    ],
)
def test_each_fault_is_told_by_its_name(
    answer: Answer, kind: type[AssayError], told: str, root: Root, small: Path
) -> None:
    fault = _fault(answer, root, small.name)
    assert isinstance(fault, kind), fault
    with pytest.raises(kind, match=told):
        raise fault


def test_an_endless_manifest_is_given_up(root: Root, small: Path) -> None:
    body = b" " * (5 * 1024 * 1024)
    assert "4194304" in str(_fault(content(body), root, small.name))


def test_nobody_there_is_told(root: Root, small: Path) -> None:
    store = HttpStore(f"http://127.0.0.1:{free_port()}", LIMIT_S)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        fetch(root, small.name, store)


def test_another_server_is_not_followed(root: Root, small: Path) -> None:
    asked = []

    def elsewhere(connection: object, _: object) -> None:
        asked.append(connection)

    with faulty_server(elsewhere) as other:
        fault = _fault(content(b"", "302 Found", None, f"Location: {other}/x"), root, small.name)
    assert isinstance(fault, ConfigurationError)
    assert "leads to another server" in str(fault)
    assert not asked


def test_the_same_server_is_followed_but_not_for_ever(root: Root, small: Path) -> None:
    fault = _fault(content(b"", "302 Found", None, "Location: /again"), root, small.name)
    assert "more than 3 redirects" in str(fault)


@pytest.mark.parametrize("place", ["http://[::1", "http://host:port/x", "mailto:somebody"])
def test_a_redirect_to_no_address_is_told(place: str, root: Root, small: Path) -> None:
    fault = _fault(content(b"", "302 Found", None, f"Location: {place}"), root, small.name)
    assert isinstance(fault, StoreUnavailable)
    assert "no address" in str(fault)


def test_a_redirect_within_the_server_is_followed(small: Path) -> None:
    def answer(connection: object, _: object) -> None:
        first = not visits
        visits.append(1)
        reply = head("301 Moved", 0, "Location: /moved") if first else head("200 OK", 2) + b"ok"
        connection.sendall(reply)  # type: ignore[attr-defined]

    visits: list[int] = []
    with faulty_server(answer) as url:
        assert b"".join(HttpStore(url, LIMIT_S).read("objects/a")) == b"ok"
    assert len(visits) == 2


def test_it_is_read_only(small: Path) -> None:
    store = HttpStore("http://127.0.0.1:1/releases/", LIMIT_S)
    assert store.address == "http://127.0.0.1:1/releases"
    with pytest.raises(ConfigurationError, match="name the folder or bucket behind it"):
        store.put("a", small / MANIFEST, entry_of(small / MANIFEST))
    with pytest.raises(ConfigurationError, match="name the folder or bucket behind it"):
        store.ids()


@pytest.mark.parametrize("address", ["http://user:secret-word@host/x", "http://host/x?y", "http://host/#x"])
def test_addresses_that_hold_more_are_refused_without_telling_it(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HttpStore(address, LIMIT_S)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://[::1", "https://host:port", "https://user:secret#word@host"])
def test_what_is_no_address_is_refused_without_telling_it(address: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: write https") as caught:
        HttpStore(address, LIMIT_S)
    assert "secret" not in str(caught.value)
