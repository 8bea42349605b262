"""What travels over the queue: jobs in envelopes to workers, replies back to the web process that asked.

JSON with a version number, compressed when that pays; never pickle. An envelope names the release that
sent it and the bundles that it counts on, so that a worker of another release, or with other bundles,
refuses it instead of answering under a wrong name: on 2016-08-01 old workers answered a new web
server's jobs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final, Literal, TypeVar

import orjson
import zstandard

from assay.scoring.codec import CodecError
from assay.scoring.frames import MAX_FRAME_BYTES

ENVELOPE_VERSION: Final = 1
T = TypeVar("T", "Envelope", "Reply")
_COMPRESS_FROM_BYTES: Final = 512
"""Shorter contents gain nothing."""
_LEVEL: Final = 1
"""zstd's fastest: a revision and its parent mostly repeat each other, which every level finds."""


class _Zstd(threading.local):
    """Each thread's own: making one takes longer than compressing a short text, and none may be shared."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_ZSTD: Final = _Zstd()

Lane = Literal["interactive", "bulk"]
"""People wait in the first; caches are warmed and lists are scored in the second."""

LANES: Final[tuple[Lane, ...]] = ("interactive", "bulk")
"""In the order in which workers take from them."""

Outcome = Literal["computed", "died", "time_limit", "expired", "wrong_release", "wrong_bundles", "damaged"]
"""Why a reply was sent; all but the first hold no cells."""


def queue_name(release: str, lane: Lane) -> str:
    """``assay.<release>`` or ``assay.<release>.bulk``: no two releases ever share a queue."""
    return f"assay.{release}" if lane == "interactive" else f"assay.{release}.{lane}"


def taken_key(job_id: str, attempt: int) -> str:
    """Holds the name of the worker that has had this attempt in hand for a while."""
    return f"assay:taken:{job_id}:{attempt}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One attempt at one job.

    `id`: of the job, the same in all attempts. `attempt`: from 1. `reply_to`: the stream for the answer.
    `sent_s`, `deadline_s`: seconds since 1970 by the sender's clock. `digests`: identities of the job's
    models for `wiki`, by name. `request_id`, `trace`: for logs and traces; empty when there is none.
    `content`: the job as `assay.scoring.codec.encode_job` writes it; None when it is too large for the queue
    and lies under `content_key`.
    """

    id: str
    release: str
    attempt: int
    reply_to: str
    sent_s: float
    deadline_s: float
    wiki: str
    digests: Mapping[str, str]
    request_id: str
    trace: str
    content: bytes | None

    @property
    def content_key(self) -> str:
        """Where a large job lies."""
        return f"assay:job:{self.id}"

    @property
    def taken_key(self) -> str:
        """Says which worker has had this attempt in hand for a while."""
        return taken_key(self.id, self.attempt)


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one attempt. `content`: as `assay.scoring.codec.encode_computed` writes it, for
    ``computed`` only. `waited_s`: seconds from sending to the start, by two machines' clocks. `detail`: for
    the log."""

    id: str
    release: str
    attempt: int
    outcome: Outcome
    waited_s: float = 0.0
    detail: str = ""
    content: bytes | None = None


def encode_envelope(envelope: Envelope) -> bytes:
    return _pack(envelope)


def decode_envelope(data: bytes) -> Envelope:
    """Raises `CodecError`."""
    return _unpack(Envelope, data)


def encode_reply(reply: Reply) -> bytes:
    return _pack(reply)


def decode_reply(data: bytes) -> Reply:
    """Raises `CodecError`."""
    return _unpack(Reply, data)


def compress(content: bytes) -> bytes:
    """With a first byte that tells whether it is compressed."""
    if len(content) < _COMPRESS_FROM_BYTES:
        return b"\x00" + content
    return b"\x01" + _ZSTD.compressor.compress(content)


def decompress(data: bytes) -> bytes:
    """Never more than `MAX_FRAME_BYTES`. Raises `CodecError`."""
    kind, body = data[:1], data[1:]
    if kind == b"\x00":
        return body
    if kind != b"\x01":
        raise CodecError("a content that is neither plain nor compressed")
    try:
        size_bytes = zstandard.frame_content_size(body)
        if not 0 <= size_bytes <= MAX_FRAME_BYTES:
            raise CodecError(f"a content of {size_bytes} bytes; at most {MAX_FRAME_BYTES} are allowed")
        return _ZSTD.decompressor.decompress(body)
    except zstandard.ZstdError as error:
        raise CodecError(f"a damaged content: {error}") from error


def _pack(message: Envelope | Reply) -> bytes:
    """All fields but the content as one line, in the order of the class; then the content."""
    *head, content = (getattr(message, field.name) for field in fields(message))
    return orjson.dumps([ENVELOPE_VERSION, *head, content is not None]) + b"\n" + (content or b"")


def _unpack(kind: type[T], data: bytes) -> T:
    line, _, content = data.partition(b"\n")
    try:
        version, *head, has_content = orjson.loads(line)
    except (ValueError, TypeError) as error:
        raise CodecError(f"a damaged envelope: {error}") from error
    if version != ENVELOPE_VERSION:
        raise CodecError(f"an envelope of version {version!r}; this process speaks {ENVELOPE_VERSION}")
    if len(head) != len(fields(kind)) - 1:
        raise CodecError(f"a damaged envelope: {len(head)} parts")
    made: Callable[..., T] = kind
    return made(*head, content if has_content else None)
