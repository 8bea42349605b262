"""A release store in a bucket of Amazon S3, or of anything that speaks like it. Needs the extra ``s3``.

Credentials are found by boto3's own chain (environment, files, instance roles) and never pass through here.
"""

from __future__ import annotations

import base64
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from assay.errors import ConfigurationError, ReleaseNotFound
from assay.releases.manifest import FileEntry, is_id
from assay.releases.store import CHUNK_BYTES
from assay.releases.store_failures import away, broken_off, failing, no_rights, too_slow

T = TypeVar("T")
_CLOSE_LIMIT_S: Final = 0.5
_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_FORBIDDEN: Final = frozenset(
    {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}
)


class S3Store:
    """A `ReleaseStore`. `prefix`: of all keys, may be empty."""

    def __init__(
        self, bucket: str, prefix: str, stall_limit_s: float, endpoint_url: str | None = None
    ) -> None:
        self._bucket, self._prefix, self._limit_s = bucket, prefix.strip("/"), stall_limit_s
        self.address = f"s3://{bucket}/{self._prefix}".rstrip("/")
        self._client = _client(endpoint_url, stall_limit_s)

    def read(self, key: str) -> Generator[bytes, None, None]:
        with self._told(key):
            body = self._within(
                key, lambda: self._client.get_object(Bucket=self._bucket, Key=self._key(key))
            )["Body"]
        try:
            while chunk := self._chunk(key, body):
                yield chunk
        finally:
            _end(body)

    def put(self, key: str, file: Path, entry: FileEntry) -> None:
        if self.holds(key, entry):
            return
        with self._told(key), file.open("rb") as stream:
            self._client.put_object(
                Bucket=self._bucket, Key=self._key(key), Body=stream, ChecksumSHA256=_checksum(entry)
            )

    def holds(self, key: str, entry: FileEntry) -> bool:
        try:
            with self._told(key):
                head = self._client.head_object(
                    Bucket=self._bucket, Key=self._key(key), ChecksumMode="ENABLED"
                )
        except ReleaseNotFound:
            return False
        told = head.get("ChecksumSHA256")
        return bool(head["ContentLength"] == entry.size_bytes and told in (None, _checksum(entry)))

    def ids(self) -> tuple[str, ...]:
        prefix = self._key("releases/")
        with self._told("releases/"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        names = (key.removeprefix(prefix).removesuffix(".json") for key in keys)
        return tuple(sorted(name for name in names if is_id(name)))

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _chunk(self, key: str, body: Any) -> bytes:
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        try:
            return self._within(key, lambda: bytes(body.read(CHUNK_BYTES)))
        except (BotoCoreError, HTTPError, OSError, ValueError) as error:
            raise broken_off(self.address, key, type(error).__name__) from error

    def _within(self, key: str, work: Callable[[], T]) -> T:
        """boto3 waits for as long as some byte comes now and then; we do not."""
        answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put((work(), None))
            except BaseException as error:
                answers.put((None, error))

        threading.Thread(target=run, daemon=True, name="assay-s3").start()
        try:
            value, error = answers.get(timeout=self._limit_s)
        except queue.Empty:
            raise too_slow(self.address, key, self._limit_s) from None
        if error is not None:
            raise error
        return value  # type: ignore[return-value]

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """What boto3 raises, in our words."""
        from botocore import exceptions

        try:
            yield
        except exceptions.ClientError as error:
            raise self._refused(key, error.response) from None
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise no_rights(self.address, key, str(error)) from None
        except (exceptions.ReadTimeoutError, exceptions.ConnectTimeoutError):
            raise too_slow(self.address, key, self._limit_s) from None
        except exceptions.BotoCoreError as error:
            raise away(self.address, str(error)) from None

    def _refused(self, key: str, response: Any) -> Exception:
        code = str(response.get("Error", {}).get("Code", ""))
        if code == "NoSuchBucket":
            return ConfigurationError(f"there is no bucket {self._bucket}: check {self.address}")
        if code in _MISSING:
            return ReleaseNotFound(f"the release store {self.address} has no {key}")
        if code in _FORBIDDEN:
            return no_rights(self.address, key, code)
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return failing(self.address, key, f"{code or 'unknown error'}, status {status}")


def _end(body: Any) -> None:
    """Closing waits for a read under way, and one that was given up may be under way for long."""
    closer = threading.Thread(target=body.close, daemon=True, name="assay-s3")
    closer.start()
    closer.join(_CLOSE_LIMIT_S)


def _client(endpoint_url: str | None, limit_s: float) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise ConfigurationError("a release store in S3 needs boto3: pip install 'assay[s3]'") from error
    config = Config(
        connect_timeout=limit_s, read_timeout=limit_s, retries={"mode": "standard", "total_max_attempts": 2}
    )
    try:
        return boto3.session.Session().client("s3", endpoint_url=endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"S3 cannot be used as it is set up: {error}") from error


def _checksum(entry: FileEntry) -> str:
    return base64.b64encode(bytes.fromhex(entry.sha256)).decode()
