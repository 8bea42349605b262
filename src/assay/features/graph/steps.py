"""The steps of a plan: how one node's value, or the fields of one value, come from what is there already.

A step's inputs and its own place are slots in one flat list of values. Problems, unknown values and failures
are values, too (`STOPS`). Most revisions have none: as long as none has come up, nothing is asked before a
node runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

from assay.errors import MissingRoot
from assay.features.graph.node import Field, Node
from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, Unknown


@dataclass(frozen=True, slots=True)
class Failed:
    """A node whose own function raised: our defect or a hostile input; named, never a traceback."""

    node: str
    reason: str

    def as_problem(self) -> Problem:
        return Problem("feature_failed", "CaughtDependencyError", f"{self.node} failed: {self.reason}")


STOPS: Final = frozenset({Unknown, Problem, Failed})
"""Types of inputs with which a node does not run (`accepts_unknown` apart)."""

_SEVERAL: Final = -1
_FIELDS: Final = -2


class Step(NamedTuple):
    """How one node's value is found. `is_read`: another node depends on it.

    `only`: the slot of its only input. `_SEVERAL`: `inputs` reads them. `_FIELDS`: `compute` is a
    `_Fields`, gets all values and writes its own.
    """

    slot: int
    compute: Callable[..., Any]
    only: int
    inputs: Callable[[list[Any]], Sequence[Any]]
    is_read: bool
    node: Node


class _Fields:
    """Reads two or more fields of one value, which are told alike, into consecutive slots from `first`."""

    __slots__ = ("_fields", "_place", "_read", "_source")

    def __init__(self, source: int, first: int, fields: Sequence[Field]) -> None:
        self._source = source
        self._place = slice(first, first + len(fields))
        self._fields = tuple(fields)
        get = attrgetter(*(field.field for field in fields))
        self._read: Callable[[Any], Iterable[Any]] = (
            (lambda value: map(float, get(value))) if fields[0].as_float else get
        )

    def __call__(self, values: list[Any]) -> None:
        value = values[self._source]
        if type(value) in STOPS:
            values[self._place] = [value] * len(self._fields)
            return
        try:
            values[self._place] = self._read(value)
        except Exception:  # one of them failed: each for itself
            values[self._place] = [_one(field, value) for field in self._fields]


def _one(field: Field, value: Any) -> Any:
    try:
        return field.compute(value) if field.compute else None
    except Exception as error:
        return _failed(field, error)


def _failed(node: Node, error: Exception) -> Failed:
    return Failed(node.name, f"{type(error).__name__}: {error}")


def steps_of(order: Sequence[Node], slots: Mapping[Node, int]) -> Iterator[Step]:
    """The steps for nodes in an order in which inputs come first and fields of one value stand together.

    Raises `MissingRoot` for a node that nothing computes.
    """
    read = {dependency for node in order for dependency in node.depends_on}
    for fields, alike in groupby(order, _told_alike):
        nodes = [*alike]
        if fields is None or len(nodes) == 1:
            yield from (_step(node, slots, node in read) for node in nodes)
        else:
            first, source = nodes[0], slots[nodes[0].depends_on[0]]
            reader = _Fields(source, slots[first], [node for node in nodes if isinstance(node, Field)])
            yield Step(slots[first], reader, _FIELDS, _none, not read.isdisjoint(nodes), first)


def _told_alike(node: Node) -> tuple[Node, bool] | None:
    """The same for fields of one value that can be read together; None for other nodes."""
    return (node.depends_on[0], node.as_float) if isinstance(node, Field) else None


def _step(node: Node, slots: Mapping[Node, int], is_read: bool) -> Step:
    if node.compute is None:
        raise MissingRoot(f"{node.name} is not computed")
    inputs = [slots[dependency] for dependency in node.depends_on]
    if len(inputs) == 1:
        return Step(slots[node], node.compute, inputs[0], _none, is_read, node)
    get = itemgetter(*inputs) if inputs else _none
    return Step(slots[node], node.compute, _SEVERAL, get, is_read, node)


def _none(_: list[Any]) -> Sequence[Any]:
    return ()


def take_until_one_stops(steps: Iterator[Step], values: list[Any]) -> None:
    """Take steps without a look at their inputs, as none is a stop, up to the first that makes one."""
    stops = STOPS
    for slot, compute, only, inputs, is_read, node in steps:
        try:
            if only >= 0:
                values[slot] = compute(values[only])
            elif only == _SEVERAL:
                values[slot] = compute(*inputs(values))
            else:
                compute(values)
                if is_read and not stops.isdisjoint(map(type, values)):
                    return
        except Exception as error:  # a hostile text must cost its own cell only
            values[slot] = _failed(node, error)
        if is_read and type(values[slot]) in stops:
            return


def take(steps: Iterator[Step], values: list[Any]) -> None:
    """Take steps that run only where their inputs let them."""
    stops = STOPS
    for slot, compute, only, inputs, _, node in steps:
        try:
            if only >= 0:
                value = values[only]
                is_stopped = type(value) in stops and (value is not UNKNOWN or not node.accepts_unknown)
                values[slot] = value if is_stopped else compute(value)
            elif only == _SEVERAL:
                given = inputs(values)
                blocked = _blocked(given, node)
                values[slot] = compute(*given) if blocked is None else blocked
            else:
                compute(values)
        except Exception as error:  # a hostile text must cost its own cell only
            values[slot] = _failed(node, error)


def _blocked(inputs: Sequence[Any], node: Node) -> Any:
    """What stops the node: the first problem or failure, else UNKNOWN; None when it can run."""
    if STOPS.isdisjoint(map(type, inputs)):
        return None
    for value in inputs:
        if type(value) is Problem or type(value) is Failed:
            return value
    return None if node.accepts_unknown else UNKNOWN
