"""Several web processes that want the same: computed once, whatever becomes of the one that computes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from assay.clock import Deadline, SystemClock
from assay.revisions.problem import Problem, revision_not_found
from assay.scoring.cache import ScoreCache
from assay.scoring.claims import job_id
from assay.scoring.identity import identity
from assay.scoring.inline import InlineEngine
from assay.scoring.key import ScoreKey
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.problems import deadline_passed
from assay.scoring.request import Cell, Job, Scored, ScoreRequest
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import Wikis
from assay.stores.kv import KeyValueStore
from assay.stores.memory import MemoryStore
from assay.stores.options import ClaimOptions, MemoryStoreOptions
from assay.stores.redis import RedisStore
from assay.stores.redis_claims import RedisClaims
from assay.stores.redis_options import RedisOptions, connect
from assay.telemetry import CLAIMS, Metrics
from servers.redis import RedisServer
from small_models import small_models
from waiting import until_async

MODELS = small_models()
REQUEST = ScoreRequest("testwiki", (31, 32), ("revid",))
LIMIT_S = 30.0
PATIENT = ClaimOptions(ttl_s=LIMIT_S, answer_timeout_s=LIMIT_S)
"""On a machine that is busy otherwise, no claim expires, and Redis does not count as away."""
QUICK = replace(PATIENT, ttl_s=1.5)
"""For what happens when a claim's time is over."""


class CountingEngine(InlineEngine):
    """Notes what it computes; holds every job until `go` is set."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(MODELS, metrics)
        self.jobs: list[int] = []
        self.go = asyncio.Event()
        self.instead: Callable[[int], Problem] | None = None

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        self.jobs.append(job.revision.id)
        await self.go.wait()
        if self.instead is not None:
            return dict.fromkeys(job.models, self.instead(job.revision.id))
        return await super().score(job, deadline)


class Node:
    """One web process's service, with clients of its own."""

    def __init__(
        self,
        redis: RedisServer,
        store: KeyValueStore | None = None,
        release: str = "dev",
        options: ClaimOptions = PATIENT,
    ) -> None:
        clock, self.metrics = SystemClock(), Metrics()
        address = RedisOptions(redis.url, connect_timeout_s=LIMIT_S, answer_timeout_s=LIMIT_S)
        self.claims = RedisClaims(connect(address), release, options, self.metrics, clock)
        self.engine = CountingEngine(self.metrics)
        wikis = Wikis({"testwiki": SyntheticSource(clock)}, MODELS)
        kept = RedisStore(connect(address)) if store is None else store
        cache = ScoreCache(kept, ScoreCacheOptions())
        self.service = ScoringService(wikis, self.engine, cache, self.metrics, self.claims)

    def ask(self, request: ScoreRequest = REQUEST, limit_s: float = 2 * LIMIT_S) -> asyncio.Task[bool]:
        """True when every cell is scored."""

        async def scored() -> bool:
            table = await self.service.score(request, Deadline.after(limit_s, SystemClock()))
            return all(isinstance(cell, Scored) for cells in table.values() for cell in cells.values())

        return asyncio.create_task(scored())


@asynccontextmanager
async def nodes(
    redis: RedisServer, count: int, *others: str, options: ClaimOptions = PATIENT
) -> AsyncIterator[list[Node]]:
    """`others`: releases of further nodes."""
    releases = ["dev"] * count + [*others]
    made = [Node(redis, release=name, options=options) for name in releases]
    try:
        yield made
    finally:
        for node in made:
            node.engine.go.set()
        for node in made:
            await node.service.aclose()


