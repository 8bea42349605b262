"""Commands on nodes: real processes, and what they say when they fail."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from assay.errors import ConfigurationError, FleetError
from assay.rollout.control.fleet import (
    MAX_KEPT_BYTES,
    NodeFleet,
    ProcessRunner,
    Ran,
    activation,
    preflight,
    preflight_faults,
    stopping,
    there,
)
from assay.rollout.options import DataCentreSettings, NodeSettings
from waiting import until_async

RELEASE = "spring-0123456789ab"


def script(folder: Path, text: str) -> list[str]:
    """A command that runs some Python."""
    path = folder / "script.py"
    path.write_text(text)
    return [sys.executable, str(path)]


async def test_a_command_is_told_with_its_end(tmp_path: Path) -> None:
    command = script(tmp_path, "import sys; print('out'); print('bad', file=sys.stderr); sys.exit(3)")
    ran = await ProcessRunner().run("web1", command, 30.0)
    assert (ran.status, ran.stdout, ran.stderr) == (3, "out\n", "bad\n")
    assert ran.last_lines() == "bad"


async def test_output_is_kept_to_a_bound_and_its_end_counts(tmp_path: Path) -> None:
    command = script(tmp_path, f"print('x' * {3 * MAX_KEPT_BYTES}); print('the end')")
    ran = await ProcessRunner().run("web1", command, 60.0)
    assert len(ran.stdout) == MAX_KEPT_BYTES
    assert ran.last_lines().endswith("the end")
    assert len(ran.last_lines()) <= 600


async def test_a_command_that_takes_too_long_ends_with_its_children(tmp_path: Path) -> None:
    child = "import os, signal; open('child', 'w').write(str(os.getpid())); signal.pause()"
    text = f"import os, signal, subprocess, sys, time\nos.chdir({str(tmp_path)!r})\n"
    text += f"subprocess.Popen([sys.executable, '-c', {child!r}])\n"
    text += "while not (os.path.exists('child') and open('child').read()): time.sleep(0.01)\n"
    text += "print('waiting', flush=True)\nsignal.pause()"
    ran = await ProcessRunner().run("web1", script(tmp_path, text), 3.0)
    assert (ran.status, ran.stdout) == (None, "waiting\n")
    pid = int((tmp_path / "child").read_text())
    await until_async(lambda: _state(pid) in ("", "Z"))


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


async def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(FleetError, match=r"Node web1: /no/such/program cannot be run: No such file"):
        await ProcessRunner().run("web1", ["/no/such/program"], 1.0)


@pytest.mark.parametrize("word", ["a b", "$(reboot)", "a;b", "a\nb", "`id`", "", "a|b", "*", "é", "a'b", "~"])
async def test_no_word_can_mean_more_to_a_nodes_shell(word: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot stand in a node's command"):
        await ProcessRunner().run("web1", ["ssh", "web1", word], 1.0)


def test_commands_name_release_slot_and_addresses() -> None:
    node = NodeSettings(
        ("ssh", "web1"),
        root="/srv/assay",
        supervisor="unix:///run/s.sock",
        urls={"green": ("http://10.0.0.1:8091",)},
    )
    assert activation(node, "green", RELEASE, 300) == [
        *("assay", "release", "activate", RELEASE, "--slot", "green"),
        *("--root", "/srv/assay", "--timeout", "300", "--supervisor", "unix:///run/s.sock"),
        *("--wait-url", "http://10.0.0.1:8091"),
    ]
    assert preflight(node, "green") == [
        *("/srv/assay/slots/green/bin/assay", "preflight", "--json"),
        *("--url", "http://10.0.0.1:8091"),
    ]
    assert stopping("web1", node, "green", 390) == [
        *("assay", "release", "stop", "--slot", "green", "--root", "/srv/assay", "--timeout", "390"),
        *("--supervisor", "unix:///run/s.sock"),
    ]
    assert there(node, ["assay", "x"], 60) == [
        *("ssh", "web1", "timeout", "--kill-after=5", "60", "assay", "x")
    ]
    assert there(replace(node, prefix=()), ["assay", "x"], 60) == ["assay", "x"]
    guarded = replace(node, supervisor_user="assay", supervisor_password_file="/etc/assay/supervisor")
    account = ("--supervisor-user", "assay", "--supervisor-password-file", "/etc/assay/supervisor")
    assert stopping("web1", guarded, "green", 390)[-4:] == [*account]
    assert activation(guarded, "green", RELEASE, 300)[-6:-2] == [*account]
    by_systemd = NodeSettings(("ssh", "web1"), supervisor="systemd")
    assert activation(by_systemd, "green", RELEASE, 300)[-2:] == ["--supervisor", "systemd"]
    assert stopping("web1", by_systemd, "green", 390)[-2:] == ["--supervisor", "systemd"]
    by_a_script = NodeSettings(supervisor="systemd", stop=("/usr/local/bin/end-slot", "{slot}"))
    assert stopping("web1", by_a_script, "green", 390) == ["/usr/local/bin/end-slot", "green"]
    with pytest.raises(FleetError, match="Node web1: set `supervisor` or `stop`"):
        stopping("web1", NodeSettings(), "green", 390)


class FakeRunner:
    """Answers by the words of a command; notes which were running at once."""

    def __init__(self, outcomes: dict[str, Ran | Exception]) -> None:
        self._outcomes = outcomes
        self.running = self.most = 0
        self.commands: list[tuple[str, ...]] = []

    async def run(self, node: str, command: Sequence[str], limit_s: float) -> Ran:
        self.commands.append(tuple(command))
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        step = "preflight" if "preflight" in command else "stop" if "stop" in command else "activate"
        outcome = self._outcomes.get(f"{node} {step}") or done()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def done(status: int | None = 0, stdout: str = "", stderr: str = "") -> Ran:
    return Ran(status, stdout, stderr, 0.1)


def fleet(**outcomes: Ran | Exception) -> tuple[NodeFleet, FakeRunner]:
    nodes = {name: NodeSettings(("ssh", name), stop=("stop", "{slot}")) for name in ("web1", "web2")}
    runner = FakeRunner({name.replace("_", " "): outcome for name, outcome in outcomes.items()})
    centre = DataCentreSettings("/sock", "http://127.0.0.1", {}, nodes)
    return NodeFleet({"one": centre}, deploy_limit_s=300, runner=runner), runner


async def test_all_nodes_are_told_at_once() -> None:
    nodes, runner = fleet()
    await nodes.deploy("one", "green", RELEASE)
    assert runner.most == 2
    assert len(runner.commands) == 4
    await nodes.retire("one", "green")
    limited = ("timeout", "--kill-after=5", "100", "stop", "green")
    assert runner.commands[-2:] == [("ssh", "web1", *limited), ("ssh", "web2", *limited)]


async def test_a_defect_of_ours_deploys_nothing() -> None:
    """It must not pass for a node that is ready."""
    nodes, _ = fleet(web2_activate=ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        await nodes.deploy("one", "green", RELEASE)


def test_what_the_operator_waived_is_no_fault() -> None:
    checks = [
        {"outcome": outcome, "check": outcome, "subject": "x", "said": "so", "todo": ""}
        for outcome in ("passed", "waived", "skipped", "failed")
    ]
    told = preflight_faults(orjson.dumps({"checks": checks}).decode())
    assert told == "skipped x: so; failed x: so"


async def test_a_node_that_may_be_at_work_is_waited_for_as_long_as_that_may_take() -> None:
    """A script of the operator's own has its own limit."""
    centre = DataCentreSettings(
        "/sock", "", {}, {"web1": NodeSettings(("ssh", "web1"), supervisor="systemd")}
    )
    runner = FakeRunner({})
    await NodeFleet({"one": centre}, deploy_limit_s=300, runner=runner).retire("one", "green")
    (command,) = runner.commands
    assert command[:5] == ("ssh", "web1", "timeout", "--kill-after=5", "400")
    assert command[command.index("--timeout") :][:2] == ("--timeout", "390")


