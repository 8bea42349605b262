"""Every way to Redis is gone to its end, against real servers of every kind."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from assay.clock import SystemClock
from assay.compose import queue as parts
from assay.preflight.check import Check, Failed, Group, Passed, Report, run
from assay.preflight.redis import Ways, _Broken, _claim, _count_a_client
from assay.settings import Settings, load
from assay.stores.options import ClaimOptions, GuardOptions
from assay.stores.quota import Exceeded, Lease, Limits, MemoryQuotas
from assay.stores.redis_claims import RedisClaims
from assay.stores.redis_options import RedisOptions, connect
from assay.telemetry import Metrics
from servers import redis as redis_server
from servers.proxy import HEALTHY, Behaviour, FaultProxy
from servers.redis import RedisServer, free_port
from waiting import until, until_async

PASSWORD: Final = "s3cret"
WAYS: Final = ("scores", "quotas", "claims", "queue", "broker", "worker", "replies")


@pytest.fixture(scope="module")
def guarded() -> Iterator[RedisServer]:
    """Asks for a password."""
    with redis_server.running(["--requirepass", PASSWORD], password=PASSWORD) as server:
        yield server


PATIENT: Final = {"ASSAY_SHARED_STORE__ANSWER_TIMEOUT_S": "2", "ASSAY_CLAIMS__ANSWER_TIMEOUT_S": "2"}
"""A machine full of tests may be slow; what a late answer means has tests of its own."""


def settings(server: RedisServer, **more: str) -> Settings:
    return load(environment={"ASSAY_RELEASE": "r1", "ASSAY_REDIS__URL": server.url, **PATIENT, **more})


def checked(chosen: Settings) -> Report:
    return asyncio.run(run([Ways(chosen, Metrics(), SystemClock()).group()], "r1"))


def outcomes(report: Report) -> dict[str, bool]:
    return {result.name.removeprefix("redis."): result.is_good for result in report.results}


def test_every_way_is_gone_with_the_right_password(guarded: RedisServer) -> None:
    report = checked(settings(guarded, ASSAY_REDIS__PASSWORD=PASSWORD))
    assert outcomes(report) == dict.fromkeys((*WAYS, "mode", "password"), True)
    assert not [
        result for result in report.results if isinstance(result.outcome, Passed) and result.outcome.warnings
    ]
    assert "logged in as default" in report["redis.scores"].outcome.said


def test_it_leaves_nothing_behind_that_does_not_expire(guarded: RedisServer) -> None:
    checked(settings(guarded, ASSAY_REDIS__PASSWORD=PASSWORD))
    with guarded.client() as client:
        assert [key for key in client.keys("*") if client.ttl(key) == -1 and b"preflight" in key] == []
        assert client.zcard("unacked_index") == 0


@pytest.mark.parametrize("given", [None, "wrong", ":" + PASSWORD])
def test_a_wrong_password_fails_every_way(guarded: RedisServer, given: str | None) -> None:
    more = {} if given is None else {"ASSAY_REDIS__PASSWORD": given}
    report = checked(settings(guarded, **more))
    assert outcomes(report) == {**dict.fromkeys((*WAYS, "mode"), False), "password": True}
    for way in (*WAYS, "mode"):
        outcome = report[f"redis.{way}"].outcome
        assert isinstance(outcome, Failed)
        assert "mend user name and password under redis" in outcome.todo, way
        assert given is None or given not in outcome.said


@pytest.mark.parametrize("password", [":p", "p@w:d/", "100%41 sure", "#?&=+\\'\"", "пароль ☃"])
def test_a_password_may_hold_any_character(password: str) -> None:
    with redis_server.running(["--requirepass", password], password=password) as server:
        assert checked(settings(server, ASSAY_REDIS__PASSWORD=password)).is_good


def test_a_server_that_lets_everybody_in_is_told_but_not_refused() -> None:
    with redis_server.running() as server:
        report = checked(settings(server))
        outcome = report["redis.password"].outcome
        assert report.is_good
        assert isinstance(outcome, Passed)
        assert "without a password" in outcome.warnings[0]
        assert "not asked for" not in outcome.warnings[0]


def test_a_password_that_no_server_asks_for_is_told() -> None:
    """In 2016 only production had one, so nothing could show elsewhere that it was read wrongly."""
    with redis_server.running() as server:
        outcome = checked(settings(server, ASSAY_REDIS__PASSWORD="any"))["redis.password"].outcome
        assert isinstance(outcome, Passed)
        assert "may be wrong unnoticed" in outcome.warnings[0]


ACL: Final = {
    "all": "~* &* +@all -@admin -@dangerous +info",
    "no write": "~* &* +@all -@write",
    "no channels": "~* resetchannels +@all",
    "no scripts": "~* &* +@all -@scripting",
    "no streams": "~* &* +@all -@stream",
    "only scores": "~score:* &* +@all",
}


@pytest.mark.parametrize(
    ("rights", "bad"),
    [
        ("all", set()),
        ("no write", set(WAYS)),
        ("no channels", {"claims"}),
        ("no scripts", {"quotas", "claims"}),
        ("no streams", {"replies"}),
        ("only scores", set(WAYS) - {"scores"}),
    ],
)
def test_a_user_without_some_right_fails_just_there(rights: str, bad: set[str]) -> None:
    with redis_server.running(["--user", "assay", "on", f">{PASSWORD}", *ACL[rights].split()]) as server:
        report = checked(settings(server, ASSAY_REDIS__USERNAME="assay", ASSAY_REDIS__PASSWORD=PASSWORD))
        assert {name for name, good in outcomes(report).items() if not good} == bad
        for way in bad:
            outcome = report[f"redis.{way}"].outcome
            assert isinstance(outcome, Failed)
            assert "ACL SETUSER" in outcome.todo, (way, outcome)


def test_a_queue_of_its_own_is_reached_with_its_own_secret(guarded: RedisServer) -> None:
    with redis_server.running(["--requirepass", "other"], password="other") as other:
        given = {"ASSAY_REDIS__PASSWORD": PASSWORD, "ASSAY_QUEUE_REDIS__URL": other.url}
        good = checked(settings(guarded, **given, ASSAY_QUEUE_REDIS__PASSWORD="other"))
        assert good.is_good
        assert [result.name for result in good.results].count("redis.password") == 2
        bad = checked(settings(guarded, **given, ASSAY_QUEUE_REDIS__PASSWORD=PASSWORD))
        assert {name for name, is_good in outcomes(bad).items() if not is_good} == {
            "queue",
            "broker",
            "worker",
            "replies",
            "mode",
        }
        assert "under queue_redis" in bad["redis.queue"].outcome.todo  # type: ignore[union-attr]


def test_a_redis_that_is_away_says_what_to_do() -> None:
    report = checked(load(environment={"ASSAY_REDIS__URL": f"redis://127.0.0.1:{free_port()}/0"}))
    assert not any(outcomes(report).values())
    for result in report.results:
        assert "start that Redis" in result.outcome.todo or result.name == "redis.password"  # type: ignore[union-attr]


def test_a_full_redis_is_told_as_such(guarded: RedisServer) -> None:
    with redis_server.running(["--maxmemory", "100kb", "--maxmemory-policy", "noeviction"]) as server:
        report = checked(settings(server))
        assert "raise maxmemory" in report["redis.scores"].outcome.todo  # type: ignore[union-attr]


def test_a_redis_whose_disk_is_full_is_told_as_such_and_not_that_it_wants_a_password() -> None:
    with redis_server.running() as server, server.client() as client:
        (server.folder / "dump.rdb").mkdir()  # so that it cannot be written
        client.config_set("save", "3600 1")
        client.bgsave()
        until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        report = checked(settings(server))
    for name in ("redis.scores", "redis.worker", "redis.password"):
        outcome = report[name].outcome
        assert isinstance(outcome, Failed), name
        assert outcome.todo.startswith("make room on the disk of that Redis"), name


def test_a_database_that_is_not_there_is_told_as_such() -> None:
    with redis_server.running() as server:
        report = checked(load(environment={"ASSAY_REDIS__URL": server.url.replace("/0", "/99")}))
    assert not any(outcomes(report).values())
    assert "mend the database in redis.url" in report["redis.scores"].outcome.todo  # type: ignore[union-attr]


def test_a_replica_is_told_as_such(guarded: RedisServer) -> None:
    with redis_server.running(
        ["--replicaof", "127.0.0.1", str(guarded.port), "--masterauth", PASSWORD]
    ) as replica:
        report = checked(settings(replica))
        assert "replica" in report["redis.scores"].outcome.todo  # type: ignore[union-attr]


def test_a_cluster_is_told_as_such() -> None:
    """What each way meets there depends on where its key happens to lie: one check does not."""
    with redis_server.cluster() as masters:
        report = checked(settings(masters[0]))
        outcome = report["redis.mode"].outcome
        assert isinstance(outcome, Failed)
        assert "is a Redis Cluster" in outcome.said
        assert "set redis.url to a Redis or Valkey without cluster mode" in outcome.todo


def test_quotas_that_no_redis_counts_are_a_failure(
    guarded: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client works, the part on top of it does not: its own fallback must not hide that."""
    from assay.stores.quota import MemoryQuotas

    monkeypatch.setattr(parts, "shared_quotas", lambda settings, client, clock: MemoryQuotas(clock))
    report = checked(settings(guarded, ASSAY_REDIS__PASSWORD=PASSWORD))
    assert "by each process alone" in report["redis.quotas"].outcome.said


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "redis.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", str(path.with_suffix(".key")), "-out", str(path), "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return path


