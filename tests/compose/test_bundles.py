"""Which bundles count: a release brings its own, and only those."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from assay.compose.bundles import check, choose, faults, find_bundles, tell_general, wikis_of
from assay.errors import BundleError, ConfigurationError
from assay.models.library import shipped_folder
from assay.settings import Settings, WikiSettings, load


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


def test_without_wikis_the_sample_wiki_is_read_by_english_models() -> None:
    ((name, wiki),) = wikis_of(load(environment={})).items()
    assert (name, wiki.bundles) == ("samplewiki", "enwiki")
    assert Path(wiki.source).is_file()
    chosen = choose(load(environment={}))
    assert chosen.borrowed == {"samplewiki": "enwiki"}
    assert chosen.made_up == {"testwiki"}
    assert {path.parent.name for path in chosen.paths} >= {"enwiki", "testwiki"}


def test_one_wiki_may_be_chosen_of_several(settings: Settings, tmp_path: Path) -> None:
    """With the test wiki, and without a word of bundles that it does not use."""
    place = tmp_path / "bundles" / "ruwiki" / "articlequality"
    shutil.copytree(shipped_folder() / "ruwiki" / "articlequality", place)
    frwiki = settings.wikis["frwiki"]
    other = replace(frwiki, bundles="frwiki", aliases={"wp10": "articlequality"})
    both = replace(settings, wikis={"frwiki": frwiki, "clubwiki": other})
    assert set(choose(both).wikis) == {"frwiki", "clubwiki"}
    with capture_logs() as told:
        chosen = choose(both, "clubwiki")
    assert (set(chosen.wikis), chosen.borrowed) == ({"clubwiki"}, {"clubwiki": "frwiki"})
    assert chosen.aliases == {"clubwiki": {"wp10": "articlequality"}}
    assert {path.parent.name for path in chosen.paths} == {"frwiki", "testwiki"}
    assert told == []


def test_bundles_that_are_refused_are_all_named(settings: Settings, tmp_path: Path) -> None:
    broken = [tmp_path / "bundles" / place for place in ("frwiki/articlequality", "testwiki/revid")]
    for bundle in broken:
        (bundle / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match=r"^bundles are refused:\n") as refused:
        find_bundles(settings)
    for bundle in broken:
        assert f"\n  {bundle}: manifest.json is no JSON" in str(refused.value)


def test_every_fault_is_told_at_once_those_of_files_streams_and_bundles(
    settings: Settings, tmp_path: Path
) -> None:
    flags = {"precache": {"streams": {"s": {"kind": "recentchanges", "wiki": "nowiki"}}}}
    wrong = replace(
        settings,
        wikis={"frwiki": WikiSettings(str(tmp_path / "none.jsonl"))},
        precache=load(flags=flags, environment={}).precache,
    )
    of_file, of_stream = faults(wrong)
    assert of_file == (
        f"wikis.frwiki.source: there is no file {tmp_path / 'none.jsonl'} of frwiki: check the path"
    )
    assert of_stream.startswith("precache.streams.s.wiki: there is no wiki 'nowiki'")
    (tmp_path / "bundles" / "testwiki" / "revid" / "manifest.json").write_text("{")
    assert faults(wrong)[:2] == [of_file, of_stream]
    assert faults(wrong)[2].startswith("bundles are refused:")


def test_a_bundle_without_use_is_a_fault_to_the_check_and_stops_no_server(
    settings: Settings, tmp_path: Path
) -> None:
    place = tmp_path / "bundles" / "ruwiki" / "articlequality"
    shutil.copytree(shipped_folder() / "ruwiki" / "articlequality", place)
    told = f"bundle_directories: no wiki uses {place}: remove the bundle, or configure the wiki ruwiki"
    assert faults(settings) == [told]
    with capture_logs() as logged:
        assert place not in choose(settings).paths
    assert [(line["event"], line["reason"]) for line in logged] == [("bundle without use", told)]
