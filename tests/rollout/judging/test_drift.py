"""Scores of the same revisions by both arms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assay.rollout.judging.drift import declaration
from assay.rollout.samples import Evidence, Pair, SeenCell
from rollout.arms import verdict_of
from rollout.seen import SHADOW, Declared, cell, check_of, found, pair

POINTS = {("testwiki", "damaging"): {"true": (0.8,)}}


def _pairs(share: float, delta: float, count: int = 400, *, score: float = 0.3) -> Evidence:
    """Of `count` revisions, a share that changes by `delta`."""
    rng = np.random.default_rng(5)
    changes = rng.random(count) < share
    return Evidence(
        pairs=tuple(_pair(number, score, delta * bool(hit)) for number, hit in enumerate(changes))
    )


def _pair(number: int, score: float, delta: float) -> Pair:
    return pair(cell(score, score + delta, rev_id=number), at_s=float(number))


def test_one_changed_score_is_bad_where_nothing_is_declared() -> None:
    check = check_of(verdict_of(_pairs(0.01, 1e-6), SHADOW), "scores")
    assert check.status == "bad"
    assert "testwiki damaging" in check.sentence
    assert "no drift is declared" in check.sentence


def test_rounding_is_no_change() -> None:
    assert found(_pairs(1.0, 9e-10), "scores")[0] == "good"


def test_another_prediction_is_a_change_though_probabilities_are_equal() -> None:
    odd = pair(cell(SeenCell("true", {"true": 0.5}), SeenCell("false", {"true": 0.5})))
    assert found(Evidence(pairs=(odd,)), "scores")[0] == "bad"


def test_other_labels_are_a_change() -> None:
    odd = pair(cell(SeenCell("B", {"B": 1.0}), SeenCell("B", {"C": 1.0})))
    assert found(Evidence(pairs=(odd,)), "scores")[0] == "bad"


def test_only_the_changed_model_is_named() -> None:
    both = pair(cell(0.3, 0.3, model="goodfaith"), cell(0.3, 0.35))
    check = check_of(verdict_of(Evidence(pairs=(both,)), SHADOW), "scores")
    assert "goodfaith" not in check.sentence
    assert check.figures["models"]["testwiki/goodfaith"]["changed"] == 0
    assert check.figures["models"]["testwiki/damaging"]["changed"] == 1


def test_figures_tell_how_much_and_for_whom() -> None:
    pairs = (
        pair(cell(0.79, 0.81, rev_id=1)),
        pair(cell(0.49, 0.51, rev_id=2)),
        pair(cell(0.1, 0.2, rev_id=3)),
    )
    check = check_of(verdict_of(Evidence(pairs=pairs), SHADOW, operating_points=POINTS), "scores")
    group = check.figures["models"]["testwiki/damaging"]
    assert (group["changed"], group["prediction_flips"], group["operating_point_flips"]) == (3, 1, 1)
    assert group["abs_delta_p50_p90_p99_max"][0] == pytest.approx(0.02)
    assert group["abs_delta_p50_p90_p99_max"][3] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("declared", "seen", "status"),
    [
        (Declared(changed_share=1.0), _pairs(1.0, 0.05), "good"),
        (Declared(changed_share=0.2), _pairs(0.2, 0.05), "good"),
        (Declared(changed_share=0.2), _pairs(0.02, 0.05), "good"),
        (Declared(changed_share=0.2), _pairs(0.5, 0.05), "bad"),
        (Declared(abs_delta_p99=0.1), _pairs(1.0, 0.05), "good"),
        (Declared(abs_delta_p99=0.1), _pairs(0.1, 0.15), "bad"),
        (Declared(flip_share=0.05), _pairs(0.02, 0.3), "good"),
        (Declared(flip_share=0.05), _pairs(0.3, 0.3), "bad"),
        (Declared(wiki="otherwiki"), _pairs(0.1, 0.05), "bad"),
        (Declared(), _pairs(1.0, 0.5), "good"),
    ],
)
def test_declared_drift_may_be_less_but_not_more(declared: Declared, seen: Evidence, status: str) -> None:
    assert found(seen, "scores", declared=[declared])[0] == status


def test_flips_at_operating_points_count_as_flips() -> None:
    seen = _pairs(0.5, 0.02, score=0.79)
    declared = [Declared(flip_share=0.05)]
    assert found(seen, "scores", declared=declared)[0] == "good"
    assert found(seen, "scores", declared=declared, operating_points=POINTS)[0] == "bad"


def test_a_popular_revision_is_one_finding() -> None:
    seen = Evidence(pairs=(*_pairs(0.0, 0.0).pairs, *[pair(cell(0.3, 0.4, rev_id=9999))] * 400))
    assert found(seen, "scores", declared=[Declared(changed_share=0.05)])[0] == "good"


def test_the_nearest_declaration_counts() -> None:
    any_any, wiki, model, both = Declared(), Declared("a", "*"), Declared("*", "m"), Declared("a", "m")
    assert declaration([any_any, model, wiki, both], "a", "m") is both
    assert declaration([any_any, model, wiki], "a", "m") is wiki
    assert declaration([any_any, model], "a", "m") is model
    assert declaration([any_any, both], "b", "n") is any_any
    assert declaration([both], "b", "n") is None


def test_impossible_numbers_are_a_change() -> None:
    odd = pair(cell(0.3, SeenCell("true", {"true": math.inf, "false": 0.0})))
    assert found(Evidence(pairs=(odd,)), "scores")[0] == "bad"
