"""Units that systemd understands, and that call commands and settings that exist."""

from __future__ import annotations

import re
import shutil
from configparser import ConfigParser
from pathlib import Path

import pytest
import typer

from assay import settings
from assay.cli import app
from deploy.files import DEPLOY, run

SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))


def unit(path: Path) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text("utf-8"))
    return parser


def test_there_is_a_unit_for_each_role() -> None:
    assert [path.name for path in SERVICES] == [
        "assay-precache.service",
        "assay-web@.service",
        "assay-worker@.service",
    ]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_systemd_understands_it(path: Path, tmp_path: Path) -> None:
    for source in (*SERVICES, DEPLOY / "systemd" / "assay.target"):
        text = source.read_text("utf-8").replace("/opt/assay/.venv/bin/assay", str(shutil.which("true")))
        (tmp_path / source.name.replace("@.", "@8080.")).write_text(text, "utf-8")
    run("systemd-analyze", "verify", "--man=no", str(tmp_path / path.name.replace("@.", "@8080.")))


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_it_calls_what_exists(path: Path) -> None:
    service = unit(path)["Service"]
    _, role, *arguments = service["ExecStart"].split()
    command = typer.main.get_command(app).commands[role]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {a for a in arguments if a.startswith("--")} <= known
    variables = re.findall(r"(?m)^Environment=ASSAY_(\w+)=", path.read_text("utf-8"))
    named = {variable.removesuffix("_FILE").lower().replace("__", ".") for variable in variables}
    assert named <= set(settings.names())
    assert named == {"redis.password"}


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_it_drains_and_holds_no_rights(path: Path) -> None:
    service = unit(path)["Service"]
    assert (service["KillSignal"], service["KillMode"], service["Restart"]) == ("SIGTERM", "mixed", "always")
    assert int(service["TimeoutStopSec"]) > settings.Settings().http.drain_timeout_s
    for protection in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome"):
        assert service[protection] == "yes"
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")
    assert service["LoadCredential"].startswith("redis-password:")
    assert "MemoryMax" in service
