"""A command imports what it needs, and the help of all of them imports none of them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from assay import __version__
from assay.cli import COMMANDS, app
from assay.cli.lazy import Later

HEAVY = ("aiohttp", "celery", "fastapi", "lightgbm", "numpy", "rapidfuzz", "scipy", "starlette", "uvicorn")
RUN = """
import sys
from assay.cli import main
sys.argv = ["assay", *sys.argv[1:]]
try:
    main()
finally:
    print(*sorted(name for name in sys.modules if "." not in name), file=sys.stderr)
"""


def imported(folder: Path, *command: str) -> tuple[int, str, set[str]]:
    """Exit status, standard output, and the packages that a process had in the end."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["config", "check"], 0),
        (["config", "show"], 0),
        (["config", "schema"], 0),
        (["rollout", "--help"], 0),
        (["rollout", "status"], 1),  # there is none
        (["release", "slots", "--root", "."], 0),
        (["release", "activate", "none-0123456789ab", "--slot", "blue", "--root", "."], 1),
        (["release", "stop", "--slot", "blue", "--supervisor", "unix:///nowhere.sock"], 1),
    ],
)
def test_what_neither_serves_nor_scores_imports_nothing_of_either(
    tmp_path: Path, command: list[str], status: int
) -> None:
    found, _, packages = imported(tmp_path, *command)
    assert found == status
    assert packages.isdisjoint(HEAVY), sorted(packages.intersection(HEAVY))
    assert "typer" in packages


def test_the_help_of_all_commands_needs_no_settings(tmp_path: Path) -> None:
    _, told, packages = imported(tmp_path, "--help")
    assert {"pydantic", "redis", "jsonschema"}.isdisjoint(packages)
    assert all(str(command.name) in told for command in COMMANDS)


def test_the_version_is_told_as_the_server_tells_it() -> None:
    told = CliRunner().invoke(app, ["--version"])
    assert (told.exit_code, told.output) == (0, f"assay {__version__}\n")


def laters(group: Any) -> Iterator[Later]:
    for command in group.commands.values():
        real = command.command() if isinstance(command, Later) else command
        if isinstance(command, Later):
            yield command
        if hasattr(real, "commands"):
            yield from laters(real)


def test_every_command_tells_beforehand_what_its_module_tells() -> None:
    found = list(laters(typer.main.get_command(app)))
    assert len(found) > len(COMMANDS)
    for later in found:
        paragraph = inspect.cleandoc(later.command().help or "").split("\n\n")[0]
        assert later.help == " ".join(paragraph.split()), later.name


def test_a_commands_help_is_its_own() -> None:
    told = CliRunner().invoke(app, ["rollout", "start", "--help"])
    assert told.exit_code == 0
    assert "RELEASE" in told.output
    assert "--now" in told.output
