"""A booted machine is gone when its block ends."""

from __future__ import annotations

from pathlib import Path

from servers.systemd import machine
from waiting import until


def test_neither_its_processes_nor_its_mounts_stay(tmp_path: Path) -> None:
    with machine(tmp_path, {"/etc/here": "yes"}) as booted:
        assert booted.run("cat", "/etc/here") == "yes"
        leader = booted.leader()
        assert Path(f"/proc/{leader}/comm").read_text() == "systemd\n"
    until(lambda: not Path(f"/proc/{leader}").exists(), 30.0, lambda: "it still runs")
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