async def test_nodes_that_fail_are_named_and_the_others_finish() -> None:
    nodes, runner = fleet(web1_activate=done(1, stderr="a\nstale store\n"))
    with pytest.raises(FleetError, match=r"^Node web1: exit status 1: a / stale store\.$"):
        await nodes.deploy("one", "green", RELEASE)
    assert next(command for command in runner.commands if "preflight" in command)[:2] == ("ssh", "web2")
    nodes, _ = fleet(web1_activate=done(None), web2_activate=FleetError("Node web2: gone."))
    with pytest.raises(
        FleetError, match=r"Node web1: not done within 310 s: it said nothing. Node web2: gone."
    ):
        await nodes.deploy("one", "green", RELEASE)
    nodes, _ = fleet(web2_stop=done(137, "Killed"))  # long before its limit
    with pytest.raises(FleetError, match="Node web2: exit status 137: Killed"):
        await nodes.retire("one", "green")
    nodes, _ = fleet(web2_stop=done(7, "still there"))
    with pytest.raises(FleetError, match="Node web2: exit status 7: still there"):
        await nodes.retire("one", "green")


async def test_what_a_preflight_found_is_told_with_what_to_do() -> None:
    checks = [
        {
            "check": "redis.claims",
            "subject": "r:6379",
            "outcome": "failed",
            "said": "no AUTH",
            "todo": "Mend it.",
        },
        {"check": "wikis", "subject": "enwiki", "outcome": "passed", "said": "", "todo": ""},
    ]
    report = orjson.dumps({"version": 1, "ok": False, "checks": checks}).decode()
    nodes, _ = fleet(web1_preflight=done(1, report))
    with pytest.raises(FleetError, match=r"preflight failed: redis\.claims r:6379: no AUTH Mend it"):
        await nodes.deploy("one", "green", RELEASE)
    nodes, _ = fleet(web1_preflight=done(1, "no json", "Traceback"))
    with pytest.raises(FleetError, match="preflight failed: Traceback"):
        await nodes.deploy("one", "green", RELEASE)
    nodes, _ = fleet(web1_preflight=done(None))
    with pytest.raises(FleetError, match="preflight took more than 120 s"):
        await nodes.deploy("one", "green", RELEASE)


async def test_a_data_centre_without_nodes_is_this_machine() -> None:
    runner = FakeRunner({})
    centre = DataCentreSettings("/sock", "http://127.0.0.1", {})
    await NodeFleet({"one": centre}, deploy_limit_s=300, runner=runner).deploy("one", "green", RELEASE)
    assert [command[0] for command in runner.commands] == ["assay", "/var/lib/assay/slots/green/bin/assay"]


def test_a_supervisors_password_must_not_stand_in_the_list_of_processes() -> None:
    with pytest.raises(ValueError, match="supervisor_password_file"):
        NodeSettings(supervisor="http://assay:secret@127.0.0.1:9001")
