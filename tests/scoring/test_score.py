"""The computation of one job."""

from __future__ import annotations

from dataclasses import replace
from math import exp, isclose

import pytest

from assay.errors import BadInjection
from assay.features.graph.node import Datasource, Feature
from assay.features.roots import COMMENT, TEXT
from assay.revisions.problem import Problem, text_deleted, user_deleted
from assay.revisions.types import UNKNOWN, Actor, Revision
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, check_injection, compute, injectable, read_by
from assay.scoring.synthetic import synthetic_revision
from small_models import IS_LONG, TEXT_CHARS, LinearModel, small_models

MODELS = small_models().of("smallwiki")
REVISION = synthetic_revision(5)


def cells(revision: Revision = REVISION, *names: str, **options: object) -> dict[str, object]:
    job = Job("smallwiki", names or tuple(MODELS), revision, **options)  # type: ignore[arg-type]
    return dict(compute(job, MODELS, PlanCache()).cells)


def test_every_model_has_its_cell() -> None:
    assert set(cells()) == set(MODELS)
    assert all(isinstance(cell, Scored) for cell in cells().values())


def test_features_and_explanation_come_only_when_asked_for() -> None:
    plain = cells()["damaging"]
    assert isinstance(plain, Scored)
    assert plain.features is None
    assert plain.explanation is None
    full = cells(REVISION, "damaging", features=True, explain=True)["damaging"]
    assert isinstance(full, Scored)
    assert full.features == {
        "feature.test.chars": 165,
        "feature.test.is_long": True,
        "feature.test.shouts": 0,
    }
    assert full.explanation is not None
    logit = full.explanation.base[True] + sum(full.explanation.contributions[True])
    assert isclose(1 / (1 + exp(-logit)), full.score.probability[True], rel_tol=1e-12)


def test_a_failing_feature_costs_only_the_models_that_read_it() -> None:
    found = cells(replace(REVISION, text=""))
    assert isinstance(found["fragile"], Problem)
    assert found["fragile"].code == "feature_failed"
    assert found["fragile"].type == "CaughtDependencyError"
    assert "Traceback" not in found["fragile"].message
    assert isinstance(found["damaging"], Scored)


def test_a_failing_model_costs_only_its_own_cell() -> None:
    found = cells(injection={"feature.test.shouts": 666})
    assert isinstance(found["damaging"], Problem)
    assert found["damaging"].code == "model_failed"
    assert "number of the beast" in found["damaging"].message
    assert isinstance(found["goodfaith"], Scored)


def test_a_hidden_part_disturbs_only_those_who_read_it() -> None:
    found = cells(replace(REVISION, actor=user_deleted(5)))
    assert found["goodfaith"] == user_deleted(5)
    assert isinstance(found["damaging"], Scored)
    assert cells(replace(REVISION, text=text_deleted(5)))["damaging"] == text_deleted(5)


def test_what_is_not_known_is_missing_not_zero() -> None:
    assert isinstance(REVISION.actor, Actor)
    stranger = replace(REVISION.actor, edit_count=UNKNOWN)
    found = cells(replace(REVISION, actor=stranger), features=True)
    assert isinstance(found["goodfaith"], Scored)
    assert found["goodfaith"].features is not None
    assert found["goodfaith"].features["feature.test.edit_count"] is None


def test_a_page_creation_is_a_problem_for_models_that_need_a_parent() -> None:
    creation = replace(REVISION, parent=None, parent_id=None)
    found = cells(creation)
    assert isinstance(found["parented"], Problem)
    assert found["parented"].code == "page_creation"
    assert isinstance(found["damaging"], Scored)
    injected = cells(creation, "parented", injection={"datasource.revision.parent.text": "before"})
    assert isinstance(injected["parented"], Scored)


def test_everything_downstream_follows_an_injected_datasource() -> None:
    job = {"injection": {"datasource.revision.text": "Hi!!"}, "features": True}
    found = cells(REVISION, "damaging", **job)["damaging"]
    assert isinstance(found, Scored)
    assert found.features == {
        "feature.test.chars": 4,
        "feature.test.is_long": False,
        "feature.test.shouts": 2,
    }


def test_an_injected_feature_is_taken_before_a_datasource_above_it() -> None:
    injection = {"datasource.revision.text": "Hi!!", "feature.test.chars": 500}
    found = cells(REVISION, "damaging", injection=injection, features=True)["damaging"]
    assert isinstance(found, Scored)
    assert found.features == {
        "feature.test.chars": 500,
        "feature.test.is_long": True,
        "feature.test.shouts": 2,
    }


def test_an_injected_null_is_a_missing_value() -> None:
    found = cells(REVISION, "damaging", injection={"feature.test.chars": None}, features=True)["damaging"]
    assert isinstance(found, Scored)
    assert found.features is not None
    assert found.features["feature.test.chars"] is None
    assert found.features["feature.test.is_long"] is None


