from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import BundleError
from assay.models.bundle import load_bundles
from assay.models.files import write_zip
from assay.models.library import search, shipped_folder
from models import makers


def test_found_by_wiki_and_model_in_order_and_loaded(tmp_path: Path) -> None:
    makers.bundle(tmp_path, wiki="zzwiki")
    makers.bundle(tmp_path, 4, wiki="aawiki")
    makers.bundle(tmp_path, wiki="aawiki")
    library = search(tmp_path)
    assert {wiki: list(models) for wiki, models in library.found.items()} == {
        "aawiki": ["articlequality", "reverted"],
        "zzwiki": ["reverted"],
    }
    models = load_bundles(found.path for found in library)
    assert [model.wiki for model in models] == [
        "aawiki",
        "aawiki",
        "zzwiki",
    ]


def test_a_later_folder_replaces_and_zips_count(tmp_path: Path) -> None:
    makers.bundle(tmp_path / "shipped")
    path, manifest = makers.bundle(tmp_path / "made", version="2.0.0")
    own = tmp_path / "own" / "testwiki"
    own.mkdir(parents=True)
    write_zip(
        own / "reverted.zip",
        {f.relative_to(path).as_posix(): f.read_bytes() for f in path.rglob("*") if f.is_file()},
    )
    library = search(tmp_path / "shipped", tmp_path / "own")
    assert library.found["testwiki"]["reverted"].manifest.digest == manifest.digest
    assert load_bundles(found.path for found in library)[0].version == "2.0.0"


def test_a_bad_bundle_is_named_and_the_others_still_found(tmp_path: Path) -> None:
    makers.bundle(tmp_path)
    bad, _ = makers.bundle(tmp_path, 4)
    (bad / "manifest.json").write_bytes(b"{}")
    library = search(tmp_path)
    assert list(library.found["testwiki"]) == ["reverted"]
    assert list(library.refused) == [bad]
    assert "schema_version" in str(library.refused[bad])


def test_loading_names_every_bad_bundle(tmp_path: Path) -> None:
    first, _ = makers.bundle(tmp_path)
    second, _ = makers.bundle(tmp_path, 4)
    library = search(tmp_path)
    for path in (first, second):
        (path / "trees.txt").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"articlequality: .*reverted: "):
        load_bundles(found.path for found in library)


def test_a_bundle_in_the_wrong_place_and_an_absent_folder_are_told(tmp_path: Path) -> None:
    path, _ = makers.bundle(tmp_path)
    path.rename(path.with_name("damaging"))
    assert "move it to testwiki/reverted" in str(next(iter(search(tmp_path).refused.values())))
    with pytest.raises(BundleError, match="no folder of bundles"):
        search(tmp_path / "absent")


def test_every_shipped_bundle_loads() -> None:
    library = search(shipped_folder())
    assert not library.refused
    assert load_bundles(found.path for found in library)
    assert "revid" in library.found["testwiki"]
