"""Files, memory, disk, port and clocks, on this machine and on made-up ones."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.clock import FakeClock, SystemClock
from assay.errors import BundleError
from assay.preflight.bundles import Loaded
from assay.preflight.check import Failed, Group, Outcome, Passed, run
from assay.preflight.machine import (
    Machine,
    available_bytes,
    files_needed,
    held_bytes,
    memory_needed,
    skew,
)
from assay.settings import ServerSettings, Settings, load
from servers import redis as redis_server
from servers.asgi import serving
from servers.processes import Process, running
from servers.redis import free_port
from small_app import SmallApp

MIB = 1024 * 1024


async def loaded() -> Loaded:
    return Loaded(7, 1.0, 300 * MIB, 50 * MIB, {})


def machine(settings: Settings | None = None, *, workers: int = 1, **more: Any) -> Machine:
    given: Mapping[str, Any] = {
        "loaded": loaded,
        "clock": SystemClock(),
        "available_bytes": lambda: 1024 * MIB,
    }
    return Machine(settings or load(environment={}), workers=workers, **{**given, **more})


def with_processes(count: int) -> Settings:
    return load(environment={"ASSAY_WORKER__PROCESSES": str(count), "ASSAY_RELEASE": "nobody-runs-this"})


# -- memory


def test_workers_share_nothing_and_their_processes_what_was_loaded() -> None:
    assert memory_needed(300, 50, processes=4, workers=2) == 2 * (300 + 4 * 50)


@pytest.mark.parametrize(
    ("processes", "workers", "good"),
    [(8, 1, True), (9, 1, True), (10, 1, False), (2, 1, True), (2, 2, False)],
)
def test_memory_is_what_loading_took(processes: int, workers: int, good: bool) -> None:
    """1024 MiB, of which 256 are left alone: 768 = 300 + 9.36 * 50."""
    outcome = asyncio.run(machine(with_processes(processes), workers=workers).memory())
    assert isinstance(outcome, Passed) is good
    assert f"{workers * (300 + processes * 50)} MiB needed" in outcome.said
    assert good or "lower worker.processes" in outcome.todo  # type: ignore[union-attr]


def test_memory_of_bundles_that_do_not_load_is_not_known() -> None:
    async def broken() -> Loaded:
        raise BundleError("trees.txt was altered")

    assert "trees.txt was altered" in asyncio.run(machine(loaded=broken).memory()).said


def test_a_system_that_does_not_tell_its_memory_fails() -> None:
    assert isinstance(asyncio.run(machine(available_bytes=lambda: None).memory()), Failed)


def test_this_system_tells_its_memory() -> None:
    told = available_bytes()
    assert told is not None
    assert 16 * MIB < told < 2**50


def test_memory_that_the_releases_own_workers_hold_counts_as_given(tmp_path: Path) -> None:
    """A process that only looks like a worker: what counts is its command line and its release."""
    code = "import signal; data = bytearray(64 * 1024 * 1024); print('held', flush=True); signal.pause()"
    process = Process("w", [sys.executable, "-c", code, "worker"], tmp_path, {"ASSAY_RELEASE": "held-1"})
    with running(process):
        process.until(lambda: "held" in process.text(), 30)
        assert 64 * MIB < held_bytes("held-1") < 200 * MIB
        assert held_bytes("held-2") == 0
        for release, good in (("held-1", True), ("held-2", False)):  # 32 MiB are missing without it
            settings = load(environment={"ASSAY_WORKER__PROCESSES": "10", "ASSAY_RELEASE": release})
            assert isinstance(asyncio.run(machine(settings).memory()), Passed) is good


# -- open files


def test_files_count_every_connection_that_may_be_open() -> None:
    settings = load(environment={"ASSAY_HTTP__MAX_CONNECTIONS": "1000", "ASSAY_REDIS__MAX_CONNECTIONS": "10"})
    more = replace(settings, http=replace(settings.http, max_connections=1001))
    assert files_needed(settings) == 1000 + 5 * 10 + 64
    assert files_needed(more) == files_needed(settings) + 1


def test_a_low_limit_of_open_files_is_told_with_the_number_to_set() -> None:
    code = """
import asyncio, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096))
from preflight.test_machine import machine
outcome = asyncio.run(machine().files())
print(type(outcome).__name__, outcome.said, outcome.todo, sep='\\n')
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    kind, said, todo = done.stdout.splitlines()
    assert kind == "Failed"
    assert said.startswith("256 files may be open, a web process needs up to 2384")
    assert "LimitNOFILE=2384" in todo


# -- disk


def test_a_disk_with_room_passes(tmp_path: Path) -> None:
    settings = load(environment={"ASSAY_CACHE_DIR": str(tmp_path / "not" / "made" / "yet")})
    assert isinstance(asyncio.run(machine(settings).disk()), Passed)
    assert not (tmp_path / "not").exists()


