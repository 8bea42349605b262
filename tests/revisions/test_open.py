"""What an operator may write as a source, and what the refusals say."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigurationError, SourceError
from assay.revisions.index.source import IndexedSource
from assay.revisions.open import default_cache_dir, open_source
from assay.revisions.wiki.action_api import check_api_url
from assay.revisions.wiki.mediawiki import MediaWikiSource
from revisions import small_wiki


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("ftp://en.wikipedia.org/w/api.php", "must begin with http"),
        ("https://en.wikipedia.org/wiki/Main_Page", "must end with /api.php"),
        ("https://en.wikipedia.org/w/api.php?action=query", "must end with /api.php"),
        ("https:///w/api.php", "names no host"),
        ("https://me:secret@en.wikipedia.org/w/api.php", "must not hold a user name or password"),
        ("https://en.wikipedia.org:port/w/api.php", "is no address"),
        ("nowhere/dump.xml", r"does not exist: check the path\."),
        ("wiki.example.org/w/api.php", "begin the address of a wiki with https:// or http://"),
        ("folder", "is a folder"),
        ("notes.txt", "neither a MediaWiki export"),
        ("notes.txt.xz", "neither a MediaWiki export"),
    ],
)
def test_what_is_no_source_is_refused_with_the_wikis_name(
    spec: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("notes.txt").touch()
    Path("notes.txt.xz").touch()
    with pytest.raises(SourceError, match=f"^Wiki 'club': .*{reason}"):
        open_source("club", spec)


@pytest.mark.parametrize("host", ["en.wikipedia.org", "en.wikipedia.org:port"])
def test_a_password_is_not_repeated_in_the_refusal(host: str) -> None:
    with pytest.raises(SourceError) as refusal:
        open_source("club", f"https://me:secret@{host}/w/api.php")
    assert "secret" not in str(refusal.value)


async def test_addresses_and_files_open(tmp_path: Path) -> None:
    live = open_source("enwiki", "https://en.wikipedia.org/w/api.php")
    assert isinstance(live, MediaWikiSource)
    await live.aclose()
    path = small_wiki.pack(small_wiki.export("0.11"), tmp_path / "x-pages-meta-history1.xml-p1p857.bz2")
    dump = open_source("club", str(path))
    assert isinstance(dump, IndexedSource)
    await dump.aclose()


def test_an_address_is_given_back_unchanged() -> None:
    assert check_api_url("http://[::1]:8080/api.php") == "http://[::1]:8080/api.php"


def test_where_indexes_of_read_only_folders_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_CACHE_DIR", "/own")
    assert default_cache_dir() == Path("/own")
    monkeypatch.delenv("ASSAY_CACHE_DIR")
    monkeypatch.setenv("CACHE_DIRECTORY", "/var/cache/assay-8080:/var/cache/other")
    assert default_cache_dir() == Path("/var/cache/assay-8080")
    monkeypatch.delenv("CACHE_DIRECTORY")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert default_cache_dir() == Path("/xdg/assay")


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As systemd's dynamic users are."""

    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("ASSAY_CACHE_DIR", "CACHE_DIRECTORY", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(ConfigurationError, match=r"no home .* set cache_dir"):
        default_cache_dir()
