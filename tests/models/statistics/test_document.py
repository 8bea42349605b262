from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.models.dataset import Floats, Indices
from assay.models.statistics.document import Scored, headline, statistics


def scored(n: int = 500, classes: int = 2, rates: dict[str, float] | None = None) -> Scored:
    rng = np.random.default_rng(classes)
    truth: Indices = rng.integers(0, classes, n)
    raw = rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[truth]
    probability: Floats = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    labels = (True, False) if classes == 2 else tuple("ABCDEF"[:classes])
    return Scored(labels, truth, probability, rng.integers(0, 80, n), rng.integers(0, 3, n), rates)


def test_the_shape_is_the_legacys() -> None:
    document = statistics(scored(), seed=1)
    assert document["counts"]["n"] == 500
    assert set(document["counts"]["predictions"]["true"]) == {"true", "false"}
    for name in ("recall", "!recall", "precision", "filter_rate", "fpr", "f1", "roc_auc", "pr_auc"):
        assert set(document[name]) == {"micro", "macro", "labels"}
        assert set(document[name]["labels"]) == {"true", "false"}
    assert set(document["thresholds"]) == {"true", "false"}
    assert "population" not in document["rates"]


@pytest.mark.parametrize("classes", [2, 4])
def test_figures_equal_counting_by_hand(classes: int) -> None:
    data = scored(classes=classes)
    document = statistics(data, seed=1)
    names = ["true", "false"] if classes == 2 else list("ABCD")
    recalls = [(data.prediction[data.truth == i] == i).mean() for i in range(classes)]
    precisions = [(data.truth[data.prediction == i] == i).mean() for i in range(classes)]
    for i, name in enumerate(names):
        assert document["recall"]["labels"][name] == pytest.approx(recalls[i], abs=1e-6)
        assert document["precision"]["labels"][name] == pytest.approx(precisions[i], abs=1e-6)
        for j, other in enumerate(names):
            count = int(((data.truth == i) & (data.prediction == j)).sum())
            assert document["counts"]["predictions"][name][other] == count
    assert document["recall"]["macro"] == pytest.approx(np.mean(recalls), abs=1e-6)
    shares = np.bincount(data.truth) / len(data.truth)
    assert document["recall"]["micro"] == pytest.approx((shares * recalls).sum(), abs=1e-6)
    accuracy = (data.prediction == data.truth).mean()
    assert document["assay"]["exact_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    low, high = document["assay"]["intervals_95"]["accuracy"]
    assert low < accuracy < high


def test_population_rates_scale_precision_but_not_recall() -> None:
    plain = statistics(scored(), seed=1)
    scaled = statistics(scored(rates={"true": 0.03, "false": 0.97}), seed=1)
    assert scaled["recall"]["labels"] == plain["recall"]["labels"]
    assert scaled["roc_auc"]["labels"] == plain["roc_auc"]["labels"]
    recall, fpr = (plain[name]["labels"]["true"] for name in ("recall", "fpr"))
    expected = 0.03 * recall / (0.03 * recall + 0.97 * fpr)
    assert scaled["precision"]["labels"]["true"] == pytest.approx(expected, abs=1e-5)
    assert scaled["match_rate"]["labels"]["true"] == pytest.approx(0.03 * recall + 0.97 * fpr, abs=1e-5)
    assert scaled["pr_auc"]["labels"]["true"] < plain["pr_auc"]["labels"]["true"]
    assert scaled["rates"]["population"] == {"true": 0.03, "false": 0.97}


def test_groups_are_measured_apart_and_tiny_ones_only_counted() -> None:
    data = scored()
    few = Scored(
        data.labels,
        data.truth,
        data.probability,
        data.clusters,
        np.where(np.arange(500) < 5, 2, 0),
    )
    groups = statistics(few, seed=1)["assay"]["groups"]
    assert groups["experienced"] == {"n": 5, "trues": int((data.truth[:5] == 0).sum())}
    assert groups["anonymous"]["n"] == 495
    rest = data.truth[5:] == 0
    assert groups["anonymous"]["observed_rate"] == pytest.approx(rest.mean(), abs=1e-6)


def test_one_label_only_gives_none_and_no_crash() -> None:
    data = scored()
    document: dict[str, Any] = statistics(data.rows(data.truth == 1), seed=1)
    assert document["roc_auc"] == {"micro": None, "macro": None, "labels": {"true": None, "false": None}}
    assert document["recall"]["labels"]["true"] is None


def test_the_same_seed_gives_the_same_document() -> None:
    assert statistics(scored(), seed=3) == statistics(scored(), seed=3)
    assert statistics(scored(), seed=3) != statistics(scored(), seed=4)


def test_the_headline_tells_what_one_asks_first() -> None:
    assert headline(statistics(scored(classes=4), seed=1)).count("within one class") == 1
    told = headline(statistics(scored(), seed=1))
    assert told.startswith("accuracy 0.")
    assert "ROC-AUC 0." in told
    assert told.endswith("on 500 rows it never saw")
    data = scored()
    assert "ROC-AUC" not in headline(statistics(data.rows(data.truth == 1), seed=1))