def calls(client: Redis, *commands: str) -> list[int]:
    stats: Any = client.info("commandstats")
    return [int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"]) for command in commands]


def looks(client: Redis) -> int:
    """How often those who wait looked; who renews a claim gets it as well."""
    gets, renewals = calls(client, "get", "pexpire")
    return gets - renewals


def channels(redis: RedisServer) -> list[bytes]:
    with redis.client() as client:
        found: Any = client.pubsub_channels()
        return list(found)


async def test_a_hundred_clients_of_four_nodes_have_it_computed_once(redis: RedisServer) -> None:
    async with nodes(redis, 4) as four:
        for node in four:
            node.engine.go.set()
        asked = [node.ask() for _ in range(25) for node in four]
        assert all(await asyncio.gather(*asked))
        assert sorted(rev for node in four for rev in node.engine.jobs) == [31, 32]
        await until_async(lambda: channels(redis) == [])


async def test_who_waits_gets_what_was_computed_and_asks_redis_no_more_than_once_a_lifetime(
    redis: RedisServer,
) -> None:
    request = replace(REQUEST, rev_ids=(31,), features=True)
    async with nodes(redis, 2, options=QUICK) as (first, second):
        one = first.ask(request)
        await until_async(lambda: first.engine.jobs == [31])
        other = second.ask(request)
        await until_async(lambda: len(channels(redis)) == 1)
        with redis.client() as client:
            client.config_resetstat()
            began_s = time.monotonic()
            await until_async(lambda: looks(client) >= 3)
            lifetimes = (time.monotonic() - began_s) / QUICK.ttl_s
            assert looks(client) <= lifetimes + 1
            assert calls(client, "set") == [0]
        first.engine.go.set()
        assert await one
        assert await other
        assert second.engine.jobs == []
        assert second.metrics.value(CLAIMS, "shared") == 1


class Late:
    """Claims of a process that is slow between its look-up and its claim."""

    def __init__(self, claims: RedisClaims) -> None:
        self._take = claims.take
        self.looked = asyncio.Event()
        self.go = asyncio.Event()

    async def take(self, ids: Sequence[str]) -> set[str]:
        self.looked.set()
        await self.go.wait()
        return await self._take(ids)


@pytest.mark.parametrize(
    "request_", [REQUEST, replace(REQUEST, features=True), replace(REQUEST, explain=True)]
)
async def test_who_claims_just_after_the_end_is_told_and_computes_nothing(
    redis: RedisServer, request_: ScoreRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nodes(redis, 2) as (first, second):
        late = Late(second.claims)
        monkeypatch.setattr(second.claims, "take", late.take)
        first.engine.go.set()
        second.engine.go.set()
        other = second.ask(request_)
        await late.looked.wait()
        assert await first.ask(request_)
        late.go.set()
        assert await other
        assert second.engine.jobs == []
        assert second.metrics.value(CLAIMS, "shared") == 2


async def test_an_answer_lies_in_its_claims_place_for_a_moment_only(redis: RedisServer) -> None:
    request = replace(REQUEST, features=True)
    async with nodes(redis, 2, options=QUICK) as (first, second):
        first.engine.go.set()
        second.engine.go.set()
        assert await first.ask(request)
        with redis.client() as client:
            kept: Any = client.mget(client.keys("assay:claim:*"))
            assert [answer[:1] for answer in kept] == [b"=", b"="]
            await until_async(lambda: client.keys("assay:claim:*") == [])
        assert await second.ask(request)
        assert sorted(second.engine.jobs) == [31, 32]


async def test_what_may_be_mended_by_then_is_asked_for_anew(redis: RedisServer) -> None:
    async with nodes(redis, 1) as (node,):
        node.engine.go.set()
        node.engine.instead = revision_not_found
        assert not await node.ask()
        with redis.client() as client:
            assert client.keys("assay:claim:*") == []
        node.engine.instead = None
        assert await node.ask()


async def test_a_release_never_waits_for_what_another_computes(redis: RedisServer) -> None:
    async with nodes(redis, 1, "candidate") as (stable, candidate):
        candidate.engine.go.set()
        one = stable.ask()  # computes for ever, and holds the claims
        await until_async(lambda: len(stable.engine.jobs) == 2)
        assert await candidate.ask()
        assert sorted(candidate.engine.jobs) == [31, 32]
        stable.engine.go.set()
        assert await one


async def test_a_dead_owners_claim_is_taken_over(redis: RedisServer) -> None:
    async with nodes(redis, 1, options=QUICK) as (node,):
        node.engine.go.set()
        with redis.client() as client:  # claimed by a process that does nothing any more
            ids = [job_id([_key(rev)], features=False, explain=False) for rev in REQUEST.rev_ids]
            for claim in ids:
                client.set(f"assay:claim:dev:{claim}", "dead", px=500)
        assert await node.ask()
        assert sorted(node.engine.jobs) == [31, 32]


async def test_a_wake_up_lost_with_its_connection_is_noticed(redis: RedisServer) -> None:
    async with nodes(redis, 2) as (first, second):
        one = first.ask()
        await until_async(lambda: len(first.engine.jobs) == 2)
        other = second.ask()
        await until_async(lambda: len(channels(redis)) == 2)
        with redis.client() as client:
            client.client_kill_filter(_type="pubsub")
        first.engine.go.set()
        assert await one
        assert await other
        assert second.engine.jobs == []  # the scores were in the cache


@asynccontextmanager
async def two_processes(
    redis: RedisServer, metrics: Metrics
) -> AsyncIterator[tuple[RedisClaims, RedisClaims]]:
    """Claims of two; `metrics`: of the second."""
    address, clock = RedisOptions(redis.url), SystemClock()
    one = RedisClaims(connect(address), "dev", PATIENT, Metrics(), clock)
    other = RedisClaims(connect(address), "dev", PATIENT, metrics, clock)
    try:
        yield one, other
    finally:
        await one.aclose()
        await other.aclose()


async def test_all_who_begin_to_wait_at_once_are_told(redis: RedisServer) -> None:
    """The first to wait connect to Redis: once, for all."""
    ids, metrics = [f"claim-{number}" for number in range(10)], Metrics()
    async with two_processes(redis, metrics) as (one, other):
        assert await one.take(ids) == set(ids)
        waiting = [asyncio.create_task(other.wait(claim, LIMIT_S)) for claim in ids]
        await until_async(lambda: len(channels(redis)) == len(ids))
        with redis.client() as client:
            assert len(client.client_list(_type="pubsub")) == 1
        await one.settle(dict.fromkeys(ids, b"told"), is_lasting=True)
        assert await asyncio.gather(*waiting) == [b"told"] * len(ids)
        assert metrics.value(CLAIMS, "failed") == 0


async def test_all_who_wait_when_the_connection_is_lost_are_told(redis: RedisServer) -> None:
    """The one that reads and those that come just then find it lost: it is made anew once, for all."""
    ids, metrics = [f"claim-{number}" for number in range(10)], Metrics()
    async with two_processes(redis, metrics) as (one, other):

        async def told(claim: str) -> bytes:
            while (told := await other.wait(claim, LIMIT_S)) is None:
                pass
            return told

        assert await one.take(ids) == set(ids)
        waiting = [asyncio.create_task(told(ids[0]))]
        await until_async(lambda: len(channels(redis)) == 1)
        with redis.client() as client:
            client.client_kill_filter(_type="pubsub")
            waiting += [asyncio.create_task(told(claim)) for claim in ids[1:]]
            await until_async(lambda: len(channels(redis)) == len(ids))
            assert len(client.client_list(_type="pubsub")) == 1
        await one.settle(dict.fromkeys(ids, b"told"), is_lasting=True)
        assert await asyncio.gather(*waiting) == [b"told"] * len(ids)
        assert metrics.value(CLAIMS, "failed") == 0


async def test_who_waits_anew_is_not_cut_off_by_who_ends_waiting(redis: RedisServer) -> None:
    async with two_processes(redis, Metrics()) as (one, other):
        assert await one.take(["claim"]) == {"claim"}
        first = asyncio.create_task(other.wait("claim", LIMIT_S))
        await until_async(lambda: len(channels(redis)) == 1)
        async with other._subscribing:  # as if Redis were slow: who ends cannot say so yet
            # Again and again: Python 3.11's `wait_for`, of which redis-py writes, may swallow one.
            await until_async(lambda: not (other._waiting and first.cancel()))
            anew = asyncio.create_task(other.wait("claim", LIMIT_S))
            await until_async(lambda: other._waiting)
        await until_async(lambda: "claim" in other._subscribed and other._subscribed["claim"].done())
        assert len(channels(redis)) == 1
        await one.settle({"claim": b"told"}, is_lasting=True)
        assert await anew == b"told"


async def test_an_owner_cut_off_by_its_own_deadline_leaves_the_work_to_others(redis: RedisServer) -> None:
    async with nodes(redis, 2) as (first, second):
        first.engine.instead = deadline_passed
        one = first.service.score(REQUEST, Deadline.after(20, SystemClock()))
        owner = asyncio.ensure_future(one)
        await until_async(lambda: len(first.engine.jobs) == 2)
        second.engine.go.set()
        other = second.ask()
        await until_async(lambda: len(channels(redis)) == 2)
        first.engine.go.set()
        assert await other
        assert sorted(second.engine.jobs) == [31, 32]
        with pytest.raises(Exception, match="in time"):
            await owner


async def test_without_redis_everybody_computes(redis: RedisServer) -> None:
    stores = [MemoryStore(MemoryStoreOptions(), SystemClock()) for _ in range(2)]
    both = [Node(redis, store, options=ClaimOptions()) for store in stores]
    redis.freeze()
    try:
        for node in both:
            node.engine.go.set()
        assert all(await asyncio.gather(*(node.ask() for node in both)))
        assert all(sorted(node.engine.jobs) == [31, 32] for node in both)
    finally:
        redis.thaw()
        for node in both:
            await node.service.aclose()


async def test_a_flushed_redis_costs_at_most_a_second_computation(redis: RedisServer) -> None:
    async with nodes(redis, 2, options=QUICK) as (first, second):
        one = first.ask()
        await until_async(lambda: len(first.engine.jobs) == 2)
        other = second.ask()
        await until_async(lambda: len(channels(redis)) == 2)
        with redis.client() as client:
            client.flushall()
        second.engine.go.set()
        assert await other
        first.engine.go.set()
        assert await one


def test_jobs_with_other_wishes_are_others() -> None:
    key = ScoreKey("w", "m", "identity", 1)
    ids = {
        job_id([key], features=False, explain=False),
        job_id([key], features=True, explain=False),
        job_id([key], features=False, explain=True),
        job_id([replace(key, injection="x")], features=False, explain=False),
        job_id([key], features=False, explain=False, bulk=True),
        job_id([key, replace(key, model="n")], features=False, explain=False),
    }
    assert len(ids) == 6


def test_the_order_of_models_does_not_matter() -> None:
    keys = [ScoreKey("w", name, "identity", 1) for name in "abc"]
    assert job_id(keys, features=False, explain=False) == job_id(keys[::-1], features=False, explain=False)


def _key(rev_id: int) -> ScoreKey:
    return ScoreKey("testwiki", "revid", identity(MODELS.of("testwiki")["revid"]), rev_id)
