"""Cells with what moved them, and what an edit did."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assay.clock import SystemClock
from assay.models.model import Explanation, Score
from assay.revisions.problem import Problem, parent_not_found, text_deleted
from assay.revisions.types import UNKNOWN, Known, Page, Revision
from assay.scoring.request import Scored
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import Wiki
from assay.serving.native.explained import cells_document, diff_document
from small_models import small_models

MODELS = small_models().of("smallwiki")
WIKI = Wiki("smallwiki", SyntheticSource(SystemClock()), MODELS)


def test_each_feature_has_its_value_and_its_share_in_each_label() -> None:
    model = MODELS["damaging"]
    names = [feature.name for feature in model.features]
    shares = [0.25 * number for number in range(len(names))]
    cell = Scored(
        Score(True, {True: 0.75, False: 0.25}),
        dict.fromkeys(names, 3) | {"feature.only.told": 1},
        Explanation({True: -1.0}, {True: shares}),
    )
    told = cells_document(WIKI, {"damaging": cell}, {names[-1]: 3, "datasource.revision.text": "x"})
    assert told["damaging"] == {
        "prediction": True,
        "probability": {"true": 0.75, "false": 0.25},
        "features": [
            {"name": name, "value": 3, "injected": name == names[-1], "contributions": {"true": share}}
            for name, share in zip(names, shares, strict=True)
        ],
        "explanation": {"true": {"base": -1.0, "logit": -1.0 + sum(shares)}},
    }


def test_a_problem_is_told_in_its_models_cell() -> None:
    told = cells_document(WIKI, {"damaging": text_deleted(7)}, {})
    assert told["damaging"]["error"]["code"] == "text_deleted"


def revision(text: str | Problem, parent: Revision | Problem | Known[None]) -> Revision:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Revision(7, Page("X"), UNKNOWN, at, UNKNOWN, text, parent)


def test_a_first_revision_is_compared_with_nothing() -> None:
    created, edited = revision("One\n", None), revision("One\n", revision("", None))
    assert diff_document(created) == diff_document(edited)
    assert diff_document(created) is not None
    assert diff_document(created) != diff_document(revision("One\n", revision("Two\n", None)))


@pytest.mark.parametrize(
    ("text", "parent"),
    [
        (text_deleted(7), None),
        ("x", parent_not_found(7, 6)),
        ("x", UNKNOWN),
        ("x", revision(text_deleted(6), UNKNOWN)),
    ],
)
def test_without_both_texts_there_is_no_difference(
    text: str | Problem, parent: Revision | Problem | Known[None]
) -> None:
    assert diff_document(revision(text, parent)) is None
