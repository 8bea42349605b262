from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.errors import BadParameter
from assay.models.query import Query, optima
from assay.models.thresholds import table


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
