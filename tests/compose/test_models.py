"""The bundles of a configuration, loaded to score and to talk of them only."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assay.compose.bundles import Choice, choose
from assay.compose.models import load_chosen
from assay.errors import BundleError
from assay.models.library import shipped_folder
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.settings import Settings, WikiSettings


def chosen(folder: Path) -> Choice:
    """``mywiki`` borrows the only model of Russian Wikipedia, of a folder of its own."""
    (folder / "my.jsonl").write_text("")
    wikis = {"mywiki": WikiSettings(str(folder / "my.jsonl"), bundles="ruwiki")}
    folders = (str(folder / "bundles"),)
    return choose(Settings(wikis=wikis, bundle_directories=folders, shipped_bundles=False, test_wiki=False))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    bundle = tmp_path / "bundles" / "ruwiki" / "articlequality"
    shutil.copytree(shipped_folder() / "ruwiki" / "articlequality", bundle)
    return bundle


def test_a_wiki_has_what_it_borrows_and_trees_only_to_score(tmp_path: Path, bundle: Path) -> None:
    whole, told = (load_chosen(chosen(tmp_path), with_trees=trees) for trees in (True, False))
    assert whole.digests == told.digests
    assert set(told.of("mywiki")) == {"articlequality"}
    job = Job("mywiki", ("articlequality",), synthetic_revision(7))
    (cell,) = compute(job, whole.of("mywiki"), PlanCache()).cells.values()
    assert isinstance(cell, Scored)
    (cell,) = compute(job, told.of("mywiki"), PlanCache()).cells.values()
    assert not isinstance(cell, Scored)


@pytest.mark.parametrize("with_trees", [True, False])
def test_a_bundle_that_was_altered_is_refused_by_its_name(
    tmp_path: Path, bundle: Path, with_trees: bool
) -> None:
    choice = chosen(tmp_path)
    (bundle / "statistics.json").write_text("{}")
    with pytest.raises(BundleError, match="ruwiki/articlequality"):
        load_chosen(choice, with_trees=with_trees)
