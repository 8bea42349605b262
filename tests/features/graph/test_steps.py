"""Steps: what stops one, what fails within one, and fields that are read together; by whole plans."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import MissingRoot
from assay.features.graph.node import Datasource, Feature, Field, Node, Root
from assay.features.graph.plan import Plan
from assay.features.graph.steps import Failed, steps_of
from assay.revisions.problem import Problem, text_deleted
from assay.revisions.types import UNKNOWN, Actor, Page, Revision

REVISION = Revision(7, Page("P"), Actor("A", False), datetime(2020, 1, 1, tzinfo=UTC), "c", "text", None)
TEXT = Root("datasource.text", "", read=lambda r: r.text)
LENGTH = Feature("feature.length", "", (TEXT,), len, type="int")
DOUBLE = Feature("feature.double", "", (LENGTH,), lambda n: 2 * n, type="int")


class Counts:
    """`spoiled` cannot be had."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.half = size / 2

    @property
    def spoiled(self) -> float:
        raise ValueError("it is spoiled")


COUNTS = Datasource("datasource.counts", "", (TEXT,), lambda text: Counts(len(text)))
SIZE = Field("feature.size", "", (COUNTS,), type="int", field="size")
SIZE_AS_FLOAT = Field("feature.size_as_float", "", (COUNTS,), field="size", as_float=True)
HALF = Field("feature.half", "", (COUNTS,), field="half")
HALF_AS_FLOAT = Field("feature.half_as_float", "", (COUNTS,), field="half", as_float=True)
SPOILED = Field("feature.spoiled", "", (COUNTS,), field="spoiled")
SIZES = (SIZE, SIZE_AS_FLOAT, HALF, HALF_AS_FLOAT)
DIFFERENCE = Feature("feature.difference", "", (SIZE, HALF), lambda a, b: a - b)


@pytest.mark.parametrize(
    "wanted", [SIZES, SIZES[::-1], SIZES[:1], (*SIZES[1:], DIFFERENCE), (DIFFERENCE, *SIZES)]
)
def test_fields_read_together_are_those_read_alone(wanted: tuple[Feature, ...]) -> None:
    values = Plan(wanted).run(REVISION)
    together = [values.raw(feature) for feature in wanted]
    alone = [Plan([feature]).run(REVISION).raw(feature) for feature in wanted]
    assert together == alone
    assert [type(value) for value in together] == [type(value) for value in alone]


def test_a_field_that_fails_leaves_its_neighbours() -> None:
    values = Plan((SIZE, SPOILED, HALF)).run(REVISION)
    assert values.row([SIZE, HALF]) == [4, 2.0]
    problem = values.row([SPOILED])
    assert isinstance(problem, Problem)
    assert problem.message == "feature.spoiled failed: ValueError: it is spoiled"


def test_a_problem_reaches_all_fields() -> None:
    problem = text_deleted(7)
    values = Plan(SIZES).run(replace(REVISION, text=problem))
    assert [values.row([feature]) for feature in SIZES] == [problem] * len(SIZES)


def test_one_field_may_be_injected() -> None:
    wanted = (SIZE, HALF, SPOILED, DIFFERENCE)
    plan = Plan(wanted, frozenset({"feature.half", "feature.spoiled"}))
    row = plan.run(REVISION, {"feature.half": 1.0, "feature.spoiled": 7.0}).row(wanted)
    assert row == [4, 1.0, 7.0, 3.0]


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["real", "imag", "real.imag"]), st.booleans()),
        min_size=1,
        max_size=9,
    ),
    st.sets(st.integers(0, 9)),
)
def test_fields_may_have_fields(drawn: list[tuple[int, str, bool]], injected: set[int]) -> None:
    """Numbers have real and imaginary parts, which are numbers."""
    nodes: list[Node] = [LENGTH]
    for number, (place, part, as_float) in enumerate(drawn, 1):
        source = nodes[place % number]
        nodes.append(Field(f"feature.{number}", "", (source,), field=part, as_float=as_float))
    given_values = {nodes[number].name: 7 for number in injected if 0 < number < len(nodes)}

    def value(plan: Plan, node: Node) -> Any:
        return plan.run(REVISION, given_values).raw(node)

    names = frozenset(given_values)
    together, alone = Plan(nodes, names), [Plan([node], names) for node in nodes]
    expected = [value(plan, node) for plan, node in zip(alone, nodes, strict=True)]
    found = [value(together, node) for node in nodes]
    assert found == expected
    assert [type(one) for one in found] == [type(one) for one in expected]


