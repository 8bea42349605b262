"""Units that systemd understands, and that call commands and settings that exist."""

from __future__ import annotations

import re
import shutil
from configparser import ConfigParser
from pathlib import Path

import pytest

from assay import settings
from assay.releases.processes import STOP_LIMIT_S
from deploy.files import DEPLOY, options_of, run

UNITS = DEPLOY / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
SHARED = UNITS / "assay-.service.d" / "service.conf"
EXPOSURE_TENTHS = 20
"""Of 100, by systemd's own count; 15 for each of them with systemd 252. Without any protection it is 96."""


def unit(path: Path) -> ConfigParser:
    """With what stands in the drop-in for all of them, and in its own."""
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    own = sorted((UNITS / f"{path.name}.d").glob("*.conf"))
    assert all(drop_in.name > SHARED.name for drop_in in own), (
        "systemd reads them in the order of their names"
    )
    for part in (path, SHARED, *own):
        parser.read_string(part.read_text("utf-8"))
    return parser


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with all units, as instances, whose program exists."""
    for drop_ins in UNITS.glob("*.d"):
        shutil.copytree(drop_ins, tmp_path / drop_ins.name)
    for source in (*SERVICES, *UNITS.glob("*.target")):
        text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={shutil.which('true')}", source.read_text("utf-8"))
        (tmp_path / instance(source)).write_text(text, "utf-8")
    return tmp_path


def instance(path: Path) -> str:
    return path.name.replace("@.", "@blue." if "slot" in path.name else "@8080.")


def test_there_is_a_unit_for_each_role() -> None:
    assert [path.name for path in SERVICES] == [
        "assay-precache.service",
        "assay-serve.service",
        "assay-slot-web@.service",
        "assay-slot-worker@.service",
        "assay-web@.service",
        "assay-worker@.service",
    ]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_systemd_understands_it(path: Path, installed: Path) -> None:
    assert run("systemd-analyze", "verify", "--man=no", str(installed / instance(path))) == ""


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_systemd_finds_it_little_exposed(path: Path, installed: Path) -> None:
    unit_file = str(installed / instance(path))
    run(
        "systemd-analyze",
        "security",
        "--offline=yes",
        f"--threshold={EXPOSURE_TENTHS}",
        "--no-pager",
        unit_file,
    )


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_it_calls_what_exists(path: Path) -> None:
    _, role, *arguments = unit(path)["Service"]["ExecStart"].split()
    assert {a for a in arguments if a.startswith("--")} <= options_of(role)


def test_the_environment_names_settings_that_exist() -> None:
    text = "".join(path.read_text("utf-8") for path in (SHARED, *SERVICES))
    variables = re.findall(r"(?m)^Environment=ASSAY_(\w+)=", text)
    named = {variable.removesuffix("_FILE").lower().replace("__", ".") for variable in variables}
    assert named == {"redis.password"} <= set(settings.names())


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_it_drains_and_holds_no_rights(path: Path) -> None:
    service = unit(path)["Service"]
    assert (service["KillSignal"], service["KillMode"], service["Restart"]) == ("SIGTERM", "mixed", "always")
    assert settings.Settings().http.drain_timeout_s < int(service["TimeoutStopSec"]) < STOP_LIMIT_S
    for protection in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome"):
        assert service[protection] == "yes"
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")
    assert "MemoryMax" in service


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_it_reads_the_password_of_redis_where_there_is_one(path: Path) -> None:
    service = unit(path)["Service"]
    needs_none = path.stem == "assay-serve"
    assert (service["LoadCredential"] == "") == needs_none
    assert (service["Environment"] == "") == needs_none