def test_injection_mends_a_problem() -> None:
    hidden = replace(REVISION, text=text_deleted(5))
    assert isinstance(
        cells(hidden, "damaging", injection={"datasource.revision.text": ""})["damaging"], Scored
    )


def test_a_wrong_injection_is_a_problem_and_names_the_value() -> None:
    found = cells(injection={"feature.test.chars": "many"})
    assert {cell.code for cell in found.values() if isinstance(cell, Problem)} == {"bad_injection"}
    assert "feature.test.chars" in str(found["damaging"])


def test_checking_names_every_wrong_value() -> None:
    nodes = injectable(MODELS.values())
    check_injection(nodes, {"feature.test.chars": 1, "datasource.revision.text": "x"})
    with pytest.raises(BadInjection) as caught:
        check_injection(nodes, {"feature.nonsense": 1, "feature.test.is_long": 3})
    assert "feature.nonsense" in str(caught.value)
    assert "feature.test.is_long" in str(caught.value)


# -- features that are told, not read ------------------------------------------------------------------

SEEN: list[str] = []
"""Texts that `LINES` was computed from."""


def _lines(text: str) -> list[str]:
    SEEN.append(text)
    return text.splitlines()


LINES = Datasource("datasource.test.lines", "", (TEXT,), _lines)
TOLD = (
    Feature("feature.test.lines", "", (LINES,), len, type="int"),
    Feature("feature.test.longest_line", "", (LINES,), lambda lines: max(map(len, lines)), type="int"),
    Feature("feature.test.remarks", "", (COMMENT,), len, type="int"),
)
TELLING = {"telling": LinearModel("smallwiki", "telling", (TEXT_CHARS, IS_LONG), told=TOLD)}


def telling(revision: Revision = REVISION, **options: object) -> Scored:
    SEEN.clear()
    job = Job("smallwiki", ("telling",), revision, **options)  # type: ignore[arg-type]
    found = compute(job, TELLING, PlanCache()).cells["telling"]
    assert isinstance(found, Scored)
    return found


def test_what_is_only_told_is_not_computed_for_a_score() -> None:
    for options in ({}, {"explain": True}, {"injection": {"datasource.revision.text": "Hi!"}}):
        assert telling(**options).features is None
        assert SEEN == []


def test_what_nobody_wants_to_be_told_is_not_computed() -> None:
    found = telling(features=True, explain=True, told=False)
    assert set(found.features or ()) == {feature.name for feature in TELLING["telling"].features}
    assert SEEN == []


def test_what_is_told_is_computed_once_with_the_models_own() -> None:
    found = telling(replace(REVISION, text="one\nand two", comment="why"), features=True, explain=True)
    assert SEEN == ["one\nand two"]
    assert found.features == {
        "feature.test.chars": 11,
        "feature.test.is_long": False,
        "feature.test.lines": 2,
        "feature.test.longest_line": 7,
        "feature.test.remarks": 3,
    }
    assert found.explanation is not None
    assert len(found.explanation.contributions[True]) == 2


def test_what_cannot_be_told_spoils_no_score() -> None:
    found = telling(replace(REVISION, text="", comment=text_deleted(5)), features=True)
    assert found.score == telling(replace(REVISION, text="")).score
    assert found.features is not None
    assert {name: value for name, value in found.features.items() if value is None} == {
        "feature.test.longest_line": None,
        "feature.test.remarks": None,
    }


def test_an_injected_value_is_told_and_moves_no_score() -> None:
    plain = telling(features=True)
    for injection in ({"feature.test.lines": 99}, {"feature.test.lines": None}):
        found = telling(features=True, injection=injection)
        assert found.score == plain.score
        assert found.features == {**(plain.features or {}), **injection}
        assert telling(injection=injection).score == plain.score


def test_an_injected_datasource_moves_the_score_and_what_is_told() -> None:
    plain = telling(features=True)
    found = telling(features=True, injection={"datasource.revision.text": "a\nb\nc"})
    assert found.score != plain.score
    assert found.features is not None
    assert found.features["feature.test.lines"] == 3


def test_what_is_told_can_be_injected_but_is_not_read() -> None:
    model = TELLING["telling"]
    assert {feature.name for feature in TOLD} <= injectable([model]).keys()
    assert read_by(model) == {"datasource.revision.text", "feature.test.chars", "feature.test.is_long"}


def test_plans_are_kept_and_bounded() -> None:
    plans = PlanCache(max_plans=3)
    models = [MODELS["damaging"]]
    assert plans.prepare(models, ()) is plans.prepare(models, ["feature.unrelated"])
    for name in ("feature.test.chars", "feature.test.is_long", "feature.test.shouts"):
        plans.prepare(models, [name])
    assert len(plans) == 3
