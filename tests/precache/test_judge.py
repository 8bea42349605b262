from __future__ import annotations

from typing import Any

import pytest

from assay.precache.judge import Again, Tell, first_error, judge

GOOD: dict[str, Any] = {"score": {"prediction": True, "probability": {"true": 1.0}}}
MODELS = ("damaging", "goodfaith")


def error(code: str, *, retryable: bool = False) -> dict[str, Any]:
    return {"error": {"type": "X", "message": "x", "code": code, "retryable": retryable}}


def verdict(cells: dict[str, Any], attempts: int = 1, tried_s: float = 0.0) -> Tell | Again:
    return judge(cells, MODELS, attempts=attempts, tried_s=tried_s, lag_attempts=4, give_up_s=100.0)


@pytest.mark.parametrize(
    "cells",
    [
        {"damaging": GOOD, "goodfaith": GOOD},
        {"damaging": GOOD, "goodfaith": error("text_deleted")},
        {"damaging": error("page_creation"), "goodfaith": error("parent_not_found")},
    ],
)
def test_what_will_not_change_is_told(cells: dict[str, Any]) -> None:
    assert verdict(cells) == Tell()


def test_a_revision_that_replicas_may_lack_is_asked_for_a_few_times() -> None:
    missing = {name: error("revision_not_found") for name in MODELS}
    assert [verdict(missing, attempts) for attempts in (1, 2, 3, 4)] == [
        Again(1.0, "lag"),
        Again(2.0, "lag"),
        Again(4.0, "lag"),
        Tell(),
    ]


def test_a_retryable_error_is_tried_for_a_while() -> None:
    away = {"damaging": GOOD, "goodfaith": error("source_unavailable", retryable=True)}
    assert verdict(away) == Again(1.0, "cell")
    assert verdict(away, attempts=9, tried_s=30.0) == Again(60.0, "cell")
    assert verdict(away, attempts=9, tried_s=99.0) == Tell()


def test_a_cell_that_is_not_there_is_no_success() -> None:
    assert verdict({"damaging": GOOD}) == Again(1.0, "cell")
    assert verdict({}) == Again(1.0, "cell")


def test_the_first_error_in_the_models_order_says_why() -> None:
    cells = {"goodfaith": {"error": {"message": "second"}}, "damaging": {"error": {"message": "first"}}}
    assert first_error(cells, MODELS) == "first"
    assert first_error({**cells, "damaging": GOOD}, MODELS) == "second"
    assert first_error({"damaging": GOOD}, MODELS) == "Assay's answer leaves it out."
    assert first_error({"damaging": GOOD, "goodfaith": GOOD}, MODELS) == ""
