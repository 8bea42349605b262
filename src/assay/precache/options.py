"""What `assay precache` follows, whom it asks, and where it tells the scores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from assay.stores.redis_options import RedisOptions

StreamKind = Literal["eventstreams", "recentchanges", "redis", "udp"]
SinkKind = Literal["stdout", "file", "http", "redis"]

HTTP_URL: Final = (
    r"https?://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(:[0-9]{1,5})?([/?][!-~]{0,2000})?"
)
"""In the dialect that ECMAScript and Python have in common."""
URL_ADVICE: Final = "must be an http:// or https:// address without user name or password"

_NEEDS: Final[Mapping[str, str]] = {
    "eventstreams": "url",
    "recentchanges": "wiki",
    "redis": "channel",
    "udp": "address",
    "file": "path",
    "http": "url",
}


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """One stream of edits."""

    kind: StreamKind
    """``eventstreams``: server-sent events, as Wikimedia's. ``recentchanges``: a wiki asked every `poll_s`.
    ``redis``, ``udp``: MediaWiki's RCFeed."""
    url: str = ""
    """Of server-sent events, such as ``https://stream.wikimedia.org/v2/stream/mediawiki.revision-create``."""
    wiki: str = ""
    """Which of `wikis` is asked for its recent changes. With ``redis`` and ``udp``, which forget what nobody
    heard: it is asked as well, for what was missed; empty: then that is lost."""
    channel: str = ""
    """Redis channel that RCFeed publishes to."""
    address: str = ""
    """``host:port`` to receive RCFeed's datagrams at. Whoever can send to it can have edits scored."""
    poll_s: float = 1.0
    """Between two looks at recent changes."""
    refill_s: float = 30.0
    """Between two looks for what ``redis`` or ``udp`` may have missed; after a reconnection there is one at
    once."""
    overlap_s: float = 30.0
    """How far each look at recent changes goes back behind the last one: longer than a wiki's slowest
    transaction and its replicas' lag, since an edit can become visible after a later one."""

    def __post_init__(self) -> None:
        _check(self.kind, getattr(self, _NEEDS[self.kind]))
        if self.kind == "eventstreams":
            _check_url("url", self.url)
        if self.kind == "udp":
            host_and_port(self.address)


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """One place that is told every edit's scores, as ``mediawiki.revision-score`` events."""

    kind: SinkKind
    """``stdout`` and ``file``: a line of JSON for each. ``http``: a POST of a JSON list. ``redis``: XADD."""
    path: str = ""
    """Of the file; it is appended to, and may be moved away at any time."""
    url: str = ""
    """To POST to, such as EventGate's ``/v1/events``."""
    stream: str = "assay:revision-score"
    """Key of the Redis stream; each entry has one field, ``event``."""
    max_entries: int = 1_000_000
    """The Redis stream is held to about so many."""
    fsync: bool = True
    """Whether a file's lines are on the disk before they count as told."""

    def __post_init__(self) -> None:
        if self.kind in _NEEDS and self.kind != "redis":
            _check(self.kind, getattr(self, _NEEDS[self.kind]))
        if self.kind == "http":
            _check_url("url", self.url)


@dataclass(frozen=True, slots=True)
class PrecacheOptions:
    """The follower of `assay precache`."""

    assay: str = "http://127.0.0.1:8080"
    """Whom to ask for scores: a web process or the load balancer before many."""
    streams: Mapping[str, StreamOptions] = field(default_factory=dict)
    """What to follow, by any name; each has its own position."""
    sinks: Mapping[str, SinkOptions] = field(default_factory=dict)
    """Where to tell the scores, by any name. None: the cache is kept warm and nobody is told."""
    folder: str = "assay-precache"
    """Where positions are kept, one file for each stream; made when it is missing."""
    redis: RedisOptions | None = None
    """Of RCFeed and of Redis sinks. None: as ``redis``."""
    batch: int = 50
    """Edits of one wiki in one request at most."""
    parallel: int = 4
    """Requests at once; fewer than `quota.concurrent` unless Assay counts the follower among
    `quota.precache_clients`."""
    pending: int = 1000
    """Edits taken and not yet told, at most; then streams are not read on."""
    remembered: int = 1000
    """Edits of a stream, told last, by which repetitions are known: more than happen in `overlap_s`."""
    lag_attempts: int = 6
    """How often a revision that the wiki does not know yet is asked for, its replicas being behind: at once,
    and after 1, 2, 4 … s."""
    give_up_s: float = 900.0
    """How long an edit is tried whose cells have retryable errors, or whose request Assay fails on or gives
    no answer to; then it is told with these errors. While nobody gets a score, since Assay is away or fails
    on everything, or since the wiki is away, nothing is given up, and the time does not count."""
    request_timeout_s: float = 30.0
    """For one answer of Assay, which gives up after `web.request_timeout_s`."""
    drain_timeout_s: float = 30.0
    """After TERM, for requests under way; what is left is done after the next start."""
    metrics_port: int | None = None
    """Where ``/metrics`` and ``/livez`` are served, on loopback; none: not."""

    def __post_init__(self) -> None:
        _check_url("assay", self.assay)
        if not 1 <= self.batch <= 50:
            raise ValueError(f"batch: it is {self.batch}; a request may name 1 to 50 revisions")


def host_and_port(address: str) -> tuple[str, int]:
    """Of ``host:port``, ``[::1]:port`` too. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ValueError(f"address: {address!r} is not host:port, such as 127.0.0.1:9999")
    return host.strip("[]"), int(port)


def _check(kind: str, value: str) -> None:
    if not value:
        raise ValueError(f"{_NEEDS[kind]}: must be given for the kind {kind}")


def _check_url(name: str, url: str) -> None:
    if not re.fullmatch(HTTP_URL, url):
        raise ValueError(f"{name}: {URL_ADVICE}")
