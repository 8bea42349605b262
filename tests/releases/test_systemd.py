"""A slot's services on a booted machine, with the units that deploy/ has."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from assay.errors import ConfigurationError, ReleaseError
from assay.releases import systemd
from assay.releases.systemd import Systemd, target
from servers.systemd import Machine, machine, units
from shared_data import ROOT
from waiting import until

SERVICES: Final = ["assay-slot-web@blue.service", "assay-slot-worker@blue.service"]
DRAINS: Final = "#!/bin/sh\ntrap 'sleep 1; echo drained; exit 0' TERM\nwhile :; do sleep 0.1; done\n"
FAILS: Final = "#!/bin/sh\necho the bundles are gone >&2\nexit 3\n"


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    ports = "WEB_PORT=8081\nWORKER_METRICS_PORT=9101\n"
    files = {
        **units(ROOT / "deploy" / "systemd"),
        "/etc/assay/redis-password": "secret",
        **{f"/etc/assay/slots/{slot}.env": ports for slot in ("blue", "green", "red")},
        "/var/lib/assay/slots/blue/bin/assay": DRAINS,
        "/var/lib/assay/slots/green/bin/assay": FAILS,
    }
    with machine(tmp_path_factory.mktemp("machine"), files) as started:
        yield started


@pytest.fixture
def services(booted: Machine, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    """Its systemctl is that machine's."""
    run = systemd._run

    def there(command: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[str] | None:
        return run([*booted.prefix(), *command], limit_s)

    monkeypatch.setattr(systemd, "_run", there)
    return Systemd()


def states(booted: Machine) -> dict[str, Any]:
    return {name: booted.shown(name, "ActiveState") for name in SERVICES}


def test_a_slot_is_restarted_and_seen_to_live(services: Systemd, booted: Machine) -> None:
    services.check_group("blue")
    assert services.restart("blue", 30.0) == SERVICES
    first = services.started("blue")
    assert list(first) == SERVICES
    services.check_lives("blue", first)
    assert services.restart("blue", 30.0) == SERVICES
    second = services.started("blue")
    assert all(second[name] > first[name] for name in SERVICES)
    assert services.start_ended("blue", 30.0) == []
    with pytest.raises(ReleaseError, match="ended after the start"):
        services.check_lives("blue", first)
    assert states(booted) == dict.fromkeys(SERVICES, "active")


def test_a_rollback_ends_the_slot_and_waits_until_it_has_drained(services: Systemd, booted: Machine) -> None:
    services.start_ended("blue", 30.0)
    assert services.stop("blue", 30.0) == SERVICES
    assert states(booted) == dict.fromkeys(SERVICES, "inactive")
    for name in SERVICES:
        assert "drained" in booted.run("journalctl", f"--unit={name}", "--output=cat", "--no-pager")
    assert services.stop("blue", 30.0) == []
    assert services.start_ended("blue", 30.0) == SERVICES


def test_what_ends_by_itself_is_told_with_its_last_words(services: Systemd, booted: Machine) -> None:
    web = "assay-slot-web@green.service"
    booted.run("systemctl", "start", "--no-block", web)
    until(lambda: int(booted.shown(web, "NRestarts")) > 0, 30.0)
    with pytest.raises(ReleaseError, match="the bundles are gone"):
        services.check_lives("green", {web: 1})


def test_an_entry_without_a_message_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a journal may hold them; `check_lives` must tell its own finding in any case."""
    journal = (
        '{"_PID": "7", "MESSAGE": "the bundles are gone"}\n{"_PID": "7"}\n{"_PID": "7", "MESSAGE": [1]}\n'
    )

    def answers(command: Sequence[str], _: float) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, journal if command[0] == "journalctl" else "inactive\n", "")

    monkeypatch.setattr(systemd, "_run", answers)
    with pytest.raises(ReleaseError, match="ended after the start: the bundles are gone"):
        Systemd().check_lives("blue", {"assay-slot-web@blue.service": 1})


def test_a_slot_without_a_release_is_not_run(services: Systemd, booted: Machine) -> None:
    booted.run("systemctl", "start", target("red"))
    assert booted.shown("assay-slot-web@red.service", "ConditionResult") == "no"
    with pytest.raises(ReleaseError, match="did not start"):
        services.restart("red", 30.0)


def test_a_machine_without_the_units_is_told(services: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "target", lambda slot: f"other@{slot}.target")
    with pytest.raises(ConfigurationError, match="install the units"):
        services.check_group("blue")
    monkeypatch.setattr(systemd, "_run", lambda *_: subprocess.CompletedProcess([], 1, "", "no bus"))
    with pytest.raises(ConfigurationError, match="cannot be asked"):
        services.check_group("blue")
