"""The units as they are, on a booted machine: roles start, come back, drain, and come up with the machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from deploy.files import DEPLOY
from servers.systemd import ASSAY, Machine, machine, units
from waiting import until

PASSWORD: Final = "a long random secret"
READY_LIMIT_S: Final = 90.0
ROLES: Final = ("assay-web@8080.service", "assay-worker@9101.service")
CONFIGURATION: Final = """
release = "1"
test_wiki = true
[redis]
url = "redis://127.0.0.1:6379/0"
[worker]
processes = 1
"""
REDIS: Final = f"""
[Service]
Type=notify
ExecStart=/usr/bin/redis-server --supervised systemd --requirepass "{PASSWORD}" --save "" --dir /tmp
"""


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    files = {
        **units(DEPLOY / "systemd"),
        "/etc/assay/assay.toml": CONFIGURATION,
        "/etc/assay/redis-password": f"{PASSWORD}\n",
        "/etc/systemd/system/redis-server.service": REDIS,
    }
    with machine(tmp_path_factory.mktemp("machine"), files) as started:
        started.run("systemctl", "start", "redis-server")
        started.run("systemctl", "enable", "--now", *ROLES)
        until_ready(started)
        yield started


def until_ready(booted: Machine) -> None:
    def is_ready() -> bool:
        return '"ready":true' in booted.run("curl", "-s", "127.0.0.1:8080/readyz", check=False)

    until(is_ready, READY_LIMIT_S, lambda: booted.run("journalctl", "--no-pager", "--lines=40"))


def test_both_roles_run_as_nobody_else_and_log_into_the_journal(booted: Machine) -> None:
    for unit in ROLES:
        main = booted.shown(unit, "MainPID")
        assert int(booted.run("stat", "--format=%u", f"/proc/{main}")) >= 61184  # a dynamic user
        journal = booted.run("journalctl", f"--unit={unit}", "--output=cat", "--no-pager")
        assert "SecurityWarning" not in journal
        assert PASSWORD not in journal
        events = [json.loads(line)["event"] for line in journal.splitlines() if line.startswith("{")]
        assert any("startup complete" in event or "ready" in event for event in events)


def test_they_come_up_with_the_machine(booted: Machine) -> None:
    wanted = booted.shown("multi-user.target", "Wants").split()
    assert "assay.target" in wanted
    assert set(ROLES) <= set(booted.shown("assay.target", "Wants").split())


def test_preflight_as_the_how_to_runs_it_is_good(booted: Machine) -> None:
    run = f"ASSAY_REDIS__PASSWORD_FILE=$CREDENTIALS_DIRECTORY/redis-password exec {ASSAY} preflight "
    run += "--config /etc/assay/assay.toml --url http://127.0.0.1:8080 --without-golden --json"
    properties = ("DynamicUser=yes", "CacheDirectory=assay-preflight", "LimitNOFILE=8192")
    options = [word for one in properties for word in ("-p", one)]
    credential = ["-p", "LoadCredential=redis-password:/etc/assay/redis-password"]
    told = booted.run(
        "systemd-run", "--quiet", "--wait", "--pipe", *options, *credential, "sh", "-c", run, check=False
    )
    assert "{" in told, told
    report = json.loads(told[told.index("{\n") : told.rindex("}") + 1])
    failed = [check for check in report["checks"] if check["outcome"] not in ("passed", "waived")]
    assert failed == []


@pytest.mark.parametrize("unit", ROLES)
def test_what_is_killed_comes_back(booted: Machine, unit: str) -> None:
    before = int(booted.shown(unit, "NRestarts"))
    booted.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", unit)
    until(lambda: int(booted.shown(unit, "NRestarts")) == before + 1, READY_LIMIT_S)
    until_ready(booted)


def test_the_target_stops_all_in_an_orderly_way_and_starts_all(booted: Machine) -> None:
    booted.run("systemctl", "stop", "assay.target")
    for unit in ROLES:
        assert (booted.shown(unit, "ActiveState"), booted.shown(unit, "Result")) == ("inactive", "success")
    booted.run("systemctl", "start", "assay.target")
    until_ready(booted)


def test_one_machine_needs_no_redis(booted: Machine) -> None:
    booted.run("systemctl", "stop", "assay.target", "redis-server")
    booted.run("mv", "/etc/assay/redis-password", "/etc/assay/away")
    try:
        booted.run("systemctl", "start", "assay-serve")
        until_ready(booted)
        booted.run("systemctl", "stop", "assay-serve")
        assert booted.shown("assay-serve", "Result") == "success"
    finally:
        booted.run("mv", "/etc/assay/away", "/etc/assay/redis-password")
        booted.run("systemctl", "start", "redis-server")
