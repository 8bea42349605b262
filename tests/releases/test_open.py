"""What an operator writes as a release store, and what is opened for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigurationError, StoreUnavailable
from assay.releases.open import open_store, store_of
from assay.releases.options import ReleaseOptions
from assay.releases.tree import entry_of
from servers.faulty_http import faulty_server, silent
from servers.s3 import CREDENTIALS


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "address",
    [
        "https://releases.example.org/assay",
        "http://[::1]:8000",
        "s3://bucket",
        "s3://bucket/a/prefix",
        "/srv/a b",
    ],
)
def test_a_store_is_where_it_was_said_to_be(address: str) -> None:
    assert open_store(address, 1.0).address == address


def test_a_folder_is_the_same_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("store", 1.0)
    monkeypatch.chdir("/")
    (file := tmp_path / "content").write_bytes(b"content")
    store.put("objects/a", file, entry_of(file))
    assert (tmp_path / "store" / "objects" / "a").read_bytes() == b"content"


@pytest.mark.parametrize("address", ["ftp://example.org/x", "s3://", "http://", "://x"])
def test_what_is_no_store_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="no release store"):
        open_store(address, 1.0)


@pytest.mark.parametrize("address", ["ftp://user:secret-word@host/x", "htps://:secret-word@host"])
def test_what_is_refused_is_not_repeated_with_its_password(address: str) -> None:
    with pytest.raises(ConfigurationError, match="no release store") as refused:
        open_store(address, 1.0)
    assert "secret-word" not in str(refused.value)


@pytest.mark.parametrize("kind", ["http", "s3"])
def test_a_store_is_held_to_the_limit_of_the_settings(kind: str) -> None:
    with faulty_server(silent) as url:
        address = url if kind == "http" else "s3://bucket"
        store = store_of(ReleaseOptions(store=address, s3_endpoint_url=url, stall_limit_s=0.25))
        with pytest.raises(StoreUnavailable, match=r"objects/a came in 0\.25 s"):
            next(store.read("objects/a"))


def test_what_is_given_comes_before_the_settings() -> None:
    settings = ReleaseOptions(store="/srv/usual")
    assert store_of(settings, "/srv/other").address == "/srv/other"
    assert store_of(settings).address == store_of(settings, "").address == "/srv/usual"


@pytest.mark.parametrize("store", [None, ""])
def test_no_store_is_told_and_is_not_the_folder_one_stands_in(store: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"no release store is named: give --store"):
        store_of(ReleaseOptions(store=store))
