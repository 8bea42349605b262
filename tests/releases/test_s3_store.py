"""A release store in S3: rights, absences and slowness are told, secrets are not."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.errors import AssayError, ConfigurationError, StoreUnavailable
from assay.releases.root import Root
from assay.releases.s3_store import S3Store
from assay.releases.transfer import fetch, publish
from servers.faulty_http import Answer, content, dripping, dripping_head, faulty_server, silent
from servers.redis import free_port
from servers.s3 import CREDENTIALS, s3_server

LIMIT_S = 0.5
NOT_FOR_LONG_S = 30.0
DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>no</Message></Error>"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3")) as (url, _):
        yield url


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (silent, StoreUnavailable, "too slow"),
        (dripping_head, StoreUnavailable, "too slow"),
        (dripping(bytes(10_000), 0.02), StoreUnavailable, "too slow"),
        (content(b"{" * 500, announced=1000), StoreUnavailable, "broke off"),
        (content(b"", "500 Oh"), StoreUnavailable, "status 500"),
        (content(DENIED, "403 No"), ConfigurationError, "check credentials"),
    ],
)
def test_each_fault_is_told_by_its_name(
    answer: Answer, kind: type[AssayError], told: str, root: Root, small: Path
) -> None:
    begun_s = time.monotonic()
    with faulty_server(answer) as url, pytest.raises(kind, match=told):
        fetch(root, small.name, S3Store("bucket", "", LIMIT_S, url))
    assert time.monotonic() - begun_s < NOT_FOR_LONG_S
    assert list(root.releases.glob("**/*")) == []


def test_nobody_there_is_told(root: Root, small: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"does not answer"):
        fetch(root, small.name, S3Store("bucket", "", LIMIT_S, f"http://127.0.0.1:{free_port()}"))


def test_a_bucket_that_is_not_there_is_told(s3: str, root: Root, small: Path) -> None:
    store = S3Store("no-such-bucket", "x", 10, s3)
    with pytest.raises(ConfigurationError, match="no bucket no-such-bucket"):
        fetch(root, small.name, store)
    with pytest.raises(ConfigurationError, match="no bucket no-such-bucket"):
        publish(small, store)
    with pytest.raises(ConfigurationError, match="no bucket no-such-bucket"):
        store.ids()


def test_without_credentials_it_says_so(
    s3: str, root: Root, small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in CREDENTIALS:
        if "KEY" in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match="check credentials"):
        fetch(root, small.name, S3Store("bucket", "", 10, s3))


def test_secrets_are_in_no_message_and_no_log(
    root: Root, small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), faulty_server(content(DENIED, "403 No")) as url:
        store = S3Store("bucket", "", LIMIT_S, url)
        with pytest.raises(ConfigurationError) as caught:
            fetch(root, small.name, store)
    secret = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    assert secret not in str(caught.value) + caplog.text + repr(store) + store.address
    assert CREDENTIALS["AWS_ACCESS_KEY_ID"] not in str(caught.value)
