"""Nodes behind a real sshd: releases are activated, proved and stopped there; every failure is told."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from assay.errors import FleetError
from assay.releases.activate import wait_for_release
from assay.releases.folder_store import FolderStore
from assay.releases.root import Root
from assay.releases.slots import pointed
from assay.releases.transfer import publish
from assay.rollout.control import fleet as fleets
from assay.rollout.control.fleet import NodeFleet, ProcessRunner, Ran
from assay.rollout.options import DataCentreSettings, NodeSettings
from releases.small_release import small_release
from servers.redis import free_port
from servers.sshd import Sshd, sshd
from servers.supervisord import supervisord
from shared_data import ROOT
from waiting import until

SLOT = "green"


def operators_prefix() -> tuple[list[str], list[str]]:
    """What the manual tells operators to write between ssh and the host, and after the host."""
    manual = (ROOT / "docs" / "how-to" / "rollout.md").read_text()
    (told,) = re.findall(r"```toml\n(# rollout\.toml\n.+?)```", manual, re.DOTALL)
    nodes = tomllib.loads(told)["rollout"]["data_centres"]["eqiad"]["nodes"]
    ssh, *words = nodes["web1"]["prefix"]
    assert ssh == "ssh"
    host = words.index("web1")
    return words[:host], words[host + 1 :]


def operators_options() -> list[str]:
    return operators_prefix()[0]


class Recording(ProcessRunner):
    """Keeps what the commands told."""

    def __init__(self) -> None:
        self.ran: list[Ran] = []

    async def run(self, node: str, command: Sequence[str], limit_s: float) -> Ran:
        self.ran.append(await super().run(node, command, limit_s))
        return self.ran[-1]


@dataclass(frozen=True)
class Web:
    """A machine with sshd and a supervisor that asks for a password. `releases`: in its store, two."""

    ssh: Sshd
    root: Root
    node: NodeSettings
    url: str
    releases: tuple[str, str]
    runner: Recording = field(default_factory=Recording)

    def fleet(self, node: NodeSettings | None = None, limit_s: float = 120.0) -> NodeFleet:
        centre = DataCentreSettings("/sock", "http://127.0.0.1", {}, {"web1": node or self.node})
        return NodeFleet({"one": centre}, deploy_limit_s=limit_s, runner=self.runner)

    def reached_by(self, *prefix: str) -> NodeFleet:
        return self.fleet(replace(self.node, prefix=prefix))


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with tempfile.TemporaryDirectory(prefix="ssh") as short, contextlib.ExitStack() as stack:
        folder = Path(short)
        (folder / "sshd").mkdir()
        server = stack.enter_context(sshd(folder / "sshd"))
        root, store, port = Root(folder / "root"), FolderStore(folder / "store"), free_port()
        root.path.mkdir()
        (root.path / "node.toml").write_text(f'[releases]\nstore = "{store.folder}"\n')
        releases = []
        for name in ("first", "second"):
            made = small_release(folder, name, ballast=name.encode())
            publish(made, store)
            releases.append(made.name)
        program = [str(root.path / "slots" / SLOT / "bin" / "assay"), "web", str(port)]
        at, _ = stack.enter_context(
            supervisord(folder, SLOT, {"web-0": program}, account=("assay", "geheim 7"))
        )
        url = f"http://127.0.0.1:{port}"
        options, there = operators_prefix()
        (folder / "redis-password").write_text("geheim")
        node = NodeSettings(
            prefix=(*server.prefix(*options), *(word.replace("/etc/assay", short) for word in there)),
            assay=(sys.executable, "-m", "assay.cli"),
            root=str(root.path),
            supervisor=at.url,
            supervisor_user=at.user,
            supervisor_password_file=at.password_file,
            urls={SLOT: (url,)},
        )
        yield Web(server, root, node, url, (releases[0], releases[1]))


async def test_a_release_is_activated_proved_replaced_and_stopped(web: Web) -> None:
    fleet = web.fleet()
    for release in web.releases:
        await fleet.deploy("one", SLOT, release)
        assert pointed(web.root, SLOT) == release
        wait_for_release(web.url, release, time.monotonic() + 5)
    activated, proved = web.runner.ran[-2:]
    assert f"pointed {SLOT} to {web.releases[1]} (before: {web.releases[0]})" in activated.stdout
    assert "restarted web-0" in activated.stdout
    assert proved.stdout.startswith(web.releases[1])  # what a small release says to any command
    await fleet.deploy("one", SLOT, web.releases[1])
    assert "nothing to do" in web.runner.ran[-2].stdout
    for told in ("stopped web-0\n", f"nothing of {SLOT} runs: nothing to do\n"):
        await fleet.retire("one", SLOT)
        assert web.runner.ran[-1].stdout == told
    with contextlib.closing(socket.socket()) as client:
        assert client.connect_ex(("127.0.0.1", int(web.url.rpartition(":")[2]))) != 0


async def test_a_command_is_told_where_the_nodes_secrets_lie(web: Web) -> None:
    """After the host stands ``env``, and after that the command's limit."""
    fleet = web.fleet(replace(web.node, stop=("printenv", "ASSAY_REDIS__PASSWORD_FILE")))
    await fleet.retire("one", SLOT)
    assert web.runner.ran[-1].stdout == f"{web.root.path.parent / 'redis-password'}\n"


