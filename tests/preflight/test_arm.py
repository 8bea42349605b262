"""`assay preflight` beside a real web process, a real worker and a Redis with a password."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import assay
from preflight.arm import RELEASE, Arm, arm, lives
from servers import redis as redis_server
from servers.processes import inherited
from servers.redis import RedisServer

PASSWORD: Final = ":p@w/d 100%"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server.running(["--requirepass", PASSWORD], password=PASSWORD) as server:
        yield server


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[Arm]:
    """Web process and worker of one release, at work."""
    own = arm(tmp_path_factory.mktemp("arm"), redis)
    with own.worker(), own.web(path="/readyz"):
        lives(redis, 1)
        yield own


def test_a_good_arm_passes(whole: Arm) -> None:
    told = whole.preflight("--url", whole.url, "--patience", "60")
    assert told.bad() == set(), told.stdout
    assert told.status == 0
    assert told.document["ok"] is True
    assert told.document["release"] == RELEASE
    names = [check["check"] for check in told.document["checks"]]
    assert names.count("worker.interactive") == names.count("worker.bulk") == 2  # of samplewiki and testwiki
    assert names.count("web.scores") == 2
    groups = list(dict.fromkeys(name.partition(".")[0] for name in names))
    assert groups == ["configuration", "redis", "worker", "bundles", "wiki", "machine", "web"]
    assert told.said("machine.port") == "taken by a web process of this release"
    assert all(
        check["said"] and not check["todo"]
        for check in told.document["checks"]
        if check["outcome"] == "passed"
    )


def test_no_secret_is_told(whole: Arm) -> None:
    for password in (PASSWORD, "another wrong secret"):
        told = whole.preflight("--url", whole.url, ASSAY_REDIS__PASSWORD=password)
        assert told.document["checks"]
        assert password not in told.stdout + told.stderr


def test_golden_scores_that_nobody_waived_are_a_failure(whole: Arm) -> None:
    done = subprocess.run(
        whole.command("preflight"),
        capture_output=True,
        text=True,
        check=False,
        cwd=whole.folder,
        env={**inherited(), **whole.environment, "COLUMNS": "300"},
    )
    assert done.returncode == 1
    assert "bundles.golden of 5 bundles:" in done.stdout
    assert "say --without-golden" in done.stdout
    assert f"release {RELEASE}: it must not take traffic" in done.stdout


def test_a_worker_with_other_bundles_is_told(whole: Arm, tmp_path: Path) -> None:
    """The same release by name, but this node's samplewiki borrows another wiki's models."""
    wikis = json.dumps({"samplewiki": {"source": _sample(), "bundles": "frwiki"}})
    told = whole.preflight(ASSAY_WIKIS=wikis)
    assert told.status == 1
    assert "other bundles" in told.said("worker.interactive")


def test_another_releases_web_process_is_told(whole: Arm, tmp_path: Path, redis: RedisServer) -> None:
    told = whole.preflight("--url", whole.url, ASSAY_RELEASE="r2")
    assert "release r1 answers there, not r2" in told.said("web.release")
    assert "release r1 answers there" in told.said("web.scores")
    assert "there answers r1" in told.said("machine.port")


def test_an_address_where_nobody_listens_is_told(whole: Arm) -> None:
    told = whole.preflight("--url", "http://127.0.0.1:9")
    assert told.bad() == {"web.release", "web.ready", "web.wikis", "web.scores"}
    assert "no answer" in told.said("web.release")


def test_an_address_that_is_none_is_refused(whole: Arm) -> None:
    told = whole.preflight("--url", "127.0.0.1:80")
    assert told.status == 1
    assert "http://HOST:PORT" in told.stderr


def test_a_web_process_with_another_configuration_is_told(whole: Arm) -> None:
    told = whole.preflight("--url", whole.url, ASSAY_TEST_WIKI="false")
    assert "other models than this configuration says, of: testwiki" in told.said("web.wikis")


def _sample() -> str:
    return str(Path(assay.__file__).parent / "sample" / "samplewiki.xml")
