"""The verdict on two models; that of trained ones: `test_base_model`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.models.base_model import Base, read_base
from assay.models.recipe import Split
from assay.models.statistics.metrics import roc_auc
from assay.models.training.compare import ALIKE, BETTER, UNTOLD, WORSE, Areas, Comparison, comparison
from assay.models.training.make import make_bundle
from assay.models.training.train import Trained, train
from models import makers

AREAS = Areas(10, 5, 0.9, 0.5)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.01, 0.2), BETTER),
        ((-0.2, -0.01), WORSE),
        ((-0.1, 0.2), ALIKE),
        ((0.0, 0.2), ALIKE),
        ((-0.2, 0.0), ALIKE),
        ((0.0, 0.0), ALIKE),
        (None, UNTOLD),
    ],
)
def test_only_an_interval_on_one_side_of_nothing_is_a_verdict(
    interval: tuple[float, float] | None, verdict: str
) -> None:
    found = Comparison("anywiki/reverted", AREAS, interval, AREAS)
    assert found.verdict == verdict
    assert found.to_json() == {
        "other": "anywiki/reverted",
        "verdict": verdict,
        "interval_95": interval,
        "all": {"n": 10, "positives": 5, "own": 0.9, "other": 0.5},
        "strangers": {"n": 10, "positives": 5, "own": 0.9, "other": 0.5},
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("base") / "testwiki" / "reverted"
    make_bundle(makers.rows(400, seed=11), makers.recipe(), path)
    base: Base = read_base(path)
    recipe = makers.recipe(grown_on=base.digest, split=Split("time", share=0.3))
    return train(makers.rows(400), recipe, base=base)


def test_both_are_measured_on_the_held_out_rows_alone(trained: Trained) -> None:
    found = comparison(trained)
    assert found is not None
    assert trained.base is not None
    held = trained.data.rows(trained.held_out.rows)
    truth = held["label"] >= 0.5
    assert (found.all.n, found.all.positives) == (len(held), truth.sum())
    assert found.all.own == roc_auc(truth, trained.held_out.raw[:, 0])
    assert found.all.other == roc_auc(truth, trained.base.raw(held.x)[:, 0])
    assert found.strangers.n == 0, "all pages and actors were met"
    assert (found.strangers.own, found.strangers.other) == (None, None)


def test_a_model_that_says_the_opposite_is_called_worse(trained: Trained) -> None:
    """Else an operator would be told to serve it."""
    held_out = replace(trained.held_out, raw=-trained.held_out.raw)
    found = comparison(replace(trained, held_out=held_out))
    assert found is not None
    assert found.verdict == WORSE
    constant = replace(trained.held_out, raw=np.zeros_like(trained.held_out.raw))
    flat = comparison(replace(trained, held_out=constant))
    assert flat is not None
    assert (flat.verdict, flat.all.own) == (WORSE, 0.5)


def test_without_a_base_there_is_nothing_to_compare(trained: Trained) -> None:
    assert comparison(replace(trained, base=None)) is None