def test_tls_with_a_ca_of_ones_own(certificate: Path) -> None:
    tls_port = free_port()
    arguments = ["--tls-port", str(tls_port), "--tls-cert-file", str(certificate), "--requirepass", PASSWORD]
    arguments += ["--tls-key-file", str(certificate.with_suffix(".key")), "--tls-auth-clients", "no"]
    with redis_server.running(arguments, password=PASSWORD) as server:
        given = settings(server, ASSAY_REDIS__PASSWORD=PASSWORD)
        options = RedisOptions(
            f"rediss://127.0.0.1:{tls_port}/0", password=PASSWORD, tls_ca_file=str(certificate)
        )
        assert checked(replace(given, redis=options)).is_good
        stranger = checked(replace(given, redis=replace(options, tls_ca_file=None)))
        assert not any(outcomes(stranger)[way] for way in WAYS)
        assert "certificate verify failed" in stranger["redis.scores"].outcome.said.lower()


# -- one answer that is late ---------------------------------------------------------------------------


class Late:
    """Quotas whose `unheard`-th question is not answered in time, so that the process counts for itself."""

    def __init__(self, unheard: int) -> None:
        self._own = MemoryQuotas(SystemClock())
        self._unheard = unheard
        self._asked = 0

    async def enter(self, client: str, cost: int, limits: Limits) -> Lease | Exceeded:
        self._asked += 1
        if self._asked == self._unheard:
            return Lease(client, "counted here")
        entered = await self._own.enter(client, cost, limits)
        return replace(entered, shared=True) if isinstance(entered, Lease) else entered

    async def leave(self, lease: Lease) -> None:
        await self._own.leave(lease)

    async def aclose(self) -> None:
        await self._own.aclose()


