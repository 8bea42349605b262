"""docs/reference/rollout-page.md: every route is there, and every example gives what it shows."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.clock import FakeClock
from assay.rollout.journal import Journal
from assay.rollout.reporting.web import PageOptions, build_page
from rollout.told import NOON, Teller
from servers.asgi import Served, serving
from servers.redis import missing
from shared_data import ROOT

PAGE = (ROOT / "docs" / "reference" / "rollout-page.md").read_text("utf-8")
ANY = "…"


def examples() -> list[tuple[str, str]]:
    """Commands with the output that is shown."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE, re.S)
    found = [
        part.partition("\n") for block in blocks for part in re.split(r"^\$ ", block, flags=re.M) if part
    ]
    return [(command, output) for command, _, output in found]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    clock = FakeClock(NOON)
    with Journal(tmp_path, clock) as journal:
        teller = Teller(journal, clock)
        teller.start()
        teller.go_to(5)
    with serving(build_page(PageOptions(state_dir=str(tmp_path)), clock)) as page:
        yield page


def fits(shown: Any, told: Any, where: str = "$") -> None:
    """`shown` is `told`, where an ellipsis stands for anything, and at a list's end for the rest."""
    if shown == ANY:
        return
    if isinstance(shown, dict):
        assert isinstance(told, dict), where
        assert shown.keys() == told.keys(), where
        for key in shown:
            fits(shown[key], told[key], f"{where}.{key}")
    elif isinstance(shown, list):
        is_open = shown[-1:] == [ANY]
        items = shown[:-1] if is_open else shown
        assert len(told) > len(items) if is_open else len(told) == len(items), where
        for place, item in enumerate(items):
            fits(item, told[place], f"{where}[{place}]")
    else:
        assert shown == told, where


@pytest.mark.parametrize(("command", "output"), examples())
def test_an_example_gives_what_it_shows(served: Served, command: str, output: str) -> None:
    if shutil.which("curl") is None:
        missing("curl")
    arguments = shlex.split(command.replace("http://127.0.0.1:8090", served.url))
    assert arguments[0] == "curl"
    done = subprocess.run(
        [*arguments, "--silent", "--show-error"], capture_output=True, text=True, timeout=60, check=True
    )
    fits(json.loads(output), json.loads(done.stdout))


def test_every_route_is_documented_and_no_other() -> None:
    source = (ROOT / "src/assay/rollout/reporting/web.py").read_text("utf-8")
    routes = set(re.findall(r'routes\.(?:get|post|api_route)\("([^"]+)"', source))
    assert "/api/verdict" in routes
    assert routes == set(re.findall(r"^\| `(/[^`]*)` \|", PAGE, re.M))


def test_the_examples_are_there() -> None:
    assert len(examples()) == 6
