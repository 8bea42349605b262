"""A real supervisord that asks for a password, over HTTP and over its unix socket."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from assay.cli import app
from assay.errors import ConfigurationError, ReleaseError
from assay.releases.supervisor import Supervisor, SupervisorAddress
from servers.faulty_http import content as http_content
from servers.faulty_http import faulty_server
from servers.redis import free_port
from servers.supervisord import supervisord
from waiting import until

PASSWORD = "p@ss %41: wörd/?"


@pytest.fixture(params=["unix", "http"], scope="module")
def guarded(request: pytest.FixtureRequest) -> Iterator[SupervisorAddress]:
    with tempfile.TemporaryDirectory(prefix="sv") as short:
        programs = {name: ["/bin/sleep", "600"] for name in ("web-0", "web-1")}
        port = free_port() if request.param == "http" else None
        with supervisord(Path(short), "blue", programs, port=port, account=("assay", PASSWORD)) as (at, _):
            yield at


def test_a_password_is_read_from_its_file(guarded: SupervisorAddress) -> None:
    with closing(Supervisor(guarded)) as supervisor:
        assert supervisor.restart("blue", 30.0) == ["web-0", "web-1"]
        assert set(supervisor.states("blue").values()) == {"RUNNING"}
        assert PASSWORD not in supervisor.address
        assert supervisor.stop("blue", 30.0) == ["web-0", "web-1"]


def test_a_wrong_password_and_none_are_told(guarded: SupervisorAddress, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("another\n")
    with (
        closing(Supervisor(replace(guarded, password_file=str(tmp_path / "old")))) as wrong,
        pytest.raises(ConfigurationError, match="refuses our user and password: check both"),
    ):
        wrong.states("blue")
    with (
        closing(Supervisor(SupervisorAddress(guarded.url))) as nobody,
        pytest.raises(ConfigurationError, match="refuses our user and password: give --supervisor-user"),
    ):
        nobody.states("blue")


def test_the_command_that_stops_a_slot_gives_the_password(guarded: SupervisorAddress, tmp_path: Path) -> None:
    with closing(Supervisor(guarded)) as supervisor:
        supervisor.start_ended("blue", 30.0)
    command = ["release", "stop", "--slot", "blue", "--supervisor", guarded.url]
    command += ["--supervisor-user", guarded.user, "--supervisor-password-file", guarded.password_file]
    for told in ("stopped web-0, web-1\n", "nothing of blue runs: nothing to do\n"):
        done = CliRunner().invoke(app, [*command, "--root", str(tmp_path)], catch_exceptions=False)
        assert (done.exit_code, done.output) == (0, told)
    with pytest.raises(ConfigurationError, match=r"no group green.*\[group:green\]"):
        CliRunner().invoke(app, [*command, "--slot", "green"], catch_exceptions=False)


@pytest.mark.parametrize("url", ["http://assay:secret@127.0.0.1:9001", "http://assay@127.0.0.1:9001"])
def test_a_password_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="--supervisor-password-file") as refused:
        Supervisor(SupervisorAddress(url))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["127.0.0.1:9001", "http://", "http://[::1", "http://127.0.0.1:port"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must be systemd, unix:"):
        Supervisor(SupervisorAddress(url))


@pytest.mark.parametrize("body", [b"<html>", b"", b"<methodResponse></methodResponse>"])
def test_what_is_no_supervisord_is_told(body: bytes) -> None:
    """The port of a web process, by mistake."""
    with (
        faulty_server(http_content(body, "200 OK", None, "Content-Type: text/xml")) as url,
        closing(Supervisor(SupervisorAddress(url))) as supervisor,
        pytest.raises(ConfigurationError, match="check its address"),
    ):
        supervisor.check_group("blue")


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff", b"x" * 5000, None])
def test_what_is_no_password_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    told = "holds no password" if content is not None else "cannot be read: No such file"
    with pytest.raises(ConfigurationError, match=told):
        Supervisor(SupervisorAddress("unix:///run/s.sock", "assay", str(path)))


@pytest.mark.parametrize("half", [{"user": "assay"}, {"password_file": "/etc/password"}])
def test_user_and_password_come_together(half: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="both or neither"):
        Supervisor(SupervisorAddress("unix:///run/s.sock", **half))


DRAINING = """#!/bin/sh
trap 'while [ -e held ]; do sleep 0.02; done; exit 0' TERM
touch ready
while :; do sleep 0.02; done
"""


def test_one_that_failed_for_good_cuts_nobodys_draining_short(tmp_path: Path) -> None:
    """A broken release is what one rolls back from: its worker drains although its web process is no more."""
    (tmp_path / "drain.sh").write_text(DRAINING)
    programs = {"web": ["/bin/false"], "worker": ["/bin/sh", f"{tmp_path}/drain.sh"]}
    with (
        supervisord(tmp_path, "blue", programs, start_s=1) as (at, _),
        closing(Supervisor(at)) as supervisor,
        closing(Supervisor(at)) as stopping,
        ThreadPoolExecutor() as threads,
    ):
        with pytest.raises(ReleaseError, match="blue:web FATAL"):
            supervisor.start_ended("blue", 30.0)
        until(lambda: (tmp_path / "ready").exists())
        (tmp_path / "held").touch()
        stopped = threads.submit(stopping.stop, "blue", 30.0)
        until(lambda: stopped.done() or supervisor.states("blue")["worker"] == "STOPPING")
        (tmp_path / "held").unlink()
        assert stopped.result() == ["worker"]
        assert supervisor.states("blue") == {"web": "FATAL", "worker": "STOPPED"}


def test_what_is_still_ending_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "drain.sh").write_text(DRAINING)
    programs = {"worker": ["/bin/sh", f"{tmp_path}/drain.sh"]}
    with (
        supervisord(tmp_path, "blue", programs) as (at, _),
        closing(Supervisor(at)) as supervisor,
        closing(Supervisor(at)) as starting,
        ThreadPoolExecutor() as threads,
    ):
        assert supervisor.start_ended("blue", 30.0) == ["worker"]
        until(lambda: (tmp_path / "ready").exists())
        (tmp_path / "held").touch()
        with pytest.raises(ReleaseError, match=r"did not end .*STOPPING"):
            supervisor.stop("blue", 0.0)
        has_looked, states = Event(), starting.states

        def noted_states(group: str) -> dict[str, str]:
            try:
                return states(group)
            finally:
                has_looked.set()

        monkeypatch.setattr(starting, "states", noted_states)
        started = threads.submit(starting.start_ended, "blue", 30.0)
        assert has_looked.wait(30.0)
        (tmp_path / "held").unlink()
        assert started.result() == ["worker"]
        assert supervisor.states("blue") == {"worker": "RUNNING"}


def test_what_is_just_being_started_is_waited_for(tmp_path: Path) -> None:
    """Or one that fails again and again would count as running."""
    with (
        supervisord(tmp_path, "blue", {"web": ["/bin/false"]}, start_s=1) as (at, _),
        closing(Supervisor(at)) as supervisor,
    ):
        supervisor._call("startProcessGroup", "blue", False)
        with pytest.raises(ReleaseError, match="blue:web FATAL"):
            supervisor.start_ended("blue", 30.0)
