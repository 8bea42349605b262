"""The mistakes of 2016-08-01, one after the other: each is caught before any traffic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.arm import Arm, arm, lives
from servers import redis as redis_server
from servers.processes import status
from servers.redis import RedisServer, free_port

PASSWORD = "s3cret"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server.running(["--requirepass", PASSWORD], password=PASSWORD) as server:
        yield server


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """Healthy workers of this release and of an old one, on one Redis of theirs."""
    with redis_server.running(["--requirepass", PASSWORD], password=PASSWORD) as server:
        own = arm(tmp_path_factory.mktemp("busy"), server)
        with own.worker("own"), own.worker("old", ASSAY_RELEASE="old"):
            lives(server, 2)
            yield own


@pytest.fixture
def own(tmp_path: Path, redis: RedisServer) -> Arm:
    with redis.client() as client:
        client.flushall()
    return arm(tmp_path, redis)


@pytest.mark.parametrize(
    ("patch", "bad"),
    [
        (
            "colon in web",
            {f"redis.{way}" for way in ("scores", "quotas", "claims", "queue", "broker", "replies")},
        ),
        ("colon in worker", {"redis.worker", "redis.replies"}),
        ("colon in broker", {"redis.broker"}),
    ],
)
def test_a_password_kept_with_its_leading_colon_by_one_of_the_parsers(
    busy: Arm, patch: str, bad: set[str]
) -> None:
    """Workers were healthy, Celery read the address rightly; only the second parser was wrong."""
    told = busy.preflight(patch=patch)
    assert told.status == 1
    assert {name for name in told.bad() if name.startswith("redis.")} == bad
    for name in bad:
        assert "user name and password" in told.of(name)[0]["todo"]
        assert PASSWORD not in str(told.of(name))


def test_jobs_put_on_the_queue_of_another_release(busy: Arm) -> None:
    """The canary's web server, whose jobs the old workers took: here they refuse, and are named."""
    told = busy.preflight(patch="sends to old")
    assert told.status == 1
    assert {"worker.interactive", "worker.bulk"} <= told.bad()
    assert "release old takes the jobs of release r1" in told.said("worker.interactive")


def test_a_worker_of_another_release_on_this_releases_queue(own: Arm, redis: RedisServer) -> None:
    with own.worker("old", "takes from r1", ASSAY_RELEASE="old"):
        lives(redis, 1)
        told = own.preflight()
    assert "a worker of release old takes the jobs of release r1 from assay.r1" in told.said(
        "worker.interactive"
    )


def test_workers_of_another_release_only(own: Arm, redis: RedisServer) -> None:
    with own.worker("old", ASSAY_RELEASE="old"):
        lives(redis, 1)
        told = own.preflight()
    assert told.bad() == {"worker.interactive", "worker.bulk"}
    said = told.said("worker.interactive")
    assert "no worker of release r1 answers from assay.r1" in said
    assert "1 workers of any release show signs of life" in said
    assert "start `assay worker` with release r1" in told.of("worker.interactive")[0]["todo"]


def test_a_lane_that_no_worker_takes_from(own: Arm, redis: RedisServer) -> None:
    with own.worker(ASSAY_WORKER__LANES='["interactive"]'):
        lives(redis, 1)
        told = own.preflight()
    assert told.bad() == {"worker.bulk"}


def test_a_health_check_that_touches_no_worker(own: Arm) -> None:
    """``GET /`` was well all the time."""
    with own.web(patch="always ready"):
        assert status(own.port, "/readyz") == 200
        told = own.preflight("--url", own.url)
    assert not {"web.release", "web.ready"} & told.bad()
    assert {"web.scores", "worker.interactive", "worker.bulk"} <= told.bad()


def test_a_configuration_key_renamed_in_place(own: Arm) -> None:
    told = own.preflight(ASSAY_SCORE_PROCESSOR__URL="redis://127.0.0.1")
    assert told.status == 1
    assert "unknown setting score_processor" in told.said("configuration.settings")
    assert all(check["outcome"] == "skipped" for check in told.document["checks"][1:])
    assert len(told.document["checks"]) > 5


def test_a_canary_that_the_firewall_keeps_from_redis(own: Arm) -> None:
    told = own.preflight(ASSAY_REDIS__URL=f"redis://127.0.0.1:{free_port()}/0")
    assert {"redis.scores", "redis.queue", "redis.broker", "redis.worker", "worker.interactive"} <= told.bad()
    assert "open the way to it" in told.of("redis.scores")[0]["todo"]


def test_checks_bound_to_groups_that_the_host_is_not_in(own: Arm) -> None:
    """No model, hence no set of models to prove: nothing checked is not well."""
    told = own.preflight(ASSAY_WIKIS='{"nowiki": {"source": "absent.xml", "bundles": "nowhere"}}')
    assert {"worker", "bundles", "wiki", "configuration.models"} <= told.bad()
    assert told.said("worker") == "nothing was checked: this applies to nothing here"
