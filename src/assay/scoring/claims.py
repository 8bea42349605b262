"""Who computes a job when several web processes are asked for it at the same time.

The first to claim a job computes it; the others are woken with its result. A claim expires unless its owner
renews it, so a dead owner costs those who wait one expiry. Nothing depends on claims for being right: when
Redis is gone, frozen or full, everybody computes.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from assay.clock import Clock, Deadline
from assay.scoring.codec import CodecError, Computed, decode_computed, encode_computed
from assay.stores.redis_claims import Channels, ClaimKeys
from assay.telemetry import CLAIMS, Metrics, logger

_PREFIX: Final = "assay:claim:"
_GIVEN_UP: Final = b""
"""The message of an owner that has no result to share: somebody else may try."""


class Claim(Protocol):
    """One job that this process was asked for. `mine`: compute it; otherwise wait for `outcome`."""

    @property
    def mine(self) -> bool: ...

    async def outcome(self, deadline: Deadline) -> Computed | None:
        """What the owner got. None: it is ours to compute, or the deadline has passed. Never raises."""
        ...

    async def share(self, computed: Computed) -> None:
        """Hand the result to all who wait, and give the claim back. Never raises."""
        ...

    async def give_up(self) -> None:
        """Let somebody else try; nothing when shared already. Never raises."""
        ...


class Claims(Protocol):
    """What a service needs."""

    async def take(self, job_ids: Sequence[str]) -> Sequence[Claim]:
        """A claim for each job; give each back with `Claim.share` or `Claim.give_up`. Never raises."""
        ...

    async def aclose(self) -> None: ...


def job_id(
    wiki: str, rev_id: int, identities: Sequence[str], injection: str, *, features: bool, explain: bool
) -> str:
    """Equal for jobs with equal results. `identities`: of the models; `injection`: see `injection_digest`."""
    parts = [wiki, rev_id, sorted(identities), injection, features, explain]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


# -- one process -------------------------------------------------------------------------------------


class LocalClaim:
    """Always won."""

    mine = True

    async def outcome(self, deadline: Deadline) -> Computed | None:
        return None

    async def share(self, computed: Computed) -> None:
        """Nobody else waits."""

    async def give_up(self) -> None:
        """Nobody else waits."""


class LocalClaims:
    """For one web process, whose requests share their cells already."""

    async def take(self, job_ids: Sequence[str]) -> Sequence[Claim]:
        return [LocalClaim() for _ in job_ids]

    async def aclose(self) -> None:
        """Nothing to close."""


# -- many processes ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClaimOptions:
    """How long claims live, and what they may cost."""

    ttl_s: float = 3.0
    """Seconds after which a dead owner's claim is taken over; it is renewed three times in that time."""

    answer_timeout_s: float = 0.25
    """Seconds that a request waits at most for Redis to answer about claims."""

    rest_s: float = 1.0
    """Seconds in which nothing is claimed after Redis failed, so that it costs no request anything."""


