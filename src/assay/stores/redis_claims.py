"""Claims on work, shared by all processes of one Redis: who begins, who waits, who is woken.

A claim is a key that expires unless its owner keeps renewing it, so a dead owner's claim is free after
`ClaimOptions.ttl_s`. Who waits subscribes to the claim's channel and sleeps; once in a claim's lifetime it
looks whether the claim still stands, in case its owner died or the message was lost with a connection.

A good answer lies in its claim's place for as long as a claim lives: whoever looked for it before the end and
claims only now, or missed the message, is told instead of computing it a second time.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from assay.clock import Clock
from assay.errors import worded
from assay.stores.options import ClaimOptions
from assay.tasks import end
from assay.telemetry import CLAIMS, Metrics, logger

T = TypeVar("T")
_SETTLE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  local kept = ARGV[3] ~= '0' and redis.pcall('SET', KEYS[1], ARGV[4] .. ARGV[2], 'PX', ARGV[3])
  if not kept or kept.err then redis.call('DEL', KEYS[1]) end
end
return redis.call('PUBLISH', KEYS[1], ARGV[2])
"""
"""Give back what is ours only: it may have expired, and be another's by now. A full server keeps nothing."""
_ANSWER: Final = b"="
"""Before an answer that lies in a claim's place; tokens are hexadecimal."""
_RENEW: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""
_RETRY_S: Final = 0.2


