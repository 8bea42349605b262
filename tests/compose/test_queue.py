"""What web processes share, on two real servers: of scores and of the queue, each with its own secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from assay.clock import SystemClock
from assay.compose import queue
from assay.errors import ConfigurationError, EngineUnavailable
from assay.scoring.inline import InlineEngine
from assay.scoring.queue.replies import BLOCK_S
from assay.scoring.request import Job, Scored
from assay.scoring.synthetic import synthetic_revision
from assay.settings import Settings, load
from assay.stores.quota import Exceeded, Limits
from assay.telemetry import Metrics
from servers import redis as redis_server
from servers.redis import RedisServer, free_port
from small_models import small_models
from waiting import soon, until

JOB = Job("testwiki", ("revid",), synthetic_revision(31))
OF_SCORES = (queue.scores_client, queue.quotas_client, queue.claims_client)
OF_QUEUE = (queue.queue_client, queue.replies_client)


@dataclass(frozen=True)
class Two:
    scores: RedisServer
    queue: RedisServer

    def environment(self) -> dict[str, str]:
        return {
            "ASSAY_REDIS__URL": self.scores.url,
            "ASSAY_REDIS__PASSWORD": "of-scores",
            "ASSAY_QUEUE_REDIS__URL": self.queue.url,
            "ASSAY_QUEUE_REDIS__PASSWORD": "of-queue",
        }

    def settings(self, **more: str) -> Settings:
        return load(environment={**self.environment(), **more})

    def one(self, **more: str) -> Settings:
        """Without a server of the queue's own."""
        own = {name: value for name, value in self.environment().items() if "QUEUE" not in name}
        return load(environment={**own, **more})


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    with (
        redis_server.running(password="of-scores") as scores,
        redis_server.running(password="of-queue") as of_queue,
    ):
        yield Two(scores, of_queue)


def away(**more: str) -> Settings:
    return load(environment={"ASSAY_REDIS__URL": f"redis://127.0.0.1:{free_port()}/0", **more})


async def port_of(make: Callable[[Settings], Redis], settings: Settings) -> str:
    async with aclosing(make(settings)) as client:
        return str((await client.config_get("port"))["port"])


async def test_each_client_reaches_its_server_with_its_secret(two: Two) -> None:
    for make in (*OF_SCORES, *OF_QUEUE):
        port = two.scores.port if make in OF_SCORES else two.queue.port
        assert await port_of(make, two.settings()) == str(port), make.__name__
        assert await port_of(make, two.one()) == str(two.scores.port), make.__name__
    for settings, server in ((two.settings(), two.queue), (two.one(), two.scores)):
        with queue.worker_client(settings) as worker:
            assert worker.config_get("port") == {"port": str(server.port)}


async def test_each_waits_for_an_answer_as_long_as_its_work_may_take() -> None:
    settings = away(
        ASSAY_REDIS__ANSWER_TIMEOUT_S="0.75",
        ASSAY_REDIS__CONNECT_TIMEOUT_S="0.5",
        ASSAY_SHARED_STORE__ANSWER_TIMEOUT_S="0.125",
    )
    told = {make.__name__: make(settings) for make in (*OF_SCORES, *OF_QUEUE)}
    limits = {name: it.connection_pool.connection_kwargs["socket_timeout"] for name, it in told.items()}
    assert limits == {
        "scores_client": 0.125,
        "quotas_client": 0.125,
        "claims_client": 0.75,
        "queue_client": 0.75,
        "replies_client": BLOCK_S + 0.75,  # else every quiet second would be an error
    }
    assert queue.send_limit_s(settings) == 1.25
    for client in told.values():
        await client.aclose()


def test_each_server_is_named_once_by_the_section_that_tells_of_it(two: Two) -> None:
    both = two.settings()
    assert queue.redis_sections(both) == {"redis": both.redis, "queue_redis": both.queue_redis}
    assert queue.redis_sections(two.one()) == {"redis": both.redis}


@pytest.mark.parametrize("section", ["redis", "queue_redis"])
def test_a_wrong_secret_ends_the_start_and_is_not_told(two: Two, section: str) -> None:
    queue.check_redis(two.settings())
    wrong = {f"ASSAY_{section.upper()}__PASSWORD": "hunter2"}
    with pytest.raises(ConfigurationError, match=rf"refuses .* mend the settings under {section}$") as told:
        queue.check_redis(two.settings(**wrong))
    assert "hunter2" not in str(told.value)


def test_a_user_name_where_the_server_knows_none_is_refused(two: Two) -> None:
    with pytest.raises(ConfigurationError, match=r"refuses our user name or password .* under redis$"):
        queue.check_redis(two.one(ASSAY_REDIS__USERNAME="nobody"))


