"""Readiness with a cache that is away, and with one that lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from assay.clock import SystemClock
from assay.scoring.cache import ScoreCache
from assay.scoring.options import ScoreCacheOptions
from assay.serving.health import MISLED, Health
from assay.serving.options import HealthOptions
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from small_app import small_service


class Forgetful(MemoryStore):
    """Takes everything, gives nothing: as a Redis that is full, or that is away behind its guard."""

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {}

    async def answers(self) -> bool:
        return False


class Rubbish(MemoryStore):
    """Gives bytes that are no score."""

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return dict.fromkeys(keys, b"\xff")


def cache(kind: type[MemoryStore]) -> ScoreCache:
    return ScoreCache(kind(MemoryStoreOptions(), SystemClock()), ScoreCacheOptions())


async def found(kind: type[MemoryStore]) -> Health:
    service = small_service(Metrics())
    service.cache = cache(kind)
    health = Health(service, Metrics(), SystemClock(), HealthOptions(reuse_s=0))
    await health.readiness()
    return health


async def test_a_cache_that_gives_back_what_was_stored_is_well() -> None:
    readiness = await (await found(MemoryStore)).readiness()
    assert (readiness.state, readiness.has_cache) == ("ready", True)
    assert "cache" not in readiness.checks


async def test_a_cache_that_is_away_costs_time_only() -> None:
    readiness = await (await found(Forgetful)).readiness()
    assert (readiness.state, readiness.has_cache) == ("ready", False)


async def test_a_cache_that_gives_back_rubbish_takes_the_server_out() -> None:
    readiness = await (await found(Rubbish)).readiness()
    assert readiness.state == "unready"
    assert readiness.checks["cache"] == MISLED


@pytest.mark.parametrize(("kind", "misleads"), [(MemoryStore, False), (Forgetful, False), (Rubbish, True)])
async def test_only_another_score_misleads(kind: type[MemoryStore], misleads: bool) -> None:
    assert await cache(kind).misleads() is misleads


async def test_another_scores_bytes_mislead() -> None:
    class Swapped(MemoryStore):
        """Gives the first value ever stored."""

        first: bytes | None = None

        async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
            Swapped.first = Swapped.first or next(iter(values.values()))

        async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
            return dict.fromkeys(keys, Swapped.first or b"")

    swapped = cache(Swapped)
    assert [await swapped.misleads(), await swapped.misleads()] == [False, True]
