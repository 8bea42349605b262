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


TREE: dict[str, Any] = {
    "type": "binary",
    "version": "1",
    "statistics": {
        "counts": {"n": 5},
        "rates": {"sample": {"true": 0.1}},
        "thresholds": {"true": [{"threshold": 0.5}]},
        "a.b": {"c": 1},
    },
}
SHORT = {"counts": {"n": 5}, "rates": {"sample": {"true": 0.1}}, "a.b": {"c": 1}}
"""The statistics without the long tables."""

MODEL = small_models().of("smallwiki")["damaging"]
INFOS = KnownInfos(TREE)


def test_no_path_is_nothing() -> None:
    assert INFOS.select(MODEL, ()) == {}


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
        (["statistics", "statistics.counts.n"], {"statistics": SHORT}),
        (["statistics.counts", "statistics"], {"statistics": SHORT}),
        (["statistics.thresholds", ""], TREE),
        (["", "statistics.thresholds.true"], TREE),
        (["statistics", "statistics.thresholds"], {"statistics": TREE["statistics"]}),
        (["statistics.thresholds"], {"statistics": {"thresholds": {"true": [{"threshold": 0.5}]}}}),
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


def test_queries_stand_in_place_of_the_labels_table() -> None:
    query = f"{TRUE}.'maximum recall @ precision >= 0.75'"
    for paths in ([TRUE, query], [query, TRUE], [query, "statistics.thresholds"], ["", query]):
        assert MEASURED.select(MODEL, paths)["statistics"]["thresholds"] == {"true": [ROWS[1]]}


def test_a_query_that_is_asked_twice_is_answered_twice() -> None:
    """So that a client may pair its list of queries with the answers."""
    query = f"{TRUE}.'maximum recall @ precision >= 0.75'"
    assert MEASURED.select(MODEL, [query, query])["statistics"]["thresholds"]["true"] == [ROWS[1], ROWS[1]]


@pytest.mark.parametrize("quotes", ["'{}'", '"{}"', "\"''{}''\"", "'\"{}\"'"])
def test_queries_are_read_in_the_quotes_that_clients_write(quotes: str) -> None:
    path = f"{TRUE}.{quotes.format('maximum recall @ precision >= 0.75')}"
    assert MEASURED.select(MODEL, [path])["statistics"]["thresholds"] == {"true": [ROWS[1]]}


@pytest.mark.parametrize(("part", "found"), [("micro", 0.6), ("labels.true", 0.6), ("labels", {"true": 0.6})])
def test_a_path_goes_on_behind_a_query_without_a_label(part: str, found: Any) -> None:
    query = "maximum recall @ precision >= 0.75"
    answer = MEASURED.select(MODEL, [f"statistics.'{query}'.{part}"])["statistics"][query]
    for name in part.split("."):
        answer = answer[name]
    assert answer == found


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
        f"{TRUE}.'maximum recall @ precision >= 0.1xyz'",
        f"{TRUE}.'maximum recall @ precision >= 0.1'.recall",
        f"{TRUE}.'a maximum recall @ precision >= 0.1'",
        f"{TRUE}.'maximum recall @ precision = 0.1'",
        f"{TRUE}.'maximum recall @ precision >= 1e-1'",
        f"{TRUE}.'maximum recall @ threshold >= 0.1'",
        "statistics.thresholds.'maximum recall @ precision >= 0.1'",
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


SHIPPED = shipped_folder() / "enwiki" / "damaging"
AVERAGED = ["match_rate", "filter_rate", "accuracy", "fpr", "roc_auc", "pr_auc"] + [
    f"{sign}{name}" for name in ("recall", "precision", "f1") for sign in ("", "!")
]


@pytest.fixture(scope="module")
def damaging() -> tuple[ModelInfos, Model]:
    model = load_bundle(SHIPPED, with_trees=False)
    return ModelInfos({model.digest: SHIPPED}), model


def test_all_of_the_legacys_statistics_are_told(damaging: tuple[ModelInfos, Model]) -> None:
    infos, model = damaging
    told = infos.select(model, ["statistics"])["statistics"]
    assert {"counts", "rates", *AVERAGED} <= set(told)
    assert "thresholds" not in told
    for name in AVERAGED:
        assert set(told[name]) == {"micro", "macro", "labels"}
        assert set(told[name]["labels"]) == {"true", "false"}
        picked = infos.select(model, [f"statistics.{name}.labels.true", f"statistics.'{name}'.micro"])
        assert picked["statistics"][name] == {
            "labels": {"true": told[name]["labels"]["true"]},
            "micro": told[name]["micro"],
        }


def test_nothing_of_it_needs_the_trees(damaging: tuple[ModelInfos, Model], tmp_path: Path) -> None:
    """The bundle's trees could not even be read here."""
    _, model = damaging
    for name in ("manifest.json", "statistics.json"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    infos = ModelInfos({model.digest: tmp_path})
    query = "statistics.thresholds.true.'maximum recall @ precision >= 0.15'"
    assert infos.select(model, [query, ""])["statistics"]["thresholds"]["true"][0]["precision"] >= 0.15


@given(
    aim=st.sampled_from(["maximum", "minimum"]),
    target=st.sampled_from(
        ["recall", "!recall", "precision", "!precision", "f1", "!f1", "fpr", "filter_rate"]
    ),
    condition=st.sampled_from(["match_rate", "recall", "!precision", "accuracy", "fpr"]),
    sign=st.sampled_from([">=", "<="]),
    value=st.integers(0, 100).map(lambda percent: percent / 100),
    label=st.sampled_from(["true", "false"]),
)
def test_the_best_row_is_what_a_look_at_every_row_finds(
    damaging: tuple[ModelInfos, Model],
    aim: str,
    target: str,
    condition: str,
    sign: str,
    value: float,
    label: str,
) -> None:
    """Sorted as the legacy compared its rows: by target, then by threshold."""
    infos, model = damaging
    rows = infos.tree(model)["statistics"]["thresholds"][label]
    met = [
        row
        for row in rows
        if row[target] is not None
        and row[condition] is not None
        and (row[condition] >= value if sign == ">=" else row[condition] <= value)
    ]
    ordered = sorted(met, key=lambda row: (row[target], row["threshold"]))
    expected = None if not ordered else ordered[-1 if aim == "maximum" else 0]
    query = f"statistics.thresholds.{label}.'{aim} {target} @ {condition} {sign} {value}'"
    assert infos.select(model, [query])["statistics"]["thresholds"][label] == [expected]
