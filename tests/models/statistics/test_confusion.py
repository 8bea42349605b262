"""Counts at one cut, against figures that were published of production ORES, and laws."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.models.statistics.confusion import FIELDS, Confusion

COUNTS = st.integers(0, 10**6)
CONFUSIONS = st.builds(Confusion, COUNTS, COUNTS, COUNTS, COUNTS)


def sampled(recall: float, fpr: float) -> Confusion:
    """enwiki damaging 0.5.1 was measured on 19 332 edits, 747 of them damaging."""
    return Confusion(747 * recall, 18_585 * fpr, 18_585 * (1 - fpr), 747 * (1 - recall))


def test_scaled_to_the_wiki_precision_and_filter_rate_are_those_of_the_ores_paper() -> None:
    """'maximum filter_rate @ recall >= 0.75': filter_rate 0.89, precision 0.23, fpr 0.087; rate 0.034."""
    found = sampled(0.75, 0.087).scaled(0.034).statistics()
    assert found["filter_rate"] == pytest.approx(0.89, abs=0.005)
    assert found["match_rate"] == pytest.approx(0.11, abs=0.005)
    assert found["precision"] == pytest.approx(0.23, abs=0.005)
    assert found["recall"] == pytest.approx(0.75)
    assert found["fpr"] == pytest.approx(0.087)


def test_accuracy_at_one_half_is_the_published_one() -> None:
    """Recall 0.574 at precision 0.347 gives the accuracy 0.949."""
    fpr = 0.034 * 0.574 * (1 / 0.347 - 1) / 0.966
    found = sampled(0.574, fpr).scaled(0.034).statistics()
    assert found["precision"] == pytest.approx(0.347)
    assert found["accuracy"] == pytest.approx(0.949, abs=0.0005)


@given(CONFUSIONS, st.floats(0.001, 0.999))
@example(Confusion(0, 3, 4, 0), 0.5)
@example(Confusion(3, 0, 0, 4), 0.5)
def test_scaling_changes_the_share_of_the_label_and_nothing_else(counts: Confusion, rate: float) -> None:
    scaled = counts.scaled(rate)
    if not counts.trues or not counts.falses:
        assert scaled == counts
        return
    assert scaled.n == pytest.approx(counts.n)
    assert scaled.trues / scaled.n == pytest.approx(rate)
    assert scaled.falses == pytest.approx(scaled.n - scaled.trues)
    before, after = counts.statistics(), scaled.statistics()
    for name in ("recall", "!recall", "fpr"):
        assert after[name] == pytest.approx(before[name])
    assert counts.scaled(None) == counts


@given(CONFUSIONS)
def test_the_other_label_s_statistics_are_those_with_an_exclamation_mark(counts: Confusion) -> None:
    own = counts.statistics()
    other = Confusion(tp=counts.tn, fp=counts.fn, tn=counts.tp, fn=counts.fp).statistics()
    for name in ("precision", "recall", "f1"):
        assert (own[f"!{name}"], own[name]) == (other[name], other[f"!{name}"])
    assert (own["match_rate"], own["accuracy"]) == (other["filter_rate"], other["accuracy"])


def test_f1_is_the_harmonic_mean_and_none_without_one() -> None:
    found = Confusion(tp=6, fp=2, tn=10, fn=3).statistics()
    assert found["f1"] == pytest.approx(2 * 6 / (2 * 6 + 2 + 3))
    assert found["!f1"] == pytest.approx(2 * 10 / (2 * 10 + 3 + 2))
    assert found["filter_rate"] == pytest.approx(13 / 21)
    assert Confusion(0, 0, 5, 0).statistics()["f1"] is None
    assert tuple(found) == FIELDS