async def test_what_a_node_says_of_its_failure_is_told(web: Web) -> None:
    with pytest.raises(FleetError, match=r"Node web1: exit status 1: assay: .*none-0123456789ab"):
        await web.fleet().deploy("one", SLOT, "none-0123456789ab")
    node = replace(web.node, supervisor_password_file=str(web.ssh.folder / "sshd_config"))
    with pytest.raises(FleetError, match="holds no password"):
        await web.fleet(node).retire("one", SLOT)
    node = replace(web.node, assay=("/nowhere/assay",))
    with pytest.raises(FleetError, match=r"exit status 127: .*/nowhere/assay.*No such file"):
        await web.fleet(node).retire("one", SLOT)


async def test_a_host_with_another_key_is_not_believed(web: Web) -> None:
    with pytest.raises(FleetError, match=r"Node web1: exit status 255: .*Host key verification failed"):
        await web.reached_by(*web.ssh.prefix(*operators_options(), known="other_hosts")).retire("one", SLOT)


async def test_a_key_that_the_host_does_not_know_is_told(web: Web) -> None:
    with pytest.raises(FleetError, match=r"Node web1: exit status 255: .*Permission denied \(publickey\)"):
        await web.reached_by(*web.ssh.prefix(*operators_options(), key="stranger")).retire("one", SLOT)


async def test_a_port_where_nobody_listens_is_told(web: Web) -> None:
    with pytest.raises(FleetError, match=r"Node web1: exit status 255: .*Connection refused"):
        await web.reached_by(*web.ssh.prefix(*operators_options(), port=free_port())).retire("one", SLOT)


async def test_a_host_that_says_nothing_is_given_up(web: Web) -> None:
    """Ours before the operators': ssh takes the first of two."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        prefix = web.ssh.prefix("-o", "ConnectTimeout=1", *operators_options(), port=port)
        with pytest.raises(FleetError, match=r"Node web1: exit status 255: .*timed out"):
            await web.reached_by(*prefix).retire("one", SLOT)
    assert any(word.startswith("ConnectTimeout=") for word in operators_options())


async def test_a_command_that_hangs_is_ended_on_the_node_too(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would stop the slot at some later time, when another release runs in it."""
    monkeypatch.setattr(fleets, "STOP_LIMIT_S", 1.0)
    monkeypatch.setattr(fleets, "TELLING_S", 1.0)
    hangs = tmp_path / "hangs.py"
    hangs.write_text(
        "import os, pathlib, signal, sys\npathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\n"
        "print('waiting', flush=True)\nsignal.pause()\n"
    )
    pid = tmp_path / "pid"
    node = replace(web.node, stop=(sys.executable, str(hangs), str(pid)))
    with pytest.raises(FleetError, match="Node web1: not done within 2 s: waiting"):
        await web.fleet(node).retire("one", SLOT)
    until(lambda: not Path(f"/proc/{pid.read_text()}").exists(), 30.0, lambda: "it still runs")