@pytest.mark.parametrize("unheard", [1, 2, 3])
async def test_a_place_that_redis_gave_too_late_is_not_taken_for_a_second_one(unheard: int) -> None:
    await _count_a_client(Late(unheard), GuardOptions(rest_s=0))


async def test_quotas_that_redis_never_hears_of_are_told() -> None:
    with pytest.raises(_Broken, match="by each process alone"):
        await _count_a_client(MemoryQuotas(SystemClock()), GuardOptions(rest_s=0))


async def test_claims_are_tried_again_once_redis_is_asked_again(guarded: RedisServer) -> None:
    """After one answer that was late, Redis is left alone for a while: to try meanwhile is in vain."""
    options, clock = RedisOptions(guarded.url, password=PASSWORD), SystemClock()
    chosen = ClaimOptions(answer_timeout_s=20, rest_s=0.5)
    mine, other = (RedisClaims(connect(options), "r1", chosen, Metrics(), clock) for _ in range(2))
    other._rests_until_s = clock.monotonic_s() + chosen.rest_s
    await _claim(mine, other, chosen)
    await mine.aclose()
    await other.aclose()


LATE: Final = [("scores", b"MGET"), ("quotas", b"EVALSHA"), ("claims", b"\r\nNX\r\n")]
"""What serving asks of Redis, by way, and leaves alone for a while when it is not answered in time."""


def impatient(server: RedisServer, proxy: FaultProxy) -> Settings:
    """Of who leaves Redis alone for an hour after one answer that was late."""
    given = {"SHARED_STORE__FAILURES": "1", "SHARED_STORE__REST_S": "3600", "CLAIMS__REST_S": "3600"}
    given |= {"SHARED_STORE__ANSWER_TIMEOUT_S": "0.25", "CLAIMS__ANSWER_TIMEOUT_S": "0.25"}
    given |= {"REDIS__URL": f"redis://127.0.0.1:{proxy.port}/0", "REDIS__PASSWORD": PASSWORD}
    return settings(server, **{f"ASSAY_{name}": value for name, value in given.items()})


def check_of(way: str, settings: Settings) -> Check:
    group = Ways(settings, Metrics(), SystemClock()).group()
    return next(check for check in group.checks if check.name == way)


@pytest.mark.parametrize(("way", "command"), LATE)
async def test_one_late_answer_is_no_reason_to_wait_for_as_long_as_serving_rests(
    guarded: RedisServer, way: str, command: bytes
) -> None:
    with FaultProxy(guarded.port).running() as proxy:
        check = check_of(way, impatient(guarded, proxy))
        proxy.behave(Behaviour(silent_from=command))
        asked = asyncio.create_task(run([Group("redis", [check], "")], "r1"))
        await until_async(lambda: proxy.broken_off)
        proxy.behave(HEALTHY)
        assert outcomes(await asked) == {way: True}


@pytest.mark.parametrize(("way", "command"), LATE)
def test_answers_that_are_always_late_are_told_with_the_time_that_serving_gives_them(
    guarded: RedisServer, way: str, command: bytes
) -> None:
    with FaultProxy(guarded.port).running() as proxy:
        check = check_of(way, impatient(guarded, proxy))
        proxy.behave(Behaviour(silent_from=command))
        outcome = asyncio.run(run([Group("redis", [check], "")], "r1"))[f"redis.{way}"].outcome
    assert isinstance(outcome, Failed)
    assert "4 times not within 0.25 s" in outcome.said
    setting = "claims" if way == "claims" else "shared_store"
    assert outcome.todo.endswith(f"raise {setting}.answer_timeout_s")