def test_an_index_still_to_be_built_needs_room(tmp_path: Path) -> None:
    dump = tmp_path / "wiki.xml"
    with dump.open("wb") as file:
        file.truncate(2**43)  # sparse: no byte of it is on the disk
    wikis = json.dumps({"enwiki": {"source": str(dump)}})
    settings = load(environment={"ASSAY_CACHE_DIR": str(tmp_path), "ASSAY_WIKIS": wikis})
    outcome = asyncio.run(machine(settings).disk())
    assert isinstance(outcome, Failed)
    assert "make room" in outcome.todo
    (tmp_path / "wiki.xml.index.sqlite").touch()
    assert isinstance(asyncio.run(machine(settings).disk()), Passed)


def test_a_disk_that_does_not_answer_keeps_no_other_check_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the disk of a file server that is away."""
    answers = threading.Event()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: answers.wait(20))
    own = machine(load(environment={"ASSAY_CACHE_DIR": str(tmp_path)}))
    checks = [replace(check, limit_s=0.2) for check in own.group().checks if check.name == "disk"]
    try:
        outcome = asyncio.run(run([Group("machine", checks, "")], "r1"))["machine.disk"].outcome
        assert outcome == Failed("no outcome within 0.2 s", "see that the folder's disk answers")
        assert not answers.is_set()
    finally:
        answers.set()


# -- port


def at(port: int, release: str = "r1") -> Machine:
    settings = load(environment={"ASSAY_RELEASE": release})
    return machine(replace(settings, server=ServerSettings(port=port)))


def port_of(own: Machine) -> Outcome:
    return asyncio.run(own.port())


def test_a_free_port_passes_and_is_free_afterwards() -> None:
    port = free_port()
    assert port_of(at(port)) == Passed("free")
    assert port_of(at(port)) == Passed("free")
    assert isinstance(port_of(at(0)), Passed)


def test_a_port_that_a_stranger_has_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        outcome = port_of(at(stranger.getsockname()[1]))
    assert isinstance(outcome, Failed)
    assert "something that names no release" in outcome.said


def test_a_port_that_this_release_has_passes_and_another_one_fails() -> None:
    with serving(SmallApp().build().asgi) as served:  # of release dev
        assert port_of(at(served.port, "dev")) == Passed("taken by a web process of this release")
        outcome = port_of(at(served.port, "r2"))
    assert isinstance(outcome, Failed)
    assert "there answers dev" in outcome.said


def test_an_address_that_is_not_this_machines_is_told_as_one() -> None:
    for host, reason in (("192.0.2.1", "Cannot assign requested address"), ("no.invalid", "")):
        settings = replace(load(environment={}), server=ServerSettings(host, free_port()))
        outcome = port_of(machine(settings))
        assert isinstance(outcome, Failed)
        assert outcome.said.startswith(f"cannot listen on {host} port {settings.server.port}: ")
        assert reason in outcome.said
        assert "Unknown error" not in outcome.said, "resolvers have numbers of their own"
        assert outcome.said.endswith("give a server.host that is an address of this machine")


# -- clocks


@pytest.mark.parametrize(
    ("told_s", "off_s"), [(10.0, 0.0), (10.9, 0.0), (14.0, 0.0), (9.5, -0.5), (16.0, 2.0)]
)
def test_a_slow_answer_is_no_wrong_clock(told_s: float, off_s: float) -> None:
    assert skew(10.0, told_s, 14.0) == off_s


class Ahead(FakeClock):
    """So many seconds before the machine's."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def now(self) -> Any:
        return SystemClock().now() + timedelta(seconds=self._seconds)


@pytest.mark.parametrize(
    ("ahead_s", "good"), [(0, True), (1.5, True), (-1.5, True), (3, False), (-60, False)]
)
def test_rediss_clock_must_be_ours(ahead_s: float, good: bool) -> None:
    with redis_server.running() as server:
        settings = load(environment={"ASSAY_REDIS__URL": server.url})
        outcome = asyncio.run(machine(settings, clock=Ahead(ahead_s)).clock_of_redis())
    assert isinstance(outcome, Passed) is good
    assert good or "chrony" in outcome.todo  # type: ignore[union-attr]


def test_a_redis_that_is_away_tells_no_time() -> None:
    settings = load(environment={"ASSAY_REDIS__URL": f"redis://127.0.0.1:{free_port()}/0"})
    outcome = asyncio.run(machine(settings).clock_of_redis())
    assert isinstance(outcome, Failed)
    assert outcome.said.startswith("Redis does not tell its time: ")
    assert outcome.todo == "mend what the redis checks say"
