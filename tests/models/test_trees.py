from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.models.bundle import load_bundle
from assay.models.calibrate import Calibration
from assay.models.trees import sigmoid, softmax
from models import makers

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(allow_nan=False, width=32)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    makers.bundle(folder, 2, calibration=Calibration(1.7, (-0.4,)))
    makers.bundle(folder, 4, calibration=Calibration(0.6, (0.1, -0.2, 0.3, 0.0)))
    return folder


@given(row=st.tuples(VALUES, VALUES))
def test_binary_probabilities_sum_to_one_and_the_explanation_to_the_score(folder: Path, row: tuple) -> None:  # type: ignore[type-arg]
    model = _load(folder / "testwiki" / "reverted")
    score = model.score(row)
    assert set(score.probability) == {True, False}
    assert math.isclose(sum(score.probability.values()), 1, abs_tol=1e-12)
    assert score.prediction is (score.probability[True] >= 0.5)
    told = model.explain(row)
    logit = told.base[True] + math.fsum(told.contributions[True])
    assert math.isclose(sigmoid(logit), score.probability[True], abs_tol=1e-9)
    assert math.isclose(logit, math.log(score.probability[True] / score.probability[False]), abs_tol=1e-9)
    assert len(told.contributions[True]) == len(model.features) == 2


@given(row=st.tuples(VALUES, VALUES))
def test_several_classes_likewise(folder: Path, row: tuple) -> None:  # type: ignore[type-arg]
    model = _load(folder / "testwiki" / "articlequality")
    score = model.score(row)
    assert tuple(score.probability) == model.labels == ("A", "B", "C", "D")
    assert math.isclose(sum(score.probability.values()), 1, abs_tol=1e-12)
    assert score.probability[score.prediction] == max(score.probability.values())
    told = model.explain(row)
    chances = softmax([told.base[label] + math.fsum(told.contributions[label]) for label in model.labels])
    assert np.allclose(chances, list(score.probability.values()), atol=1e-9)


def test_single_rows_score_as_training_measured_them(folder: Path) -> None:
    made = makers.trained()
    model = _load(folder / "testwiki" / "reverted")
    x = made.data.x[:20]
    from assay.models.forest import Forest

    raw = [Forest(made.trees, 2, 1).raw(row)[0] for row in x.tolist()]
    expected = [sigmoid(1.7 * value - 0.4) for value in raw]
    assert [model.score(row).probability[True] for row in x.tolist()] == pytest.approx(expected, abs=1e-12)


@given(st.floats(-1e4, 1e4))
def test_sigmoid_never_overflows_and_is_symmetric(logit: float) -> None:
    assert 0 <= sigmoid(logit) <= 1
    assert math.isclose(sigmoid(logit) + sigmoid(-logit), 1, abs_tol=1e-12)


_CACHE: dict[Path, object] = {}


def _load(path: Path):  # type: ignore[no-untyped-def]
    if path not in _CACHE:
        _CACHE[path] = load_bundle(path)
    return _CACHE[path]
