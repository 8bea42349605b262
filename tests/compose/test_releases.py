"""A release's parts from an operator's files."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from assay.compose.releases import BuildRequest, release_parts
from assay.errors import ConfigurationError
from shared_data import ROOT


def _request(*files: Path, requirements: Path | None = None) -> BuildRequest:
    return BuildRequest("a", ROOT, configuration=files, requirements=requirements)


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture
def wiki(tmp_path: Path) -> Path:
    (tmp_path / "fr.jsonl").write_text("")
    text = f'# about this file\ntest_wiki = false\n[wikis.frwiki]\nsource = "{tmp_path}/fr.jsonl"\n'
    return _file(tmp_path, "wiki.toml", text)


def test_only_the_bundles_that_its_wikis_need(wiki: Path, tmp_path: Path) -> None:
    parts = release_parts(_request(wiki), tmp_path / "a.whl")
    assert {f"{path.parent.name}/{path.name}" for path in parts.bundles} == {
        "frwiki/articlequality",
        "anywiki/reverted",
    }
    assert parts.wikis == {"frwiki": ("articlequality", "reverted")}


def test_one_file_is_taken_as_it_is(wiki: Path, tmp_path: Path) -> None:
    assert release_parts(_request(wiki), tmp_path / "a.whl").configuration == wiki.read_text()
    assert release_parts(_request(), tmp_path / "a.whl").configuration == ""


def test_several_files_are_merged(wiki: Path, tmp_path: Path) -> None:
    over = _file(tmp_path, "over.toml", "test_wiki = true\n[pool]\nprocesses = 3\n")
    parts = release_parts(_request(wiki, over), tmp_path / "a.whl")
    assert tomllib.loads(parts.configuration) == {
        "test_wiki": True,
        "wikis": {"frwiki": {"source": f"{tmp_path}/fr.jsonl"}},
        "pool": {"processes": 3},
    }


def test_settings_of_the_builders_environment_do_not_count(
    wiki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_TEST_WIKI", "true")
    monkeypatch.setenv("ASSAY_NO_SUCH_SETTING", "1")
    assert set(release_parts(_request(wiki), tmp_path / "a.whl").wikis) == {"frwiki"}


@pytest.mark.parametrize(
    "text",
    [
        '[redis]\npassword = "hush-hush"\n',
        '[redis]\nurl = "redis://user:hush-hush@host/0"\n',
        '[rollout.data_centres.a]\nhaproxy = "/a"\nfront_url = "http://f"\n'
        '[rollout.data_centres.a.slots.stable]\nurls = ["http://user:hush-hush@h:1"]\n',
    ],
)
def test_secrets_are_no_part_of_a_release(tmp_path: Path, text: str) -> None:
    file = _file(tmp_path, "secret.toml", text)
    with pytest.raises(ConfigurationError, match=r"holds secrets \(\w+\.[\w.]+\).*_FILE") as caught:
        release_parts(_request(file), tmp_path / "a.whl")
    assert "hush-hush" not in str(caught.value)


def test_a_source_told_from_the_folder_at_hand_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fr.jsonl").write_text("")
    file = _file(tmp_path, "wiki.toml", '[wikis.frwiki]\nsource = "fr.jsonl"\n')
    with pytest.raises(ConfigurationError, match="write whole paths"):
        release_parts(_request(file), tmp_path / "a.whl")


def test_missing_requirements_are_told(wiki: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--requirements"):
        release_parts(_request(wiki, requirements=tmp_path / "absent.txt"), tmp_path / "a.whl")
