"""Which bundles count: a release brings its own, and only those."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from assay.compose.bundles import check, choose, find_bundles, tell_general
from assay.errors import ConfigurationError
from assay.models.library import shipped_folder
from assay.settings import Settings, WikiSettings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One wiki, and a folder with its bundle and the test wiki's."""
    (tmp_path / "fr.jsonl").write_text("")
    for place in ("frwiki/articlequality", "testwiki/revid"):
        shutil.copytree(shipped_folder() / place, tmp_path / "bundles" / place)
    return Settings(
        wikis={"frwiki": WikiSettings(str(tmp_path / "fr.jsonl"))},
        bundle_directories=(str(tmp_path / "bundles"),),
        shipped_bundles=False,
    )


def test_shipped_bundles_do_not_count_when_so_set(settings: Settings, tmp_path: Path) -> None:
    assert set(find_bundles(settings).found) == {"frwiki", "testwiki"}
    assert all(path.is_relative_to(tmp_path) for path in choose(settings).paths)
    assert "enwiki" in find_bundles(replace(settings, shipped_bundles=True)).found


@pytest.mark.parametrize("wiki", ["frwiki", "testwiki"])
def test_a_wiki_that_has_none_then_is_an_error(settings: Settings, tmp_path: Path, wiki: str) -> None:
    shutil.rmtree(tmp_path / "bundles" / wiki)
    for work in (check, choose):
        with pytest.raises(ConfigurationError, match=f"no bundle for {wiki}"):
            work(settings)


def test_a_wiki_may_be_read_by_models_for_any(settings: Settings, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "bundles" / "frwiki")
    shutil.copytree(shipped_folder() / "anywiki/reverted", tmp_path / "bundles" / "anywiki/reverted")
    choice = choose(settings)
    assert {path.parent.name for path in choice.paths} == {"anywiki", "testwiki"}
    with capture_logs() as logs:
        tell_general(choice)
    assert [(line["models"], line["log_level"]) for line in logs] == [(["frwiki/reverted"], "info")]


def test_nothing_is_said_of_wikis_with_models_of_their_own(settings: Settings) -> None:
    with capture_logs() as logs:
        tell_general(choose(settings))
    assert logs == []
