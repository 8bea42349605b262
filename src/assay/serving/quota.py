"""What each client may ask: limits at the scoring routes, and who is outside of them.

Only scoring is counted. Health, metrics, pages and lists of models stay open to a client that is over its
limits, since they cost next to nothing and tell what is going on.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from assay.scoring.request import MAX_REVISIONS
from assay.serving.client import Client, Header, client_of, parse_networks
from assay.serving.problems import HttpError
from assay.stores.quota import Exceeded, Limits, Quotas
from assay.telemetry import QUOTA_REFUSALS, Metrics

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
LEASE_MARGIN_S: Final = 10.0
"""A place is held this much longer than a request may take before it is taken for forgotten."""


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


class QuotaSpent(HttpError):
    """429: the client may ask again after `retry_s` seconds."""

    def __init__(self, message: str, retry_s: int) -> None:
        super().__init__(429, message, {"Retry-After": str(retry_s)})
        self.retry_s = retry_s


class Gate:
    """Stands before all scoring: ``async with gate.hold(request, cost): …``.

    `request_timeout_s`: seconds that a request may take at most.
    """

    def __init__(
        self, options: QuotaOptions, quotas: Quotas, metrics: Metrics, request_timeout_s: float
    ) -> None:
        self._quotas = quotas
        self._metrics = metrics
        self._enabled = options.enabled
        self._header = options.forwarded_header
        self._limits = options.limits(request_timeout_s + LEASE_MARGIN_S)
        self._trusted = parse_networks(options.trusted_proxies)
        self._exempt = parse_networks(options.exempt)
        self._precaching = parse_networks(options.precache_clients)

    def limited(self, request: Request, *, bulk: bool = False) -> str | None:
        """The name that the client is counted by; None: outside the limits. `bulk`: ``precache`` was set."""
        client = client_of(request.scope, self._trusted, self._header)
        return client.name if self.is_limited(client, bulk=bulk) else None

    @asynccontextmanager
    async def hold(self, request: Request, cost: int, *, bulk: bool = False) -> AsyncIterator[None]:
        """A place while the block runs. `cost`: revisions. `bulk`: the client set ``precache``.

        Raises `QuotaSpent`.
        """
        name = self.limited(request, bulk=bulk)
        if name is None:
            yield
            return
        entered = await self._quotas.enter(name, cost, self._limits)
        if isinstance(entered, Exceeded):
            self._metrics.count(QUOTA_REFUSALS, entered.limit)
            raise _refused(entered, self._limits)
        try:
            yield
        finally:
            await self._quotas.leave(entered)

    def is_exempt(self, request: Request) -> bool:
        """Whether the client is one of the operator's own, whom no limit meets and who may know what its
        answers cost: a controller of rollouts."""
        return client_of(request.scope, self._trusted, self._header).lies_in(self._exempt)

    def is_limited(self, client: Client, *, bulk: bool) -> bool:
        if not self._enabled or client.lies_in(self._exempt):
            return False
        return not (bulk and client.lies_in(self._precaching))

    async def aclose(self) -> None:
        await self._quotas.aclose()


def _refused(exceeded: Exceeded, limits: Limits) -> QuotaSpent:
    retry_s = max(1, math.ceil(exceeded.retry_s))
    if exceeded.limit == "concurrent":
        reason = (
            f"Too many requests at once: {limits.concurrent} are allowed for each client. "
            "Wait for an answer before you send the next request"
        )
    else:
        reason = (
            f"Too many revisions: {limits.per_minute:g} per minute are allowed for each client, "
            f"{limits.burst} at once after a pause. Ask more slowly"
        )
    return QuotaSpent(f"{reason}; try again in {retry_s} s.", retry_s)
