from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.models.calibrate import Calibration, fit_calibration, probabilities


@settings(max_examples=15)
@given(scale=st.floats(0.2, 4), bias=st.floats(-3, 3))
def test_a_known_distortion_is_undone(scale: float, bias: float) -> None:
    raw = np.random.default_rng(1).normal(size=(4000, 1)) * 2
    truth = probabilities(scale * raw + bias)[:, 0]
    found = fit_calibration(raw, truth, np.ones(4000))
    assert found.scale == pytest.approx(scale, rel=0.01)
    assert found.bias[0] == pytest.approx(bias, abs=0.02)


def test_several_classes_lose_their_distortion() -> None:
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(20_000, 3))
    chances = probabilities(1.8 * raw + np.array([0.5, -0.2, -0.3]))
    label = (chances.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    found = fit_calibration(raw, label, np.ones(20_000))
    assert found.scale == pytest.approx(1.8, abs=0.06)
    assert found.bias == pytest.approx((0.5, -0.2, -0.3), abs=0.06)


def test_weights_count() -> None:
    raw = np.zeros((4, 1))
    label = np.array([1, 0, 0, 0])
    found = fit_calibration(raw, label, np.array([3.0, 1.0, 1.0, 1.0]))
    assert probabilities(found.logits(raw))[0, 0] == pytest.approx(0.5, abs=1e-4)


def test_with_one_label_only_nothing_is_changed() -> None:
    assert fit_calibration(np.ones((5, 1)), np.ones(5), np.ones(5)) == Calibration.identity(1)
    assert fit_calibration(np.ones((5, 3)), np.zeros(5), np.ones(5)) == Calibration.identity(3)


@given(st.lists(st.floats(-900, 900), min_size=1, max_size=6))
def test_probabilities_never_overflow_and_sum_to_one(logits: list[float]) -> None:
    found = probabilities(np.array([logits]))
    assert found.shape == (1, max(2, len(logits)))
    assert found.sum() == pytest.approx(1)
    assert np.isfinite(found).all()
