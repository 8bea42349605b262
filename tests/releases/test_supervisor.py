"""A real supervisord that asks for a password, over HTTP and over its unix socket."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.cli import app
from assay.errors import ConfigurationError
from assay.releases.supervisor import Supervisor, SupervisorAddress
from servers.redis import free_port
from servers.supervisord import supervisord

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


def test_the_command_that_stops_a_slot_gives_the_password(guarded: SupervisorAddress) -> None:
    with closing(Supervisor(guarded)) as supervisor:
        supervisor.start_ended("blue", 30.0)
    command = ["release", "stop", "--slot", "blue", "--supervisor", guarded.url]
    command += ["--supervisor-user", guarded.user, "--supervisor-password-file", guarded.password_file]
    for told in ("stopped web-0, web-1\n", "nothing of blue runs: nothing to do\n"):
        done = CliRunner().invoke(app, command, catch_exceptions=False)
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
