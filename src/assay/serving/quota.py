"""What each client may ask: limits at the scoring routes, and who is outside of them.

Only scoring is counted. Health, metrics, pages and lists of models stay open to a client that is over its
limits, since they cost next to nothing and tell what is going on.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import Request

from assay.serving.client import Client, client_of, parse_networks
from assay.serving.options import QuotaOptions
from assay.serving.refusals import HttpError
from assay.stores.quota import Exceeded, Limits, Quotas
from assay.telemetry import QUOTA_REFUSALS, Metrics

LEASE_MARGIN_S: Final = 10.0
"""A place is held this much longer than a request may take before it is taken for forgotten."""


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
