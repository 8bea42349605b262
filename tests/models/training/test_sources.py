from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from assay.errors import ConfigurationError
from assay.models.bundle import load_bundle
from assay.models.recipe import Split
from assay.models.training.make import make_bundle
from assay.models.training.recipes.damaging import DAMAGING
from assay.models.training.sources import history_files, rows_of
from models import makers

FEATURES = ("feature.wikitext.revision.chars", "feature.revision.user.is_anon")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with two tiny histories, one in a folder with a suffix, and some articles."""
    for wiki, folder in (("aawiki", "aawiki"), ("bbwiki", "bbwiki-part")):
        lines = []
        for i in range(1, 41):
            spoiled = i % 4 == 2
            row = {
                "wiki": wiki,
                "page_title": f"Page {i // 20}",
                "rev_id": i,
                "parent_id": i - 1 if i % 20 else None,
                "timestamp": f"2020-01-{1 + i // 20:02}T{i % 20:02}:00:00Z",
                "user": "192.0.2.1" if spoiled else "Somebody",
                "anon": spoiled,
                "comment": "",
                "text": "good text" + (f" spoiled {i}" if spoiled else ""),
            }
            lines.append(orjson.dumps(row))
        place = tmp_path / "data" / "histories" / folder
        place.mkdir(parents=True)
        (place / "revisions.jsonl.xz").write_bytes(lzma.compress(b"\n".join(lines) + b"\n"))
    articles = tmp_path / "data" / "articlequality"
    articles.mkdir()
    rows = [
        {"wiki": "aawiki", "n": i, "label": "ab"[i % 2], "text": "x" * (i % 2 * 50 + i)} for i in range(40)
    ]
    (articles / "aawiki.jsonl.xz").write_bytes(lzma.compress(b"\n".join(map(orjson.dumps, rows))))
    return tmp_path / "data"


def test_histories_are_found_by_wiki_or_all(data: Path) -> None:
    assert [wiki for wiki, _ in history_files("anywiki", data)] == ["aawiki", "bbwiki"]
    assert [path.parent.name for _, path in history_files("bbwiki", data)] == ["bbwiki-part"]
    with pytest.raises(ConfigurationError, match="no history of ccwiki is given"):
        history_files("ccwiki", data)


def test_files_given_one_by_one_are_used_instead(data: Path, tmp_path: Path) -> None:
    given = {"ccwiki": history_files("bbwiki", data)[0][1]}
    rows = rows_of(makers.recipe(wiki="ccwiki", features=FEATURES), given, tmp_path / "work")
    assert set(rows["wiki"]) == {"ccwiki"}
    assert len(rows) == 40
    with pytest.raises(ConfigurationError, match="not learned from histories"):
        rows_of(DAMAGING, given, tmp_path / "work")


def test_a_reverted_model_in_one_go_and_the_work_is_kept(data: Path, tmp_path: Path) -> None:
    recipe = makers.recipe(wiki="anywiki", features=FEATURES, split=Split("wiki"))
    told: list[str] = []
    rows = rows_of(recipe, data, tmp_path / "work", lambda _done, _total, what: told.append(what))
    manifest, document = make_bundle(rows, recipe, tmp_path / "out")
    assert load_bundle(tmp_path / "out").digest == manifest.digest
    assert document["counts"]["n"] == 80
    assert document["counts"]["labels"]["true"] > 10
    assert manifest.training["rows_by_wiki"] == {"aawiki": 40, "bbwiki": 40}
    assert any(what.startswith("extracting bbwiki") for what in told)
    again: list[str] = []
    rows_of(recipe, data, tmp_path / "work", lambda _done, _total, what: again.append(what))
    assert again == []


def test_recipes_with_equal_features_share_their_rows(data: Path, tmp_path: Path) -> None:
    for wiki in ("anywiki", "aawiki"):
        rows_of(makers.recipe(wiki=wiki, features=FEATURES), data, tmp_path / "work")
    assert len(list((tmp_path / "work").glob("*.npz"))) == 2


def test_an_articlequality_model_in_one_go(data: Path, tmp_path: Path) -> None:
    recipe = replace(
        makers.recipe(3, features=FEATURES[:1], split=Split("folds", folds=2, by="row")),
        wiki="aawiki",
        labels=("A", "B"),
    )
    _, document = make_bundle(rows_of(recipe, data, tmp_path / "work"), recipe, tmp_path / "out")
    assert document["counts"]["labels"] == {"A": 20, "B": 20}
    assert document["assay"]["exact_accuracy"] > 0.9


def test_missing_files_and_unknown_kinds_are_told(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        rows_of(replace(DAMAGING), data, tmp_path)
    with pytest.raises(ConfigurationError, match="is not known"):
        rows_of(makers.recipe(name="draftquality"), data, tmp_path)
