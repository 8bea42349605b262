"""Whatever kind of store fails, an operator reads the same words of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.errors import AssayError, ConfigurationError, StoreUnavailable
from assay.releases.folder_store import FolderStore
from assay.releases.http_store import HttpStore
from assay.releases.s3_store import S3Store
from assay.releases.store import ReleaseStore
from servers.faulty_http import Answer, content, faulty_server, silent
from servers.redis import free_port
from servers.s3 import CREDENTIALS

KEY = "objects/a"
DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
BROKEN = content(b"{" * 500, announced=1000)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def http(url: str) -> ReleaseStore:
    return HttpStore(url, 0.5)


def s3(url: str) -> ReleaseStore:
    return S3Store("bucket", "", 0.5, url)


def said(store: ReleaseStore) -> tuple[type[AssayError], str]:
    """What reading raises, without the store's address and the reason in its own words."""
    with pytest.raises(AssayError) as caught:
        list(store.read(KEY))
    told = str(caught.value)
    assert store.address in told
    return type(caught.value), re.sub(r"\(.+?\)(?=[;: ])", "(…)", told.replace(store.address, "STORE"))


@pytest.mark.parametrize(
    ("answer", "kind", "todo"),
    [
        (silent, StoreUnavailable, "try again, or use another store"),
        (BROKEN, StoreUnavailable, "try again, or use another store"),
        (content(b"", "500 Oh"), StoreUnavailable, "try again, or use another store"),
        (content(DENIED, "403 No"), ConfigurationError, "check credentials and rights"),
    ],
    ids=["silent", "broken off", "failing", "no rights"],
)
def test_a_server_and_a_bucket_are_told_alike(answer: Answer, kind: type[AssayError], todo: str) -> None:
    makers: list[Callable[[str], ReleaseStore]] = [http, s3]
    with faulty_server(answer) as url:
        told = {said(make(url)) for make in makers}
    ((found, words),) = told
    assert found is kind
    assert words.endswith(todo)
    assert KEY in words


def test_nobody_there_is_told_alike() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    told = {said(http(url)), said(s3(url))}
    assert told == {
        (StoreUnavailable, "the release store STORE does not answer (…): check the address and the network")
    }


def test_a_disk_that_breaks_off_is_told_as_a_server_is(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir(parents=True)
    with faulty_server(BROKEN) as url:
        assert said(FolderStore(tmp_path)) == said(http(url))
