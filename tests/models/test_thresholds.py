from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadParameter
from assay.models.confusion import FIELDS, Confusion
from assay.models.query import Query, optima
from assay.models.thresholds import MAX_ROWS, table

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=1, max_size=60)


@given(ROWS, st.one_of(st.none(), st.floats(0.01, 0.99)))
def test_every_row_equals_counting_by_hand(rows: list[tuple[bool, int]], rate: float | None) -> None:
    truth = np.array([row[0] for row in rows])
    score = np.array([row[1] / 12 for row in rows])
    found = table(truth, score, rate)
    assert [row["threshold"] for row in found] == sorted(set(score))
    weight = np.ones(len(rows))
    if rate is not None and truth.any() and not truth.all():
        weight = np.where(truth, rate / truth.mean(), (1 - rate) / (1 - truth.mean()))
    for row in found:
        matched = score >= row["threshold"]
        expected = {
            "match_rate": (matched, np.ones_like(truth)),
            "precision": (truth, matched),
            "!precision": (~truth, ~matched),
            "recall": (matched, truth),
            "!recall": (~matched, ~truth),
            "accuracy": (matched == truth, np.ones_like(truth)),
            "fpr": (matched, ~truth),
        }
        for name, (part, whole) in expected.items():
            total = weight[whole.astype(bool)].sum()
            if not total:
                assert row[name] is None
            else:
                share = weight[whole.astype(bool) & part].sum() / total
                assert row[name] == pytest.approx(share, abs=1e-9)


def test_f1_is_the_harmonic_mean_and_none_without_one() -> None:
    found = Confusion(tp=6, fp=2, tn=10, fn=3).statistics()
    assert found["f1"] == pytest.approx(2 * 6 / (2 * 6 + 2 + 3))
    assert found["!f1"] == pytest.approx(2 * 10 / (2 * 10 + 3 + 2))
    assert found["filter_rate"] == pytest.approx(13 / 21)
    assert Confusion(0, 0, 5, 0).statistics()["f1"] is None
    assert tuple(found) == FIELDS


def test_many_scores_are_thinned_without_losing_the_ends_or_the_steps() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(20_000) < 0.03
    score = rng.random(20_000) + 0.3 * truth
    found = table(truth, score, None)
    assert 0.7 * MAX_ROWS < len(found) <= MAX_ROWS + 2
    assert (found[0]["threshold"], found[-1]["threshold"]) == (score.min(), score.max())
    way = [row["recall"] + row["fpr"] for row in found]  # type: ignore[operator]
    assert max(a - b for a, b in pairwise(way)) < 2.5 * 2 / MAX_ROWS
    for row in found[::50]:
        assert row["recall"] == (score[truth] >= row["threshold"]).mean()


@pytest.fixture(scope="module")
def rows() -> list[dict[str, float | None]]:
    rng = np.random.default_rng(4)
    truth = rng.random(300) < 0.3
    return table(truth, np.array(np.round(rng.random(300) + 0.5 * truth, 2)), 0.05)


@pytest.mark.parametrize("aim", ["maximum", "minimum"])
@pytest.mark.parametrize("sign", [">=", "<="])
@pytest.mark.parametrize("target", ["recall", "filter_rate", "!f1"])
def test_the_best_cut_is_the_best_of_all(
    rows: list[dict[str, float | None]], aim: str, sign: str, target: str
) -> None:
    best = Query.parse(f"{aim} {target} @ precision {sign} 0.15").best(rows)
    allowed = [
        row
        for row in rows
        if row["precision"] is not None
        and row[target] is not None
        and (row["precision"] >= 0.15 if sign == ">=" else row["precision"] <= 0.15)
    ]
    assert best in allowed
    assert best is not None
    pick: Any = max if aim == "maximum" else min
    assert best[target] == pick(row[target] for row in allowed)
    ties = [row["threshold"] for row in allowed if row[target] == best[target]]
    assert best["threshold"] == pick(ties)


def test_impossible_is_none(rows: list[dict[str, float | None]]) -> None:
    assert Query.parse("maximum recall @ precision >= 1.5").best(rows) is None
    assert Query.parse("MAXIMUM recall @ !precision >= .5").best(rows) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "maximum recall",
        "maximum recall @ precision >= 0.9xyz",
        "best recall @ precision >= 0.9",
        "maximum recall @ precision > 0.9",
        "maximum threshold @ precision >= 0.9",
        "maximum nothing @ precision >= 0.9",
        "maximum recall @ precision >= 0.9" + " " * 500,
        "maximum recall @ precision >= 1e400",
    ],
)
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        Query.parse(text)


def test_the_best_threshold_of_each_label_and_their_averages() -> None:
    rows = {
        "true": [
            {"threshold": 0.2, "recall": 0.9, "fpr": 0.3},
            {"threshold": 0.6, "recall": 0.5, "fpr": 0.1},
        ],
        "false": [{"threshold": 0.4, "recall": 0.95, "fpr": 0.2}],
    }
    rates = {"sample": {"true": 0.5, "false": 0.5}}
    document = {"thresholds": rows, "rates": rates}
    found = optima(document, Query.parse("maximum recall @ fpr <= 0.25"))
    assert found["labels"] == {"true": 0.6, "false": 0.4}
    assert found["macro"] == found["micro"] == 0.5
    scaled = {"thresholds": rows, "rates": {**rates, "population": {"true": 0.1, "false": 0.9}}}
    assert optima(scaled, Query.parse("maximum recall @ fpr <= 0.25"))["micro"] == pytest.approx(0.42)
    impossible = optima(document, Query.parse("maximum recall @ fpr <= 0.15"))
    assert impossible == {"micro": None, "macro": None, "labels": {"true": 0.6, "false": None}}
