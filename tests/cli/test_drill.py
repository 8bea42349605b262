"""``assay drill`` as an operator types it; a whole drill is in ``tests/drill``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assay.cli import app
from assay.drill.defects import DEFECTS, Defect
from assay.drill.row import Row
from assay.drill.table import markdown
from assay.errors import ConfigurationError
from drill.rows import CAUGHT, THROUGH
from shared_data import ROOT

GOOD = (THROUGH, CAUGHT)


class Drill:
    """In place of the real one, which takes minutes: notes what it is to do, and finds `rows`."""

    def __init__(self) -> None:
        self.rows: Sequence[Row] = GOOD
        self.place, self.source, self.chosen = Path(), Path(), list[Defect]()

    async def hold(
        self, place: Path, source: Path, chosen: Sequence[Defect], report: Callable[[str], None]
    ) -> Sequence[Row]:
        self.place, self.source, self.chosen = place, source, list(chosen)
        report("building the stable release")
        return self.rows


@pytest.fixture
def drill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Drill:
    drill = Drill()
    monkeypatch.setattr("assay.cli.drill.hold", drill.hold)
    monkeypatch.chdir(tmp_path)
    return drill


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["drill", *words])


def test_all_defects_in_their_order_unless_some_are_named(drill: Drill) -> None:
    assert run().exit_code == 0
    assert drill.chosen == list(DEFECTS)
    last, first = DEFECTS[-1].name, DEFECTS[0].name
    assert run("--defect", last, "--defect", first, "--source", str(ROOT)).exit_code == 0
    assert drill.chosen == [DEFECTS[0], DEFECTS[-1]]
    assert drill.source == ROOT


def test_what_was_found_is_told_and_written(drill: Drill, tmp_path: Path) -> None:
    done = run("--folder", "kept", "--output", "table.md")
    assert done.exit_code == 0
    assert drill.place == tmp_path / "kept"
    assert "building the stable release" in done.stderr
    for told in ("2 of 2 rollouts ended as they should", "standby shadow"):
        assert told in done.stdout
    assert max(map(len, done.stdout.splitlines())) >= 150, "no terminal, as in a log, and wide all the same"
    assert CAUGHT.defect.source not in done.stdout, "there is no room for it"
    assert (tmp_path / "table.md").read_text("utf-8") == markdown(GOOD) + "\n"


def test_without_a_folder_nothing_is_left(drill: Drill) -> None:
    run()
    assert not drill.place.exists()
    assert drill.place.is_absolute()


def test_anything_that_is_not_as_it_should_be_is_told_by_the_exit_status(drill: Drill) -> None:
    drill.rows = (GOOD[0], replace(GOOD[1], caught=None))
    done = run("--output", "table.md")
    assert done.exit_code == 1
    assert "it went through" in done.stderr
    assert "1 of 2" in done.stdout
    assert Path("table.md").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--defect", "gravity"], "there is no defect gravity; there are: "),
        (["--folder", "."], "exists: name a new folder"),
        (["--output", "none/table.md"], "there is no folder none to write table.md into"),
    ],
)
def test_what_is_wrong_is_told_before_the_drill(drill: Drill, words: list[str], told: str) -> None:
    done = run(*words)
    assert isinstance(done.exception, ConfigurationError)
    assert told in str(done.exception)
    assert drill.chosen == []
