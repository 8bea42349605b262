"""Bundles are loaded as a worker loads them, elsewhere, and golden scores are proved or missed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assay.compose.bundles import Choice, choose
from assay.compose.models import load_chosen
from assay.errors import BundleError
from assay.models.library import shipped_folder
from assay.preflight import bundles
from assay.preflight.bundles import Golden, Loaded
from assay.preflight.check import Failed, Passed, Report, run
from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.settings import load

REV_ID = 2**41 + 12345


@pytest.fixture
def choice(tmp_path: Path) -> Choice:
    """Two wikis' bundles, one folder's of which can be spoilt."""
    shutil.copytree(shipped_folder() / "enwiki", tmp_path / "enwiki")
    return choose(load(environment={"ASSAY_BUNDLE_DIRECTORIES": f'["{tmp_path}"]'}))


async def test_another_process_computes_what_this_one_does(choice: Choice) -> None:
    loaded = await bundles.load(choice, ["samplewiki", "testwiki"], REV_ID)
    models = load_chosen(choice, with_trees=True)
    assert set(loaded.answers) == {"samplewiki", "testwiki"}
    for wiki, cells in loaded.answers.items():
        own = models.of(wiki)
        expected = compute(Job(wiki, tuple(own), synthetic_revision(REV_ID)), own, PlanCache()).cells
        assert dict(cells) == dict(expected)
    assert loaded.models == len(choice.paths)
    assert 30e6 < loaded.shared_bytes < 2e9
    assert 0 < loaded.process_bytes < loaded.shared_bytes


async def test_a_bundle_altered_after_it_was_found_is_refused(choice: Choice, tmp_path: Path) -> None:
    trees = tmp_path / "enwiki" / "damaging" / "trees.txt"
    trees.write_bytes(trees.read_bytes() + b" ")
    with pytest.raises(BundleError, match="enwiki/damaging"):
        await bundles.load(choice, ["samplewiki"], REV_ID)


async def test_a_process_that_dies_while_loading_is_told(
    choice: Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(BundleError, match="ended with status 1"):
        await bundles.load(choice, ["samplewiki"], REV_ID)


async def test_a_scoring_process_that_is_killed_is_told(
    choice: Choice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a system without memory. It was taken for one that needs none, and the node for large enough."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGKILL))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BundleError, match="ended with status -9"):
        await bundles.load(replace(choice, paths=()), [], REV_ID)


class Promised:
    """Golden scores that differ in these ways."""

    def __init__(self, *differences: str) -> None:
        self._differences = differences

    def prove(self) -> Sequence[str]:
        return self._differences


async def checked(golden: Golden | None, *, without_golden: bool = False) -> Report:
    async def loaded() -> Loaded:
        return Loaded(1, 0.1, 1, 1, {})

    group = bundles.group([Path("a")], loaded, golden, without_golden=without_golden)
    return await run([group], "r1")


async def test_exact_golden_scores_pass() -> None:
    assert (await checked(Promised()))["bundles.golden"].outcome == Passed("every golden score is exact")


async def test_golden_scores_that_differ_are_told_a_few_at_a_time() -> None:
    outcome = (await checked(Promised("a", "b", "c", "d", "e")))["bundles.golden"].outcome
    assert isinstance(outcome, Failed)
    assert outcome.said == "a; b; c; and 2 more"


async def test_no_golden_scores_are_a_failure_unless_it_was_said() -> None:
    assert (await checked(None)).exit_status == 1
    assert (await checked(None, without_golden=True)).exit_status == 0


async def test_golden_scores_that_differ_are_not_waived() -> None:
    assert (await checked(Promised("a"), without_golden=True)).exit_status == 1