class RedisClaims:
    """`Claims` of all web processes on one Redis.

    `redis`: its pool must allow one connection more, for messages; closed with the claims.
    """

    def __init__(self, redis: Redis, options: ClaimOptions, metrics: Metrics, clock: Clock) -> None:
        self.options = options
        self.keys = ClaimKeys(redis)
        self.channels = Channels(redis)
        self._redis = redis
        self._metrics = metrics
        self._clock = clock
        self._held: dict[str, str] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._rests_until_s = float("-inf")
        self._log = logger(__name__)

    async def take(self, job_ids: Sequence[str]) -> Sequence[Claim]:
        if self._clock.monotonic_s() < self._rests_until_s:
            self.count("failed", len(job_ids))
            return [LocalClaim() for _ in job_ids]
        token = secrets.token_hex(8)
        claims = [RedisClaim(self, _PREFIX + job, token) for job in dict.fromkeys(job_ids)]
        try:
            await self._take(claims, token)
        except (RedisError, OSError, TimeoutError) as error:
            self.failed(error)
            self.count("failed", len(claims))
            for claim in claims:
                claim.mine = True
        return claims

    async def aclose(self) -> None:
        """Claims that are still held expire."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
        await self.channels.aclose()
        await self._redis.aclose()

    async def _take(self, claims: Sequence[RedisClaim], token: str) -> None:
        """Listen first, then claim: a result that is shared in between is heard."""
        names = [claim.key for claim in claims]
        async with asyncio.timeout(self.options.answer_timeout_s):
            futures = await self.channels.subscribe(names)
            for claim in claims:
                claim.message = futures[claim.key]
            won = await self.keys.take(names, token, self.options.ttl_s)
        for claim, is_won in zip(claims, won, strict=True):
            if is_won:
                self.hold(claim)
        self.count("won", sum(won))

    def hold(self, claim: RedisClaim) -> None:
        """It is ours, and renewed from now on."""
        claim.mine = True
        self._held[claim.key] = claim.token
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())

    def let_go(self, claim: RedisClaim) -> bool:
        """Whether it was held."""
        return self._held.pop(claim.key, None) is not None

    def count(self, outcome: str, by: int = 1) -> None:
        if by:
            self._metrics.count(CLAIMS, outcome, by=by)

    def failed(self, error: Exception) -> None:
        """Leave Redis alone for a while."""
        self._rests_until_s = self._clock.monotonic_s() + self.options.rest_s
        self._log.warning("jobs are not claimed for now", reason=repr(error)[:200])

    async def _renew(self) -> None:
        """One round trip for all claims of this process, three times in their life."""
        while self._held:
            await asyncio.sleep(self.options.ttl_s / 3)
            try:
                async with asyncio.timeout(self.options.answer_timeout_s):
                    await self.keys.renew(self._held.copy(), self.options.ttl_s)
            except (RedisError, OSError, TimeoutError) as error:
                self.failed(error)


@dataclass(slots=True)
class RedisClaim:
    """A `Claim` of one job. `message`: what its owner will say, while we listen."""

    board: RedisClaims
    key: str
    token: str
    mine: bool = False
    message: asyncio.Future[bytes | None] | None = field(default=None, repr=False)

    async def outcome(self, deadline: Deadline) -> Computed | None:
        try:
            while not self.mine and not deadline.passed:
                if computed := await self._heard(min(self.board.options.ttl_s, deadline.remaining_s())):
                    self.board.count("shared")
                    return computed
                if not deadline.passed:
                    await self._try_again()
        except (RedisError, OSError, TimeoutError) as error:
            self.board.failed(error)
            self.board.count("failed")
            self.mine = True
        return None

    async def share(self, computed: Computed) -> None:
        await self._end(encode_computed(computed))

    async def give_up(self) -> None:
        await self._end(_GIVEN_UP)

    async def _heard(self, timeout_s: float) -> Computed | None:
        """None: nothing was said, nothing that we can read, or the connection was cut."""
        if self.message is None:
            return None
        await asyncio.wait([self.message], timeout=timeout_s)
        data = self.message.result() if self.message.done() else None
        try:
            return decode_computed(data) if data else None
        except CodecError:  # a process of another release
            return None

    async def _try_again(self) -> None:
        """The owner is dead, gave up, or is only slow: one command tells, and none while we wait."""
        async with asyncio.timeout(self.board.options.answer_timeout_s):
            if self.message is None or self.message.done():
                await self._listen_anew()
            (won,) = await self.board.keys.take([self.key], self.token, self.board.options.ttl_s)
        if won:
            self.board.hold(self)
            self.board.count("taken_over")

    async def _listen_anew(self) -> None:
        old, self.message = self.message, None
        self.message = (await self.board.channels.subscribe([self.key]))[self.key]
        if old is not None:
            await self.board.channels.unsubscribe({self.key: old})

    async def _end(self, message: bytes) -> None:
        try:
            async with asyncio.timeout(self.board.options.answer_timeout_s):
                if self.board.let_go(self):
                    await self.board.keys.release(self.key, self.token, message)
                if (heard := self.message) is not None:
                    self.message = None
                    await self.board.channels.unsubscribe({self.key: heard})
        except (RedisError, OSError, TimeoutError) as error:
            self.board.failed(error)
