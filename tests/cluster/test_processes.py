"""The process helper itself: what it starts is told apart, and gone afterwards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from servers.processes import Ended, Process, anonymous_bytes, children, running
from waiting import until

PARENT = """
import os, signal, time
for _ in range(2):
    if os.fork() == 0:
        signal.pause()
print("forked", flush=True)
signal.pause()
"""


def _is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_children_are_found_and_end_with_the_process(tmp_path: Path) -> None:
    with running(Process("parent", [sys.executable, "-c", PARENT], tmp_path, {})) as parent:
        parent.until(lambda: "forked" in parent.text(), 30)
        pids = parent.children()
        assert len(pids) == 2
        assert children(pids[0]) == []
        assert anonymous_bytes(parent.pid) > 0
    for pid in (parent.pid, *pids):
        until(lambda pid=pid: _is_gone(pid), 10)  # type: ignore[misc]


def test_a_killed_parent_leaves_its_children_to_be_seen(tmp_path: Path) -> None:
    with running(Process("parent", [sys.executable, "-c", PARENT], tmp_path, {})) as parent:
        parent.until(lambda: "forked" in parent.text(), 30)
        pids = parent.children()
        parent.kill()
        assert not parent.is_running
        assert not any(_is_gone(pid) for pid in pids)
    for pid in pids:
        until(lambda pid=pid: _is_gone(pid), 10)  # type: ignore[misc]


def test_waiting_for_what_ended_tells_its_log(tmp_path: Path) -> None:
    crash = [sys.executable, "-c", "raise SystemExit('no such setting')"]
    with running(Process("crash", crash, tmp_path, {})) as process, pytest.raises(Ended, match="no such"):
        process.until(lambda: False, 30)


def test_waiting_has_a_limit_and_tells_the_log(tmp_path: Path) -> None:
    with running(Process("parent", [sys.executable, "-c", PARENT], tmp_path, {})) as parent:
        parent.until(lambda: "forked" in parent.text(), 30)
        with pytest.raises(TimeoutError, match="forked"):
            parent.until(lambda: False, 0.0)
