"""What a card's tables tell of statistics made by hand; the shipped cards are compared whole with theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.models.cards.tables import TOP_FEATURES, Table, tables
from assay.models.facts import read_manifest, read_statistics
from assay.models.library import shipped_folder
from assay.models.manifest import Manifest

FOLDER: Path = shipped_folder() / "anywiki" / "reverted"
AREAS = {"n": 9, "positives": 3, "own": 0.9, "other": 0.8}


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_manifest(FOLDER)


def titled(manifest: Manifest, title: str, **changes: Any) -> Table | None:
    """The table of a real model's statistics with some of ours instead."""
    statistics = read_statistics(FOLDER)
    found = tables(manifest, {**statistics, "assay": {**statistics["assay"], **changes}})
    return next((table for table in found if table.title == title), None)


@pytest.mark.parametrize(
    ("verdict", "interval", "sentence"),
    [
        ("better", (0.01, 0.02), "It is better than x/y: the interval of the difference lies above 0."),
        ("alike", (-0.01, 0.02), "It is NOT shown to be better than x/y"),
        (
            "worse",
            (-0.02, -0.01),
            "It is WORSE than x/y: the interval of the difference lies below 0. Use x/y.",
        ),
        ("untold", None, "Too few pages or labels to tell whether it is better than x/y. Use x/y."),
    ],
)
def test_every_verdict_says_which_model_to_use(
    manifest: Manifest, verdict: str, interval: tuple[float, float] | None, sentence: str
) -> None:
    strangers = {**AREAS, "n": 0, "own": None, "other": None}
    compared = {
        "other": "x/y",
        "verdict": verdict,
        "interval_95": interval,
        "all": AREAS,
        "strangers": strangers,
    }
    table = titled(manifest, "Compared with x/y", compared=compared)
    assert table is not None
    assert table.note.startswith(sentence)
    told = "none" if interval is None else f"{interval[0]:.3f} – {interval[1]:.3f}"
    assert table.note.endswith(f"by bootstrap of pages: {told}.")
    assert [row[1:] for row in table.rows] == [(9, 3, 0.9, 0.8), (0, 3, None, None)]


def test_a_model_that_grew_on_none_is_compared_with_none(manifest: Manifest) -> None:
    statistics = read_statistics(FOLDER)
    assert not [table for table in tables(manifest, statistics) if table.title.startswith("Compared")]


def test_a_group_of_unknown_authors_alone_is_no_table(manifest: Manifest) -> None:
    group = {"n": 5, "roc_auc": 0.5}
    assert titled(manifest, "By kind of author", groups={"unknown": group}) is None
    table = titled(manifest, "By kind of author", groups={"unknown": group, "anonymous": group})
    assert table is not None
    assert [row[0] for row in table.rows] == ["unknown", "anonymous"]


def test_a_single_part_is_the_whole_and_not_told(manifest: Manifest) -> None:
    assert titled(manifest, "Each held-out part", parts={"a": {"n": 1}}) is None
    table = titled(
        manifest, "Each held-out part", parts={"a": {"n": 1, "fpr": 0.1}, "b": {"n": 2, "fpr": 0.2}}
    )
    assert table is not None
    assert table.columns == ("part", "rows", "false-positive rate")
    assert list(table.rows) == [("a", 1, 0.1), ("b", 2, 0.2)]


def test_the_first_features_are_told(manifest: Manifest) -> None:
    importance = {f"feature.{number}": 1.0 / number for number in range(1, TOP_FEATURES + 5)}
    table = titled(manifest, "Most important features", importance=importance)
    assert table is not None
    assert table.rows[0] == ("`feature.1`", 1.0)
    assert len(table.rows) == TOP_FEATURES


def test_of_several_thresholds_with_the_recall_the_highest_is_told(manifest: Manifest) -> None:
    row = {"precision": 0.5, "filter_rate": 0.5, "fpr": 0.1}
    recalls = [(0.1, 1.0), (0.2, 0.9), (0.3, 0.9), (0.4, 0.75), (0.5, 0.6), (0.6, None)]
    rows = [{**row, "threshold": threshold, "recall": recall} for threshold, recall in recalls]
    statistics = {**read_statistics(FOLDER), "thresholds": {"true": rows}}
    (table,) = [table for table in tables(manifest, statistics) if table.title == "Thresholds"]
    assert [(row[0], row[1]) for row in table.rows] == [
        ("≥ 0.9", 0.3),
        ("≥ 0.75", 0.4),
        ("≥ 0.5", 0.5),
        ("≥ 0.25", 0.5),
    ]
