from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.models.statistics.thresholds import MAX_ROWS, table

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
