"""The typed cache over any store."""

from __future__ import annotations

from assay.clock import FakeClock
from assay.models.model import Score
from assay.scoring.cache import ScoreCache
from assay.scoring.key import ScoreKey
from assay.scoring.options import ScoreCacheOptions
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions

KEY = ScoreKey("enwiki", "damaging", "digest", 1)
OTHER = ScoreKey("enwiki", "damaging", "digest", 2)
SCORE = Score(True, {True: 0.75, False: 0.25})


async def test_a_score_is_found_under_its_own_key_only() -> None:
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), FakeClock()), ScoreCacheOptions())
    await cache.set_many({KEY: SCORE})
    assert await cache.get_many([KEY, OTHER]) == {KEY: SCORE}


async def test_scores_are_forgotten_after_their_time() -> None:
    clock = FakeClock()
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), clock), ScoreCacheOptions(ttl_s=10))
    await cache.set_many({KEY: SCORE})
    clock.advance(10)
    assert await cache.get_many([KEY]) == {}


async def test_a_damaged_entry_counts_as_absent() -> None:
    store = MemoryStore(MemoryStoreOptions(), FakeClock())
    await store.set_many({str(KEY): b"\xffrubbish"}, ttl_s=60)
    assert await ScoreCache(store, ScoreCacheOptions()).get_many([KEY]) == {}
