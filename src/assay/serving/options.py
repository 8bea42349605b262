"""What an operator sets about serving; reading it imports no web framework."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from assay.scoring.options import MAX_REVISIONS
from assay.serving.client import Header, parse_networks
from assay.stores.quota import Limits

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")
"""As browsers send it: neither path nor final slash."""


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """Limits on what a client may send."""

    max_url_bytes: int = 16 * 1024
    """Path and query together; fifty ids and thirty injected features need 3 kB. Longer ones: use POST."""

    max_body_bytes: int = 8 * 1024 * 1024
    """Request body: two injected texts of MediaWiki's greatest length (2 MiB), partly percent-encoded."""

    body_timeout_s: float = 20.0
    """Seconds for the whole body to arrive, so that a dripping client cannot hold a connection."""

    write_timeout_s: float = 60.0
    """Seconds that a client may leave a piece of a streamed answer untaken before it is cut off: a slow
    reader may take hours for a stream, but not stop."""

    allowed_origins: tuple[str, ...] = ("*",)
    """Sites whose scripts may read scores and what models are, as ``https://example.org``; ``*``: all, as
    with ORES, for nothing there is secret and no cookie is looked at. Empty: none."""

    def __post_init__(self) -> None:
        for origin in self.allowed_origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"allowed_origins: {origin!r} is no site; write for example https://example.org"
                )


@dataclass(frozen=True, slots=True)
class HealthOptions:
    """How readiness is probed."""

    probe_timeout_s: float = 5.0
    """Seconds for all probes; a load balancer's usual patience is 10."""

    reuse_s: float = 1.0
    """Seconds that an answer is given again, so that many askers cost no more than one."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Limits of one stream of scores."""

    max_revisions: int = 10_000
    """Revisions in one request; a client asks again for more."""

    per_client: int = 2
    """Streams at once of one client in one web process; those of `quota.exempt` are not counted. A stream
    that pauses holds no place of `quota.concurrent`, only a connection: this is what bounds them."""

    chunk: int = MAX_REVISIONS
    """Revisions fetched and scored together, at most 50: what MediaWiki gives in one request."""

    window: int = 2
    """Chunks under way at once: one is fetched while another is computed. Each takes a place of
    `quota.concurrent`."""

    chunk_timeout_s: float = 60.0
    """Seconds for one chunk, waiting in the bulk lane included; what is not done by then is told as such."""

    pause_limit_s: float = 120.0
    """Seconds that a stream may pause at a stretch because the client's quota is spent, before it ends."""

    drain_s: float = 10.0
    """Seconds that chunks under way may take when the server is asked to end; less than
    `http.drain_timeout_s`."""


@dataclass(frozen=True, slots=True)
class AppOptions:
    """Limits of the web application."""

    request_timeout_s: float = 20.0
    """Seconds for one whole request, fetching included; more than the 15 s that one revision may take, so
    that a runaway is told as such."""

    guard: GuardOptions = field(default_factory=GuardOptions)
    """Limits on what a client may send."""

    health: HealthOptions = field(default_factory=HealthOptions)
    """How readiness is probed."""

    stream: StreamOptions = field(default_factory=StreamOptions)
    """Limits of streamed scores."""


@dataclass(frozen=True, slots=True)
class QuotaOptions:
    """What one client may ask. A client is an IPv4 address or the /64 of an IPv6 one.

    With the defaults nobody who tries Assay on one machine meets a limit, and strangers do, also behind
    a reverse proxy on the same machine.
    """

    enabled: bool = True
    """Whether there are limits at all."""

    concurrent: int = 7
    """Requests at once. ORES let in 7 for each address, of which 4 worked and 3 waited; here the engine's
    queue is where one waits. A browser opens 6 connections."""

    revisions_per_minute: int = 3000
    """Revisions in the long run; asking for 50 costs 50, cached or not. One full request each second, some 25
    times English Wikipedia's edits."""

    burst: int = 1000
    """Revisions at once after a pause, at least 50, a whole request: two of the longest watchlist pages."""

    exempt: tuple[str, ...] = LOOPBACK
    """CIDRs of clients without any limit; this machine's own by default."""

    trusted_proxies: tuple[str, ...] = LOOPBACK
    """CIDRs of reverse proxies, whose word on who asks is taken. Each must set or append to
    `forwarded_header`. A unix socket's peer counts as 127.0.0.1."""

    forwarded_header: Header = "x-forwarded-for"
    """The header that trusted proxies write; the other one is ignored, for they may pass on a client's."""

    precache_clients: tuple[str, ...] = ()
    """CIDRs of clients whose requests with `precache` are outside the limits. From all others the flag
    only says that nobody waits."""

    def __post_init__(self) -> None:
        for name in ("exempt", "trusted_proxies", "precache_clients"):
            try:
                parse_networks(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        if self.burst < MAX_REVISIONS:
            raise ValueError(
                f"burst: it is {self.burst}; a request may name {MAX_REVISIONS} revisions, "
                "so that less would refuse it for ever"
            )

    def limits(self, lease_s: float) -> Limits:
        return Limits(self.concurrent, self.revisions_per_minute, self.burst, lease_s)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Limits of the HTTP server. Where it listens is the caller's socket."""

    drain_timeout_s: float = 30.0
    """Seconds that requests under way may take after TERM before their connections are closed."""

    keep_alive_s: float = 15.0
    """Seconds an idle connection is kept."""

    head_timeout_s: float = 20.0
    """Seconds for a request's head to arrive, for a new connection to begin one, and for what comes of a body
    that has been answered already; then the connection is closed."""

    max_head_bytes: int = 64 * 1024
    """A request's head, address and headers together, where it comes in several pieces; and as much behind a
    body."""

    max_connections: int = 2000
    """Connections and tasks at once; more are answered with 503 by the server itself."""

    backlog: int = 1024
    """Connections that the kernel may hold before they are accepted."""
