"""Thresholds that make no sense are refused, and each says why it is as it is."""

from __future__ import annotations

import ast
import inspect
import itertools
from dataclasses import fields

import pytest

from assay.rollout import guards
from assay.rollout.guards import GuardOptions


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"lost_share": 1.5}, "lost_share must lie in 0 … 1"),
        ({"passing_share": -0.1, "failed_share_rise": 2.0}, "passing_share, failed_share_rise must lie"),
        ({"changed_share": float("nan")}, "changed_share must lie"),
        ({"false_alarm_share": 0.0}, "false_alarm_share must be above 0"),
        ({"latency_ratio": 0.9}, "latency_ratio must be at least 1"),
    ],
)
def test_senseless_thresholds_are_refused(wrong: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        GuardOptions(**wrong)  # type: ignore[arg-type]


def test_each_threshold_gives_its_reason() -> None:
    body = next(
        node for node in ast.parse(inspect.getsource(guards)).body if isinstance(node, ast.ClassDef)
    ).body
    told = {
        one.target.id
        for one, after in itertools.pairwise(body)
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and isinstance(after, ast.Expr)
    }
    assert told == {field.name for field in fields(GuardOptions)}
