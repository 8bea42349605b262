"""A server's documents as values."""

from __future__ import annotations

from typing import Any

import pytest

from assay.client.results import (
    Cut,
    ExplainedRevision,
    Explanation,
    ModelDescription,
    ModelInfo,
    Optimum,
    Score,
    ScoreError,
    Thresholds,
    WikiInfo,
    is_retryable,
    parse_cells,
)

SCORE = {"prediction": True, "probability": {"true": 0.75, "false": 0.25}}
ERROR = {"code": "text_deleted", "type": "TextDeleted", "message": "Hidden.", "retryable": False}


def test_a_score_has_what_was_asked_for() -> None:
    explained = {"true": {"base": -1.0, "contributions": {"f": 2.0}}}
    told = parse_cells(
        {
            "bare": {"score": SCORE},
            "whole": {"score": SCORE, "features": {"f": None}, "explanation": explained},
            "none": {"error": ERROR, "more": 1},
        }
    )
    probability = SCORE["probability"]
    assert told == {
        "bare": Score(True, probability),  # type: ignore[arg-type]
        "whole": Score(True, probability, {"f": None}, {"true": Explanation(-1.0, {"f": 2.0})}),  # type: ignore[arg-type]
        "none": ScoreError("text_deleted", "TextDeleted", "Hidden.", False),
    }


def test_cells_may_be_had_later_when_one_may() -> None:
    score, lasting = Score(True, {}), ScoreError("a", "A", "x", False)
    assert not is_retryable({})
    assert not is_retryable({"a": score, "b": lasting})
    assert is_retryable({"a": score, "b": lasting, "c": ScoreError("c", "C", "x", True)})


def test_an_explained_edit_has_each_features_value_and_shares_by_label() -> None:
    features = [
        {"name": "f", "value": 3, "injected": False, "contributions": {"A": 0.5, "B": -0.5}},
        {"name": "g", "value": None, "injected": True, "contributions": {"A": 0.0, "B": 1.0}},
    ]
    cell = {
        "prediction": "B",
        "probability": {"A": 0.1, "B": 0.9},
        "features": features,
        "explanation": {"A": {"base": 1.0, "logit": 1.5}, "B": {"base": 2.0, "logit": 2.5}},
    }
    told = {"wiki": "w", "revision": {"id": 7}, "diff": None, "scores": {"m": cell, "n": {"error": ERROR}}}
    explained = ExplainedRevision.parse(told)
    assert (explained.wiki, explained.revision, explained.diff) == ("w", {"id": 7}, None)
    assert explained.scores["m"] == Score(
        "B",
        {"A": 0.1, "B": 0.9},
        {"f": 3, "g": None},
        {"A": Explanation(1.0, {"f": 0.5, "g": 0.0}), "B": Explanation(2.0, {"f": -0.5, "g": 1.0})},
    )
    assert isinstance(explained.scores["n"], ScoreError)


def test_wikis_and_models_have_their_names_in_order() -> None:
    model = {"name": "m", "version": "1", "digest": "d", "labels": [True, False], "more": 1}
    told = {"name": "w", "models": [{**model, "features": [{"name": "g"}, {"name": "f"}]}]}
    assert WikiInfo.parse(told) == WikiInfo("w", {"m": ModelInfo("m", "1", "d", (True, False), ("g", "f"))})
    names = ModelDescription.__slots__
    assert ModelDescription.parse(dict.fromkeys((*names, "more"), "x")) == ModelDescription(*"x" * len(names))


CUT = {
    "threshold": 0.5,
    "statistics": {"recall": 0.9, "precision": None},
    "intervals_95": {"recall": [0.8, 0.95], "precision": None},
    "counts": {"tp": 1},
}
PARSED = Cut(0.5, {"recall": 0.9, "precision": None}, {"recall": (0.8, 0.95), "precision": None}, {"tp": 1})


@pytest.mark.parametrize("is_met", [True, False])
def test_an_optimum_has_its_cut_or_the_nearest(is_met: bool) -> None:
    cut, nearest = (CUT, None) if is_met else (None, CUT)
    optimum = Optimum.parse({"query": "q", "label": "true", "cut": cut, "nearest": nearest})
    assert optimum == Optimum("q", "true", PARSED if is_met else None, None if is_met else PARSED)


def test_thresholds_have_their_points_by_name() -> None:
    point: dict[str, Any] = {"title": "T", "query": "q", "label": "true", "cut": CUT, "nearest": None}
    points = [{**point, "name": "a", "range": [0.5, 1.0]}, {**point, "name": "b", "range": None}]
    told = {
        **dict.fromkeys(("wiki", "model", "version", "digest", "label"), "x"),
        "population_rate": 0.1,
        "table": [{"threshold": 0.5}],
        "operating_points": points,
    }
    thresholds = Thresholds.parse(told)
    assert thresholds.table == ({"threshold": 0.5},)
    assert (thresholds.label, thresholds.population_rate) == ("x", 0.1)
    assert {name: one.range for name, one in thresholds.operating_points.items()} == {
        "a": (0.5, 1.0),
        "b": None,
    }
    assert thresholds.operating_points["a"].optimum == Optimum("q", "true", PARSED, None)
    assert thresholds.operating_points["b"].title == "T"
