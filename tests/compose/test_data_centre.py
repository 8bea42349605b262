"""A data centre's files: accepted by the programs that read them, told alike to all, closed to strangers."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from configparser import RawConfigParser
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from assay.compose.data_centre import DataCentreOptions, SlotPorts, as_settings, prepare
from assay.compose.supervisor import supervisor_command
from assay.errors import ConfigurationError
from assay.rollout.control.fleet import activation, check_words, stopping
from assay.rollout.traffic.haproxy import HaproxyBalancer
from servers.haproxy import program
from servers.processes import Process, running
from servers.redis import free_port, missing
from waiting import until


@dataclass
class Here:
    """`folder`: short, as sockets' paths have a limit."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def options(self) -> DataCentreOptions:
        return DataCentreOptions(
            "one",
            self.folder / "one",
            free_port(),
            {
                slot: SlotPorts((free_port(), free_port()), (free_port(), free_port(), free_port()))
                for slot in ("blue", "green")
            },
            f"127.0.0.1:{free_port()}",
            remote="127.0.0.1:8099",
            environment=self.environment,
        )


@pytest.fixture
def here() -> Iterator[Here]:
    program()
    if shutil.which("redis-server") is None:
        missing("redis-server")
    with tempfile.TemporaryDirectory(prefix="assay-dc-") as name:
        yield Here(Path(name))


def parsed(path: Path) -> RawConfigParser:
    parser = RawConfigParser()
    assert parser.read(path) == [str(path)]
    return parser


@pytest.mark.parametrize("remote", ["", "127.0.0.1:8099"])
def test_haproxy_accepts_its_configuration(here: Here, remote: str) -> None:
    options = replace(here.options(), remote=remote)
    prepare(options)
    file = options.folder / "haproxy.cfg"
    done = subprocess.run([program(), "-c", "-f", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "[WARNING]" in line]
    assert [line for line in warnings if "haproxy.state" not in line] == []  # there has been no state yet
    servers = {line.split()[1] for line in file.read_text().splitlines() if line.split()[:1] == ["server"]}
    assert servers == {"blue-1", "blue-2", "green-1", "green-2", *(["remote"] if remote else [])}


def test_the_supervisor_has_both_slots_as_groups_that_wait_to_be_started(here: Here) -> None:
    options = here.options()
    file = parsed(prepare(options))
    for slot, ports in options.slots.items():
        names = [
            f"{slot}-{kind}-{n}" for kind, count in (("worker", 3), ("web", 2)) for n in range(1, count + 1)
        ]
        assert file[f"group:{slot}"]["programs"].split(",") == names
        programs = [file[f"program:{name}"] for name in names]
        launcher = f"{options.root}/slots/{slot}/bin/assay"
        assert [p["command"].split()[0] for p in programs] == [launcher] * 5
        assert {p["autostart"] for p in programs} == {"false"}
        assert [int(p["command"].split()[-1]) for p in programs] == [*ports.metrics, *ports.web]
        assert [p["priority"] for p in programs] == ["10"] * 3 + ["20"] * 2
        assert all("ASSAY_REDIS__URL=" in p["environment"] for p in programs)
    assert file["program:haproxy"]["autostart"] == file["program:redis"]["autostart"] == "true"


def test_no_stranger_reads_a_secret_or_comes_in(here: Here) -> None:
    """Even when the folder was there before, open to all, and is prepared a second time."""
    here.environment = {"ASSAY_EXAMPLE_TOKEN": "hunter2"}
    options = here.options()
    options.folder.mkdir()
    options.folder.chmod(0o755)
    for _ in range(2):
        prepare(options)
        assert options.folder.stat().st_mode & 0o077 == 0
        password = (options.folder / "redis-password").read_text()
        holders = {
            path.name
            for path in options.folder.rglob("*")
            if path.is_file() and any(secret in path.read_text() for secret in (password, "hunter2"))
        }
        assert {"redis-password", "supervisord.conf"} <= holders
        secrets = [*(options.folder / name for name in holders), options.folder / "redis.conf"]
        assert [path.name for path in secrets if path.stat().st_mode & 0o077] == []


def test_the_same_data_centre_prepared_again_keeps_its_password(here: Here) -> None:
    options = here.options()
    prepare(options)
    before = (options.folder / "redis-password").read_text()
    prepare(options)
    assert (options.folder / "redis-password").read_text() == before


def test_the_controller_is_told_what_haproxy_and_the_node_are_told(here: Here) -> None:
    options = here.options()
    prepare(options)
    told = as_settings(options)
    configuration = (options.folder / "haproxy.cfg").read_text()
    for slot, ports in options.slots.items():
        for number, url in enumerate(told.slots[slot].urls, 1):
            assert f"server {slot}-{number} {url.removeprefix('http://')}" in configuration
        assert told.slots[slot].metrics_urls == tuple(f"http://127.0.0.1:{port}" for port in ports.metrics)
    assert told.haproxy in configuration
    assert told.front_url == f"http://127.0.0.1:{options.port}"
    assert (told.remote_server, told.is_active) == ("remote", True)
    assert as_settings(replace(options, remote="", is_active=False)).remote_server == ""

    node = told.nodes["one"]
    assert node.root == str(options.root)
    assert node.urls == {slot: told.slots[slot].urls for slot in ("blue", "green")}
    for command in (activation(node, "green", "r-0123456789ab", 60), stopping("one", node, "green", 390)):
        check_words(command)
    stop = stopping("one", node, "green", 390)
    assert stop[stop.index("stop") :][:3] == ["stop", "--slot", "green"]


async def test_it_runs_and_takes_orders_where_the_controller_looks(here: Here) -> None:
    """The real supervisor with HAProxy and Redis; slots are known to it, and stopped without an error."""
    here.environment = {"ASSAY_EXAMPLE": "100 %"}
    options = here.options()
    told = as_settings(options)
    process = Process("supervisord", supervisor_command(prepare(options)), here.folder, {})
    with running(process):
        try:
            process.until(options.haproxy_socket.exists, 30)
            servers = await HaproxyBalancer(told.haproxy, told.backend).servers()
            assert list(servers) == ["blue-1", "blue-2", "green-1", "green-2", "remote"]
            assert [servers[name].weight for name in servers] == [100, 100, 0, 0, 0]
            stop = stopping("one", told.nodes["one"], "green", 60)
            done = await asyncio.to_thread(subprocess.run, stop, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        finally:
            process.terminate()
            process.wait()
    until(lambda: not (options.folder / "supervisord.pid").exists(), 10)


def test_what_cannot_stand_in_haproxys_file_is_refused(here: Here) -> None:
    options = replace(here.options(), folder=here.folder / "one two")
    with pytest.raises(ConfigurationError, match="cannot stand in HAProxy's configuration"):
        prepare(options)


def test_missing_programs_are_named(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    for absent in ("haproxy", "redis-server"):

        def without(name: str, *, path: str | None = None, absent: str = absent) -> str | None:
            return None if name == absent else which(name, path=path)

        monkeypatch.setattr(shutil, "which", without)
        with pytest.raises(ConfigurationError, match=f"there is no {absent} on this machine: install it"):
            prepare(here.options())
