"""Cells as each API writes them."""

from __future__ import annotations

from assay.models.model import Explanation, Score
from assay.revisions.problem import source_failed
from assay.scoring.request import Scored
from assay.serving.cells import bare_cell, cell_document, explanation_document
from small_models import small_models

MODEL = small_models().of("smallwiki")["damaging"]
SCORE = Score(True, {True: 0.75, False: 0.25})
TOLD = {"prediction": True, "probability": {"true": 0.75, "false": 0.25}}
PROBLEM = source_failed(7, "it is down")


def test_a_score_has_no_more_around_it_than_was_asked_for() -> None:
    assert bare_cell(Scored(SCORE, {"f": 1})) == TOLD
    assert cell_document(Scored(SCORE), MODEL) == {"score": TOLD}
    assert cell_document(Scored(SCORE, {}), MODEL) == {"score": TOLD, "features": {}}
    assert cell_document(Scored(SCORE, {"f": None}), MODEL) == {"score": TOLD, "features": {"f": None}}


def test_an_explanation_names_the_features_in_the_models_order() -> None:
    names = [feature.name for feature in MODEL.features]
    shares = [float(number) for number in range(len(names))]
    cell = Scored(SCORE, None, Explanation({True: -1.5}, {True: shares}))
    told = {"true": {"base": -1.5, "contributions": dict(zip(names, shares, strict=True))}}
    assert cell_document(cell, MODEL) == {"score": TOLD, "explanation": told}
    assert explanation_document(cell, MODEL) == told
    assert explanation_document(Scored(SCORE), MODEL) == {}


def test_a_problem_says_in_the_later_apis_whether_it_may_pass() -> None:
    error = {"type": PROBLEM.type, "message": PROBLEM.message}
    assert bare_cell(PROBLEM) == {"error": error}
    assert cell_document(PROBLEM, MODEL) == {
        "error": error | {"code": "source_unavailable", "retryable": True}
    }