def test_a_field_of_a_field_is_read() -> None:
    outer = Field("feature.outer", "", (COUNTS,), field="size")
    inner = Field("feature.inner", "", (outer,), field="real")
    assert Plan([inner, HALF]).run(REVISION).row([inner, HALF]) == [4, 2.0]


class Number(int):
    """One whose real part alone can be had, as a field."""

    @property
    def imag(self) -> int:  # type: ignore[override]
        raise ValueError("it is spoiled")


BEHAVIOURS = ("sum", "sum", "sum", "raise", "problem", "unknown", "real", "imag")


def _compute(behaviour: str) -> Any:
    def compute(*inputs: Any) -> Any:
        if behaviour == "raise":
            raise KeyError("no")
        if behaviour == "problem":
            return Problem("some_code", "SomeType", f"of {len(inputs)} inputs")
        if behaviour == "unknown":
            return UNKNOWN
        return Number(1 + sum(100 if each is UNKNOWN else each for each in inputs))

    return compute


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Roots that may be unknown or a problem, and nodes on them that do whatever nodes may do."""
    root = draw(st.sampled_from([Number(3), Number(3), UNKNOWN, Problem("hidden", "X", "y")]))
    nodes: list[Node] = [
        Root("datasource.root", "", read=lambda _: root),
        Root("datasource.sound", "", read=lambda _: Number(5)),
    ]
    for number in range(draw(st.integers(1, 9))):
        behaviour = draw(st.sampled_from(BEHAVIOURS))
        if behaviour in ("real", "imag"):
            source = draw(st.sampled_from(nodes))
            field = Field(f"feature.{number}", "", (source,), field=behaviour, as_float=draw(st.booleans()))
            nodes.append(field)
        else:
            inputs = tuple(draw(st.lists(st.sampled_from(nodes), max_size=3)))
            accepts = draw(st.booleans())
            compute = _compute(behaviour)
            nodes.append(Feature(f"feature.{number}", "", inputs, compute, accepts_unknown=accepts))
    return nodes


def _by_the_rule(node: Node) -> Any:
    """The rule as `Node` tells it, one node at a time."""
    if isinstance(node, Root):
        return node.read(REVISION) if node.read else None
    inputs = [_by_the_rule(dependency) for dependency in node.depends_on]
    if stops := [value for value in inputs if isinstance(value, Problem | Failed)]:
        return stops[0]
    if UNKNOWN in inputs and not node.accepts_unknown:
        return UNKNOWN
    assert node.compute is not None
    try:
        return node.compute(*inputs)
    except Exception as error:
        return Failed(node.name, f"{type(error).__name__}: {error}")


@given(graphs())
def test_any_graph_is_solved_by_the_rule(nodes: list[Node]) -> None:
    found = Plan(nodes).run(REVISION)
    own, expected = [found.raw(node) for node in nodes], [_by_the_rule(node) for node in nodes]
    assert own == expected
    assert [type(value) for value in own] == [type(value) for value in expected]


def test_a_node_that_nothing_computes_is_named() -> None:
    nothing = Feature("feature.nothing", "", (TEXT,))
    with pytest.raises(MissingRoot, match=r"feature\.nothing is not computed"):
        list(steps_of([nothing], {TEXT: 0, nothing: 1}))


def test_a_failure_tells_what_failed_and_no_more() -> None:
    problem = Failed("feature.f", "KeyError: 'no'").as_problem()
    assert (problem.code, problem.type) == ("feature_failed", "CaughtDependencyError")
    assert problem.message == "feature.f failed: KeyError: 'no'"


def test_what_becomes_unknown_on_the_way_reaches_all_that_depends_on_it() -> None:
    unknown = Datasource("datasource.unknown", "", (TEXT,), lambda _: UNKNOWN)
    after = Feature("feature.after", "", (unknown,), lambda value: value.nothing_knows_this)
    both = Feature("feature.both", "", (LENGTH, unknown), lambda _, value: value.nothing_knows_this)
    told = Feature("feature.told", "", (unknown,), lambda value: value is UNKNOWN, accepts_unknown=True)
    wanted = (after, both, told, DOUBLE)
    assert Plan(wanted).run(REVISION).row(wanted) == [None, None, True, 8]


def test_an_unknown_field_reaches_what_depends_on_it() -> None:
    counts = Datasource("datasource.some", "", (TEXT,), lambda _: SimpleNamespace(size=4, rest=UNKNOWN))
    size = Field("feature.some_size", "", (counts,), field="size")
    rest = Field("feature.rest", "", (counts,), field="rest")
    total = Feature("feature.total", "", (size, rest), lambda a, b: a + b.nothing_knows_this)
    wanted = (size, rest, total)
    assert Plan(wanted).run(REVISION).row(wanted) == [4, None, None]
