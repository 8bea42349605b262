from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.models.statistics.query import Query
from assay.models.statistics.threshold_table import ThresholdTable, optima
from assay.models.statistics.thresholds import table
from models.plain_thresholds import plainly_best


@pytest.fixture(scope="module")
def rows() -> ThresholdTable:
    rng = np.random.default_rng(4)
    truth = rng.random(300) < 0.3
    return table(truth, np.array(np.round(rng.random(300) + 0.5 * truth, 2)), 0.05)


@pytest.mark.parametrize("aim", ["maximum", "minimum"])
@pytest.mark.parametrize("sign", [">=", "<="])
@pytest.mark.parametrize("target", ["recall", "filter_rate", "!f1"])
def test_the_best_cut_is_the_best_of_all(rows: ThresholdTable, aim: str, sign: str, target: str) -> None:
    best = rows.best(Query.parse(f"{aim} {target} @ precision {sign} 0.15"))
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


SHARES = st.one_of(st.none(), st.integers(0, 4).map(lambda n: n / 4), st.sampled_from([-0.0, 0.1, 0.333333]))


@given(
    rows=st.lists(st.fixed_dictionaries(dict.fromkeys(("threshold", "recall", "fpr", "!f1"), SHARES))),
    maximum=st.booleans(),
    target=st.sampled_from(["recall", "fpr", "!f1"]),
    condition=st.sampled_from(["recall", "fpr", "!f1"]),
    at_least=st.booleans(),
    value=SHARES.map(lambda share: 2.0 if share is None else share),
)
def test_the_best_row_is_the_very_one_that_a_look_at_each_finds(
    rows: list[dict[str, float | None]],
    maximum: bool,
    target: str,
    condition: str,
    at_least: bool,
    value: float,
) -> None:
    """Ties in all that counts, undefined statistics and thresholds, empty tables; asked twice."""
    query = Query(maximum, target, condition, at_least, value)
    found = ThresholdTable(rows)
    for _ in range(2):
        assert found.best(query) is plainly_best(query, rows)


def test_a_table_is_told_as_a_list(rows: ThresholdTable) -> None:
    rows.best(Query.parse("maximum recall @ precision >= 0.2"))
    assert orjson.loads(orjson.dumps({"table": rows})) == {"table": list(rows)}


def test_impossible_is_none(rows: ThresholdTable) -> None:
    assert rows.best(Query.parse("maximum recall @ precision >= 1.5")) is None
    assert rows.best(Query.parse("MAXIMUM recall @ !precision >= .5")) is not None


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