class RedisClaims:
    """Claims under ``assay:claim:<release>:…``. No method raises.

    `release`: claims are among the web processes of one release only. Who waits for a claim takes another
    process's answer for its own, and a release must never be judged by answers that another one gave.
    """

    def __init__(
        self, redis: Redis, release: str, options: ClaimOptions, metrics: Metrics, clock: Clock
    ) -> None:
        self._redis = redis
        self._prefix = f"assay:claim:{release}:"
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self._settle = redis.register_script(_SETTLE)
        self._prolong = redis.register_script(_RENEW)
        self._held: dict[str, str] = {}
        self._waiting: dict[str, set[asyncio.Future[bytes | None]]] = {}
        self._pubsub: PubSub = redis.pubsub()
        self._subscribed: dict[str, asyncio.Future[None]] = {}
        self._subscribing = asyncio.Lock()
        self._left: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._somebody_waits = asyncio.Event()
        self._rests_until_s = float("-inf")
        self._log = logger(__name__)

    async def take(self, ids: Sequence[str]) -> set[str]:
        """Those that are ours now; all of them when Redis does not answer."""
        token = secrets.token_hex(8)
        answers = await self._asked(self._set_all(ids, token))
        if answers is None:  # an answer that comes too late must not leave claims that nobody gives back
            self._held.update(dict.fromkeys(ids, token))
            return set(ids)
        won = {claim for claim, answer in zip(ids, answers, strict=True) if answer}
        self._metrics.count(CLAIMS, "won", by=len(won))
        self._held.update(dict.fromkeys(won, token))
        if won:
            self._begin(self._renew_for_ever)
        return won

    async def wait(self, claim: str, limit_s: float) -> bytes | None:
        """See `assay.scoring.claims.Claims`. Asks Redis once for each lifetime of the claim, not more."""
        told: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(claim, set())
        waiting.add(told)
        ends_s = self._clock.monotonic_s() + limit_s
        try:
            if await self._asked(self._listen(claim)) is None:
                return None
            while (left_s := ends_s - self._clock.monotonic_s()) > 0:
                held: Any = await self._asked(self._redis.get(self._key(claim)))
                if held is None:
                    return told.result() if told.done() else None
                if held.startswith(_ANSWER):
                    self._metrics.count(CLAIMS, "shared")
                    return bytes(held.removeprefix(_ANSWER))
                await asyncio.wait([told], timeout=min(left_s, self._options.ttl_s))
                if told.done():
                    self._metrics.count(CLAIMS, "shared" if told.result() else "lost")
                    return told.result()
            return None
        finally:
            waiting.discard(told)
            if not waiting:
                self._waiting.pop(claim, None)
                self._subscribed.pop(claim, None)
                self._left.add(claim)
                await self._unsubscribe()

    async def settle(self, results: Mapping[str, bytes | None], *, is_lasting: bool = False) -> None:
        ours = [
            (claim, self._held.pop(claim), data) for claim, data in results.items() if claim in self._held
        ]
        if ours:
            await self._asked(self._settle_all(ours, self._options.ttl_s if is_lasting else 0.0))

    async def aclose(self) -> None:
        await end(self._tasks)
        await self.settle(dict.fromkeys(self._held))
        with contextlib.suppress(RedisError, OSError):
            await self._pubsub.aclose()
        await self._redis.aclose()

    # -- commands ------------------------------------------------------------------------------------

    async def _set_all(self, ids: Sequence[str], token: str) -> list[Any]:
        lives_ms = round(self._options.ttl_s * 1000)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for claim in ids:
                pipeline.set(self._key(claim), token, nx=True, px=lives_ms)
            return await pipeline.execute()

    async def _settle_all(self, ours: Sequence[tuple[str, str, bytes | None]], kept_s: float) -> bool:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for claim, token, data in ours:
                kept_ms = 0 if data is None else round(kept_s * 1000)
                await self._settle(
                    [self._key(claim)], [token, data or b"", kept_ms, _ANSWER], client=pipeline
                )
            await pipeline.execute()
        return True

    async def _renew(self) -> bool:
        lives_ms = round(self._options.ttl_s * 1000)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for claim, token in self._held.items():
                await self._prolong([self._key(claim)], [token, lives_ms], client=pipeline)
            await pipeline.execute()
        return True

    async def _listen(self, claim: str) -> bool:
        """Returns when Redis has said that it will tell us: whoever settles from now on is heard."""
        async with self._subscribing:  # the first connection is made by each who finds none
            if claim not in self._subscribed:
                await self._subscribe([each for each in self._waiting if each not in self._subscribed])
            said = self._subscribed[claim]
        self._somebody_waits.set()
        self._begin(self._read_for_ever)
        await asyncio.shield(said)
        return True

    async def _subscribe(self, claims: Sequence[str]) -> None:
        """At once for all who wait here, perhaps hundreds, none of whom has long; and once for each claim,
        because whatever is said again wakes them all."""
        loop = asyncio.get_running_loop()
        self._subscribed.update({claim: loop.create_future() for claim in claims})
        try:
            await self._pubsub.subscribe(*map(self._key, claims))
        except BaseException:  # the next who waits is to try
            for claim in claims:
                self._subscribed.pop(claim, None)
            raise

    async def _unsubscribe(self) -> None:
        """From all that were left, those that an earlier failure kept among them, lest channels gather; also
        from a Redis that is left alone, and not from under who waits anew."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(self._options.answer_timeout_s), self._subscribing:
                if left := self._left - self._waiting.keys():
                    await self._pubsub.unsubscribe(*map(self._key, left))
                    self._left -= left

    async def _asked(self, question: Awaitable[T]) -> T | None:
        """The answer; None when Redis does not give it in time, or is left alone just now."""
        if self._clock.monotonic_s() < self._rests_until_s:
            _forget(question)
            return None
        try:
            async with asyncio.timeout(self._options.answer_timeout_s):
                return await question
        except (RedisError, OSError, TimeoutError) as error:
            self._metrics.count(CLAIMS, "failed")
            self._log.warning("claims cannot be shared", reason=worded(error))
            self._rests_until_s = self._clock.monotonic_s() + self._options.rest_s
            return None

    # -- in the background ---------------------------------------------------------------------------

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start a background task when it is first needed, and again should a defect have ended it."""
        for ended in [task for task in self._tasks if task.done() and not task.cancelled()]:
            self._log.error("a task of claims failed", task=ended.get_name(), reason=repr(ended.exception()))
            self._tasks.remove(ended)
        names = {task.get_name() for task in self._tasks}
        if (name := f"claims: {work.__name__}") not in names:
            self._tasks.append(asyncio.create_task(work(), name=name))

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._options.ttl_s / 3)
            if self._held:
                await self._asked(self._renew())

    async def _read_for_ever(self) -> None:
        """Wake those who wait. After an error redis-py subscribes anew, but what was told meanwhile is lost,
        so all are woken to look for themselves."""
        while True:
            await self._somebody_waits.wait()
            try:
                message = await self._pubsub.get_message(timeout=self._options.ttl_s)
            except (RedisError, OSError, RuntimeError):
                for claim in list(self._waiting):
                    self._wake(claim, None)
                await asyncio.sleep(_RETRY_S)
                continue
            if message is not None:
                self._heard(message["type"], self._claim(message["channel"]), message["data"])
            elif not self._waiting:
                self._somebody_waits.clear()

    def _heard(self, kind: str, claim: str, data: Any) -> None:
        if kind == "subscribe" and claim in self._subscribed:
            if self._subscribed[claim].done():  # subscribed anew: something may have been told meanwhile
                self._wake(claim, None)
            else:
                self._subscribed[claim].set_result(None)
        elif kind == "subscribe":  # anew, by redis-py, because the connection was lost as it was being left
            self._left.add(claim)
        elif kind == "message":
            self._wake(claim, data or None)

    def _wake(self, claim: str, data: bytes | None) -> None:
        for told in self._waiting.get(claim, ()):
            if not told.done():
                told.set_result(data)

    def _key(self, claim: str) -> str:
        """Also the channel on which its end is told."""
        return self._prefix + claim

    def _claim(self, key: bytes) -> str:
        return key.decode().removeprefix(self._prefix)


def _forget(question: Awaitable[Any]) -> None:
    close = getattr(question, "close", None)
    if close is not None:
        close()
