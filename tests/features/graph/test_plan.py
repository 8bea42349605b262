"""The solver: shared work once, injection, failures that stay local, faults of the graph named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from assay.errors import DependencyCycle, MissingRoot
from assay.features.graph.injection import decode_injection
from assay.features.graph.node import Datasource, Feature, Node, Root
from assay.features.graph.plan import Plan
from assay.features.graph.steps import Failed
from assay.revisions.problem import Problem, text_deleted
from assay.revisions.types import UNKNOWN, Actor, Page, Revision

REVISION = Revision(7, Page("P"), Actor("A", False), datetime(2020, 1, 1, tzinfo=UTC), "c", "text", None)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


TEXT = Root("datasource.text", "", read=lambda r: r.text, from_json=_text)
GROUPS = Root("datasource.groups", "", read=lambda r: getattr(r.actor, "groups", UNKNOWN))
LENGTH = Feature("feature.length", "", (TEXT,), len, type="int")
DOUBLE = Feature("feature.double", "", (LENGTH,), lambda n: 2 * n, type="int")
IS_LONG = Feature("feature.is_long", "", (LENGTH,), lambda n: n > 100, type="bool")
IS_BOT = Feature("feature.is_bot", "", (GROUPS,), lambda g: "bot" in g, type="bool")
BROKEN = Feature("feature.broken", "", (TEXT,), lambda _: 1 / 0)
AFTER_BROKEN = Feature("feature.after_broken", "", (BROKEN, LENGTH), lambda a, b: a + b)
EITHER = Feature(
    "feature.either", "", (GROUPS, LENGTH), lambda g, n: n if g is UNKNOWN else -1, accepts_unknown=True
)


def test_what_several_features_share_is_computed_once() -> None:
    calls: list[str] = []

    def count(text: str) -> int:
        calls.append(text)
        return len(text)

    shared = Datasource("datasource.shared", "", (TEXT,), count)
    wanted = [Feature(f"feature.{i}", "", (shared,), lambda n, i=i: n + i) for i in range(3)]
    assert Plan(wanted).run(REVISION).row(wanted) == [4, 5, 6]
    assert calls == ["text"]


def test_a_value_that_cannot_be_had_is_none_for_who_can_do_without() -> None:
    wanted = (LENGTH, IS_LONG, BROKEN, AFTER_BROKEN, IS_BOT)
    values = Plan(wanted).run(REVISION)
    assert [values.known(feature) for feature in wanted] == [4, False, None, None, None]
    hidden = Plan(wanted).run(replace(REVISION, text=text_deleted(7)))
    assert [hidden.known(feature) for feature in wanted] == [None] * 5


def test_unneeded_nodes_are_not_computed() -> None:
    assert BROKEN not in Plan([DOUBLE]).nodes


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"datasource.text": "longer text"}, [11, 22, False]),
        ({"feature.length": 101}, [101, 202, True]),
        ({"feature.length": 101, "datasource.text": "x"}, [101, 202, True]),
        ({"feature.is_long": True}, [4, 8, True]),
        ({"feature.length": None}, [None, None, None]),
    ],
)
def test_an_injected_value_flows_downstream(raw: dict[str, Any], expected: list[Any]) -> None:
    wanted = (LENGTH, DOUBLE, IS_LONG)
    injection = decode_injection([TEXT, *wanted], raw)
    assert Plan(wanted, frozenset(raw)).run(REVISION, injection).row(wanted) == expected


def test_an_injected_node_needs_none_of_its_inputs() -> None:
    hidden = replace(REVISION, text=text_deleted(7))
    plan = Plan([DOUBLE], frozenset({"feature.length"}))
    assert TEXT not in plan.nodes
    assert plan.run(hidden, {"feature.length": 5}).row([DOUBLE]) == [10]


def test_unknown_makes_features_missing_not_zero() -> None:
    wanted = (IS_BOT, LENGTH)
    assert Plan(wanted).run(REVISION).row(wanted) == [None, 4]


def test_a_node_may_decide_about_unknown_itself() -> None:
    assert Plan([EITHER]).run(REVISION).row([EITHER]) == [4]


def test_a_problem_reaches_only_what_needs_it() -> None:
    problem = text_deleted(7)
    values = Plan((DOUBLE, IS_BOT, EITHER)).run(replace(REVISION, text=problem))
    assert values.row([DOUBLE]) == problem
    assert values.row([EITHER]) == problem
    assert values.row([IS_BOT]) == [None]


def test_a_failure_stays_local_and_is_named() -> None:
    values = Plan((AFTER_BROKEN, DOUBLE)).run(REVISION)
    assert values.row([DOUBLE]) == [8]
    assert isinstance(values.raw(BROKEN), Failed)
    problem = values.row([AFTER_BROKEN])
    assert isinstance(problem, Problem)
    assert "feature.broken" in problem.message
    assert "Traceback" not in problem.message


def test_a_cycle_is_named_whole() -> None:
    a = Datasource("datasource.a", "", (TEXT,), lambda _: 1)
    b = Datasource("datasource.b", "", (a,), lambda _: 1)
    object.__setattr__(a, "depends_on", (b,))
    with pytest.raises(DependencyCycle, match=r"datasource\.a -> datasource\.b -> datasource\.a"):
        Plan([Feature("feature.f", "", (a,), lambda x: x)])


def test_a_missing_root_is_named_with_who_needs_it() -> None:
    nowhere = Root("datasource.nowhere", "")
    with pytest.raises(MissingRoot, match=r"datasource\.nowhere \(needed by feature\.f\)"):
        Plan([Feature("feature.f", "", (nowhere,), lambda x: x)])


def test_a_missing_root_may_be_injected() -> None:
    nowhere = Root("datasource.nowhere", "", from_json=_text)
    feature = Feature("feature.f", "", (nowhere,), len, type="int")
    plan = Plan([feature], frozenset({"datasource.nowhere"}))
    assert plan.run(REVISION, {"datasource.nowhere": "abc"}).row([feature]) == [3]


def test_depth_does_not_exhaust_the_stack() -> None:
    node: Node = TEXT
    for i in range(5_000):
        node = Datasource(f"datasource.{i}", "", (node,), lambda value: value)
    last = Feature("feature.last", "", (node,), len, type="int")
    assert Plan([last]).run(REVISION).row([last]) == [4]