def test_a_sentinel_is_no_server_of_scores(two: Two, tmp_path: Path) -> None:
    with redis_server.sentinel(tmp_path, two.scores.port) as watching:
        given = load(environment={"ASSAY_REDIS__URL": watching.url})
        with pytest.raises(ConfigurationError, match=rf"The server at .*{watching.port}.* Sentinel"):
            queue.check_redis(given)


def test_a_server_that_is_away_may_still_come(two: Two) -> None:
    with capture_logs() as told:
        queue.check_redis(two.settings(ASSAY_QUEUE_REDIS__URL=f"redis://127.0.0.1:{free_port()}/0"))
    (line,) = told
    assert (line["event"], line["log_level"]) == ("redis is away", "warning")
    assert line["section"] == "queue_redis"

    assert "Connection refused" in line["reason"], line


def test_a_server_whose_disk_is_full_is_away_and_no_password_is_blamed() -> None:
    """It answers even PING with an error; a web process must be able to begin, and serve what it can."""
    with redis_server.running() as server, server.client() as client:
        (server.folder / "dump.rdb").mkdir()  # so that it cannot be written
        client.config_set("save", "3600 1")
        client.bgsave()
        until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        with capture_logs() as told:
            queue.check_redis(load(environment={"ASSAY_REDIS__URL": server.url}))
    (line,) = told
    assert (line["event"], line["log_level"]) == ("redis is away", "warning")
    assert "MISCONF" in line["reason"]


def test_a_replica_that_lost_its_master_may_find_it_again() -> None:
    """As in the seconds of a failover."""
    with redis_server.running() as server, server.client() as client:
        client.config_set("replica-serve-stale-data", "no")
        client.execute_command("REPLICAOF", "127.0.0.1", str(free_port()))
        with capture_logs() as told:
            queue.check_redis(load(environment={"ASSAY_REDIS__URL": server.url}))
    (line,) = told
    assert (line["event"], line["log_level"]) == ("redis is away", "warning")
    assert "MASTER is down" in line["reason"]


@pytest.mark.parametrize(
    ("account", "database", "told"),
    [
        ("", "99", r"The server at 127.0.0.1:\d+/99 refuses us \(DB index .*\): .* under redis$"),
        ("reader:pw@", "0", r"the user under redis too few rights \(.*'ping' command\): .*ACL SETUSER"),
    ],
)
def test_what_else_a_server_refuses_is_not_called_a_wrong_password(
    account: str, database: str, told: str
) -> None:
    with redis_server.running() as server:
        if account:
            with server.client() as client:
                client.execute_command("ACL SETUSER reader on >pw ~* &* +get")
        url = f"redis://{account}127.0.0.1:{server.port}/{database}"
        with pytest.raises(ConfigurationError, match=told):
            queue.check_redis(load(environment={"ASSAY_REDIS__URL": url}))


def shared(settings: Settings, made: list[Any]) -> queue.Shared:
    def make_pool() -> InlineEngine:
        made.append(engine := InlineEngine(small_models(), Metrics()))
        return engine

    return queue.build_shared(settings, small_models(), make_pool, Metrics(), SystemClock())


@pytest.mark.parametrize("has_own", [True, False])
async def test_what_one_web_process_knows_the_others_know(two: Two, has_own: bool) -> None:
    settings = two.settings() if has_own else two.one()
    here, there = (shared(settings, []) for _ in range(2))
    limits = Limits(concurrent=1, per_minute=6000.0, burst=1000, lease_s=60.0)
    name = f"of {has_own}"
    await here.store.set_many({name: b"a score"}, 60)
    assert await there.store.get_many([name]) == {name: b"a score"}
    assert await here.claims.take([name]) == {name}
    assert await there.claims.take([name]) == set()
    assert not isinstance(await here.quotas.enter(name, 1, limits), Exceeded)
    assert isinstance(await there.quotas.enter(name, 1, limits), Exceeded)
    for parts in (here, there):
        for part in (parts.store, parts.claims, parts.quotas):
            await part.aclose()


async def test_while_the_queue_is_away_it_computes_here_when_it_is_told_to() -> None:
    """At once: nothing waits for the queue."""
    made: list[Any] = []
    parts = shared(away(ASSAY_QUEUE__WHEN_AWAY="local", ASSAY_QUEUE__AWAY_GRACE_S="3600"), made)
    await parts.engine.start()
    cells = await parts.engine.score(JOB, soon(20))
    await parts.engine.aclose()
    assert isinstance(cells["revid"], Scored)
    assert len(made) == 1


async def test_else_it_is_refused() -> None:
    made: list[Any] = []
    parts = shared(away(ASSAY_QUEUE__AWAY_GRACE_S="0"), made)
    await parts.engine.start()
    with pytest.raises(EngineUnavailable):
        await parts.engine.score(JOB, soon())
    await parts.engine.aclose()
    assert made == []
