"""Look-ups in what is known of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadParameter
from assay.models.bundle import load_bundle
from assay.models.library import shipped_folder
from assay.models.model import Model
from assay.serving.ores.model_info import ModelInfos, parse_path
from small_models import small_models


class KnownInfos(ModelInfos):
    """One tree for every model."""

    def __init__(self, tree: dict[str, Any]) -> None:
        super().__init__({})
        self._tree = tree

    def tree(self, model: Model) -> dict[str, Any]:
        return self._tree


TREE = {
    "type": "binary",
    "version": "1",
    "statistics": {
        "counts": {"n": 5},
        "rates": {"sample": {"true": 0.1}},
        "thresholds": {"true": [{"threshold": 0.5}]},
        "a.b": {"c": 1},
    },
}
MODEL = small_models().of("smallwiki")["damaging"]
INFOS = KnownInfos(TREE)


def test_the_default_is_the_version() -> None:
    assert INFOS.select(MODEL, ()) == {"version": "1"}


def test_an_empty_path_is_everything_but_the_long_tables() -> None:
    found = INFOS.select(MODEL, ("",))
    assert set(found) == set(TREE)
    assert set(found["statistics"]) == {"counts", "rates", "a.b"}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["statistics.counts"], {"statistics": {"counts": {"n": 5}}}),
        (
            ["statistics.counts.n", "statistics.rates"],
            {"statistics": {"counts": {"n": 5}, "rates": {"sample": {"true": 0.1}}}},
        ),
        (["statistics", "statistics.counts.n"], {"statistics": TREE["statistics"]}),
        (["statistics.counts", "statistics"], {"statistics": TREE["statistics"]}),
        (["version", "version"], {"version": "1"}),
        (["statistics.'a.b'.c"], {"statistics": {"a.b": {"c": 1}}}),
        (['statistics."a.b"'], {"statistics": {"a.b": {"c": 1}}}),
        (["statistics.thresholds.true"], {"statistics": {"thresholds": {"true": [{"threshold": 0.5}]}}}),
    ],
)
def test_paths_choose_branches(paths: list[str], expected: dict[str, Any]) -> None:
    before = repr(TREE)
    assert INFOS.select(MODEL, paths) == expected
    assert repr(TREE) == before


@pytest.mark.parametrize(
    "path", ["nonsense", "version.x", "statistics.", ".version", "a..b", "'open", "statistics.'x"]
)
def test_a_wrong_path_is_refused_in_the_legacys_words(path: str) -> None:
    with pytest.raises(BadParameter, match="Model information could not be retrieved for "):
        INFOS.select(MODEL, [path])


ROWS = [
    {"threshold": 0.2, "recall": 0.9, "precision": 0.3},
    {"threshold": 0.6, "recall": 0.5, "precision": 0.8},
    {"threshold": 0.9, "recall": 0.1, "precision": 1.0},
]
MEASURED = KnownInfos(
    {"statistics": {"thresholds": {"true": ROWS}, "rates": {"sample": {"true": 1.0}}, "counts": {"n": 3}}}
)
TRUE = "statistics.thresholds.true"


def test_queries_are_answered_with_a_list_in_the_order_asked_and_null_when_impossible() -> None:
    paths = [
        f"{TRUE}.'maximum recall @ precision >= 0.75'",
        f"{TRUE}.'maximum recall @ precision >= 1.5'",
        f'{TRUE}."minimum recall @ precision >= 0.2"',
        "statistics.counts",
    ]
    before = repr(MEASURED.tree(MODEL))
    for _ in range(2):
        statistics = MEASURED.select(MODEL, paths)["statistics"]
        assert statistics == {"thresholds": {"true": [ROWS[1], None, ROWS[2]]}, "counts": {"n": 3}}
    assert repr(MEASURED.tree(MODEL)) == before


def test_a_query_without_a_label_gives_every_labels_threshold() -> None:
    query = "maximum recall @ precision >= 0.75"
    found = MEASURED.select(MODEL, [f"statistics.'{query}'"])
    assert found == {"statistics": {query: {"micro": 0.6, "macro": 0.6, "labels": {"true": 0.6}}}}


@pytest.mark.parametrize(
    "path",
    [
        f"{TRUE}.'maximum recall'",
        f"{TRUE}.'maximum nothing @ precision >= 0.1'",
        f"{TRUE}.0",
        "statistics.'maximum recall @ precision'",
        "statistics.thresholds.false.'maximum recall @ precision >= 0.1'",
    ],
)
def test_a_wrong_query_is_refused_like_a_wrong_path(path: str) -> None:
    with pytest.raises(BadParameter, match="Model information could not be retrieved for "):
        MEASURED.select(MODEL, [path])


def test_too_many_paths_are_refused() -> None:
    with pytest.raises(BadParameter, match="Max of 100"):
        INFOS.select(MODEL, ["version"] * 101)


@given(
    st.lists(st.text(st.characters(exclude_characters="'\""), min_size=1, max_size=5), min_size=1, max_size=4)
)
def test_quoted_parts_may_hold_anything(parts: list[str]) -> None:
    assert parse_path(".".join(f"'{part}'" for part in parts)) == parts


@given(st.text(max_size=20))
def test_any_path_is_parsed_or_refused(path: str) -> None:
    try:
        parts = parse_path(path)
    except BadParameter:
        return
    assert all(isinstance(part, str) for part in parts)
    assert len(parts) <= path.count(".") + 1


def test_a_model_without_a_bundle_tells_what_it_knows() -> None:
    assert ModelInfos({}).select(MODEL, ["version", "params.labels"]) == {
        "version": "1.2.3",
        "params": {"labels": [True, False]},
    }


def test_a_shipped_bundle_tells_everything() -> None:
    path: Path = shipped_folder() / "testwiki" / "revid"
    model = load_bundle(path)
    found = ModelInfos({model.digest: path}).select(model, ["type", "version", "score_schema", "environment"])
    assert found["type"] == "revid"
    assert found["version"] == model.version
    assert found["score_schema"]["type"] == "object"
