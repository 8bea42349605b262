"""Nodes: who they are, and fields that read themselves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from assay.features.graph.node import Datasource, Feature, Field

COUNTS = Datasource("datasource.counts", "")
VALUE = SimpleNamespace(size=4, inner=SimpleNamespace(size=7, isbn=None))


def test_two_nodes_of_one_name_are_two() -> None:
    """The same feature may be bound to two lexicons, and both to one plan."""
    one, other = (Feature("feature.words", "", (COUNTS,), len) for _ in range(2))
    assert len({one, other}) == 2
    assert repr(one) == repr(other) == "<feature.words>"


@pytest.mark.parametrize(
    ("path", "as_float", "expected"),
    [("size", False, 4), ("size", True, 4.0), ("inner.size", False, 7), ("inner.size", True, 7.0)],
)
def test_a_field_reads_itself(path: str, as_float: bool, expected: Any) -> None:
    field = Field("feature.f", "", (COUNTS,), field=path, as_float=as_float)
    assert field.compute is not None
    found = field.compute(VALUE)
    assert found == expected
    assert type(found) is type(expected)


def test_a_field_that_is_none_stays_none() -> None:
    field = Field("feature.f", "", (COUNTS,), field="inner.isbn")
    assert field.compute is not None
    assert field.compute(VALUE) is None
