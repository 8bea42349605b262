"""How much each client may ask: places held at once, and a rate that leaks back (GCRA).

The generic cell rate algorithm keeps one number for each client, the *theoretical arrival time*: the
moment at which everything asked so far would be paid for at the allowed rate. A request is let in when
that moment, its own cost added, lies no further ahead than the burst. A refused request costs nothing.

`RedisQuotas` counts for all web processes together and never refuses because Redis is away: then each
process counts for itself, so that n processes let in up to n times as much.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from assay.clock import Clock
from assay.errors import worded
from assay.telemetry import logger

MAX_CLIENTS: Final = 100_000
"""Clients that `MemoryQuotas` remembers, about 60 MB; beyond, the one that asked longest ago is forgotten."""

BUSY_RETRY_S: Final = 1.0
"""When to try again for a place: as soon as an own request is answered, which usually takes less."""

_ROUNDING_S: Final = 1e-6
"""More than sums of seconds since the machine's start are wrong by, so that exactly a burst is let in."""

_MAX_DEBTS: Final = 10_000
_PREFIX: Final = "assay:quota:"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may have. `concurrent`: places at once. `lease_s`: seconds after which a place that was
    never given back is free again; longer than any request takes.

    `burst`: cost let in at once after a pause; a request that costs more never gets in.
    """

    concurrent: int
    per_minute: float
    burst: int
    lease_s: float

    @property
    def interval_s(self) -> float:
        """Seconds in which one unit of cost leaks back."""
        return 60.0 / self.per_minute


@dataclass(frozen=True, slots=True)
class Lease:
    """A place held by `client`; give it back with `leave`. `shared`: Redis may know of it."""

    client: str
    token: str
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Exceeded:
    """Not let in because of `limit`; trying again makes sense after `retry_s` seconds (> 0)."""

    limit: Literal["concurrent", "rate"]
    retry_s: float


class Quotas(Protocol):
    """Every one passes the suite in ``tests/stores/test_quota.py``."""

    async def enter(self, client: str, cost: int, limits: Limits) -> Lease | Exceeded:
        """Take a place and spend `cost`, or neither. Never raises."""
        ...

    async def leave(self, lease: Lease) -> None:
        """Give the place back; what was spent stays spent. Never raises."""
        ...

    async def aclose(self) -> None: ...


def arrive(paid_until_s: float, now_s: float, cost: int, limits: Limits) -> tuple[float, float]:
    """GCRA: the new theoretical arrival time, and the seconds to wait first (0: let in)."""
    after_s = max(paid_until_s, now_s) + cost * limits.interval_s
    wait_s = after_s - now_s - limits.burst * limits.interval_s
    return after_s, wait_s if wait_s > _ROUNDING_S else 0.0


# -- one process -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Account:
    paid_until_s: float
    places: set[str] = field(default_factory=set)


class MemoryQuotas:
    """`Quotas` of this process alone. Places are always given back, so they need no expiry here."""

    def __init__(self, clock: Clock, max_clients: int = MAX_CLIENTS) -> None:
        self._clock = clock
        self._max_clients = max_clients
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def __len__(self) -> int:
        """Clients remembered."""
        return len(self._accounts)

    async def enter(self, client: str, cost: int, limits: Limits) -> Lease | Exceeded:
        now_s = self._clock.monotonic_s()
        self._forget(now_s)
        account = self._accounts.setdefault(client, _Account(now_s))
        self._accounts.move_to_end(client)
        if len(account.places) >= limits.concurrent:
            return Exceeded("concurrent", BUSY_RETRY_S)
        paid_until_s, wait_s = arrive(account.paid_until_s, now_s, cost, limits)
        if wait_s > 0:
            return Exceeded("rate", wait_s)
        account.paid_until_s = paid_until_s
        lease = Lease(client, secrets.token_hex(8))
        account.places.add(lease.token)
        return lease

    async def leave(self, lease: Lease) -> None:
        if account := self._accounts.get(lease.client):
            account.places.discard(lease.token)

    async def aclose(self) -> None:
        self._accounts.clear()

    def _forget(self, now_s: float) -> None:
        """Drop who asked longest ago, one or two at each request, when they owe nothing or are too many."""
        for _ in range(2):
            if not self._accounts:
                return
            client, account = next(iter(self._accounts.items()))
            idle = not account.places and account.paid_until_s <= now_s
            if not idle and len(self._accounts) < self._max_clients:
                return
            del self._accounts[client]


# -- all processes -----------------------------------------------------------------------------------

_ENTER: Final = """
local token, cost, interval, burst = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local concurrent, lease = tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if redis.call('ZCOUNT', KEYS[2], now, '+inf') >= concurrent then return {'concurrent', 0} end
local paid = math.floor(math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + cost * interval)
local wait = paid - now - burst * interval
if wait > 1 then return {'rate', math.ceil(wait)} end
redis.call('SET', KEYS[1], string.format('%.0f', paid), 'PX', math.ceil((paid - now) / 1000) + 1)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], string.format('%.0f', now + lease), token)
redis.call('PEXPIRE', KEYS[2], math.ceil(lease / 1000))
return {'', 0}
"""
"""`arrive` again, in microseconds of Redis's own clock, because those of web machines differ. KEYS: rate,
places. Both keys expire by themselves when they say nothing more. SET is the first to write, because a
full Redis lets a script go on once it wrote."""


class RedisQuotas:
    """`Quotas` shared by all web processes: one round trip to enter, one command to leave.

    `own`: counts while Redis is away. `timeout_s`: how long Redis may take; `rest_s`: how long it is
    left alone after a failure, so that a dead Redis costs one time-out in that time and not one a request.
    """

    def __init__(
        self, redis: Redis, own: MemoryQuotas, clock: Clock, *, timeout_s: float, rest_s: float
    ) -> None:
        self._redis = redis
        self._own = own
        self._clock = clock
        self._timeout_s = timeout_s
        self._rest_s = rest_s
        self._rests_until_s = -math.inf
        self._enter = redis.register_script(_ENTER)
        self._debts: deque[tuple[str, str]] = deque(maxlen=_MAX_DEBTS)
        self._log = logger(__name__)

    async def enter(self, client: str, cost: int, limits: Limits) -> Lease | Exceeded:
        if self._clock.monotonic_s() < self._rests_until_s:
            return await self._own.enter(client, cost, limits)
        token = secrets.token_hex(8)
        try:
            async with asyncio.timeout(self._timeout_s):
                limit, wait_us = await self._ask(client, token, cost, limits)
        except asyncio.CancelledError:
            self._debts.append((_places(client), token))
            raise
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            self._debts.append((_places(client), token))  # it may have been let in, unheard
            return await self._own.enter(client, cost, limits)
        if limit == b"rate":
            return Exceeded("rate", wait_us / 1e6)
        if limit:
            await self._settle()  # perhaps nobody holds them, and nobody else comes who could give them back
            return Exceeded("concurrent", BUSY_RETRY_S)
        return Lease(client, token, shared=True)

    async def leave(self, lease: Lease) -> None:
        if lease.shared:
            self._debts.append((_places(lease.client), lease.token))
        else:
            await self._own.leave(lease)
        await self._settle()

    async def aclose(self) -> None:
        """Closes the connections too."""
        await self._own.aclose()
        await self._redis.aclose()

    async def _ask(self, client: str, token: str, cost: int, limits: Limits) -> tuple[bytes, int]:
        numbers = (cost, limits.interval_s * 1e6, limits.burst, limits.concurrent, limits.lease_s * 1e6)
        limit, wait_us = await self._enter([_rate(client), _places(client)], [token, *numbers])
        return limit.encode() if isinstance(limit, str) else limit, wait_us

    async def _settle(self) -> None:
        """Give back all places that Redis may still count, those of an earlier failure too. What cannot
        be given back now is kept for the next time; at worst the lease expires."""
        if not self._debts or self._clock.monotonic_s() < self._rests_until_s:
            return
        debts = [self._debts.popleft() for _ in range(len(self._debts))]
        is_settled = False
        try:
            async with asyncio.timeout(self._timeout_s), self._redis.pipeline(transaction=False) as pipeline:
                for key, token in debts:
                    pipeline.zrem(key, token)
                await pipeline.execute()
            is_settled = True
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
        finally:
            if not is_settled:  # also when the one who does it for all is cancelled
                self._debts.extend(debts)

    def _failed(self, error: Exception) -> None:
        self._rests_until_s = self._clock.monotonic_s() + self._rest_s
        self._log.warning("quotas are counted by this process alone", reason=worded(error)[:200])


def _rate(client: str) -> str:
    """The braces keep both keys of a client on one node of a cluster."""
    return f"{_PREFIX}{{{client}}}:rate"


def _places(client: str) -> str:
    return f"{_PREFIX}{{{client}}}:places"
