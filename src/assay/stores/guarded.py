"""A store whose troubles cost misses, never answers: what it cannot give in time is as good as absent.

After some failures in a row it is left alone for a while (a circuit breaker), so that a dead server costs a
request nothing, instead of its time limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from assay.clock import Clock
from assay.errors import worded
from assay.stores.kv import KeyValueStore
from assay.stores.options import GuardOptions
from assay.telemetry import STORE_FAILURES, STORE_UP, Metrics, logger

T = TypeVar("T")


class GuardedStore:
    """A `KeyValueStore` around one that may fail. `name`: for logs and metrics."""

    def __init__(
        self, name: str, store: KeyValueStore, options: GuardOptions, metrics: Metrics, clock: Clock
    ) -> None:
        self._name = name
        self._store = store
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self._failures = 0
        self._rests_until_s = float("-inf")
        self._log = logger(__name__)
        metrics.set(STORE_UP, 1, name)

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """What is there; nothing when the store does not answer."""
        return await self._tried("get", self._store.get_many, keys) or {}

    async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        """Kept if that can be done."""
        await self._tried("set", self._store.set_many, values, ttl_s)

    async def answers(self) -> bool:
        """False once the store is given up: one slow answer on a busy machine is no absence."""
        await self._tried("get", self._store.answers)
        return self._failures < self._options.failures

    async def aclose(self) -> None:
        await self._store.aclose()

    @property
    def rests(self) -> bool:
        """Whether the store is left alone just now."""
        return self._clock.monotonic_s() < self._rests_until_s

    async def _tried(self, operation: str, call: Callable[..., Awaitable[T]], *arguments: object) -> T | None:
        if self.rests:
            return None
        if self._failures >= self._options.failures:  # one tries; meanwhile the others stay away
            self._rest()
        try:
            async with asyncio.timeout(self._options.answer_timeout_s):
                answer = await call(*arguments)
        except Exception as error:  # a client library's errors are many, and all mean the same
            self._failed(operation, error)
            return None
        self._succeeded()
        return answer

    def _failed(self, operation: str, error: Exception) -> None:
        self._metrics.count(STORE_FAILURES, self._name, operation)
        self._failures += 1
        if self._failures == self._options.failures:
            self._log.warning("store given up for now", store=self._name, reason=worded(error))
            self._metrics.set(STORE_UP, 0, self._name)
        if self._failures >= self._options.failures:
            self._rest()

    def _succeeded(self) -> None:
        if self._failures >= self._options.failures:
            self._log.warning("store is back", store=self._name)
            self._metrics.set(STORE_UP, 1, self._name)
        self._failures = 0
        self._rests_until_s = float("-inf")

    def _rest(self) -> None:
        self._rests_until_s = self._clock.monotonic_s() + self._options.rest_s
