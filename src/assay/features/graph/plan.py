"""Computes any set of nodes for a revision, each needed node once.

A `Plan` is compiled once for a set of targets and a set of injected names, then run for many
revisions: a flat loop over slots, no recursion and no dictionary look-ups; the fields of one value stand
in consecutive slots and are read by one call. Failures are values and stay local: a node that fails takes
down only what depends on it, so models that do not need it are still scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, Final

from assay.errors import DependencyCycle, MissingRoot
from assay.features.graph.node import Feature, FeatureValue, Field, Node, Root
from assay.features.graph.steps import STOPS, Failed, steps_of, take, take_until_one_stops
from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, Revision

_MAX_READERS: Final = 16
"""Lists of features whose places a plan remembers; it is asked for one by each of its models."""


class Plan:
    """An order of work for `targets`, with the nodes named in `injected` cut off from their inputs.

    Raises `DependencyCycle` or `MissingRoot` when the graph is wrong; both name the nodes.
    """

    def __init__(self, targets: Iterable[Node], injected: frozenset[str] = frozenset()) -> None:
        self.targets = tuple(targets)
        order = _fields_together(_topological(self.targets, injected), injected)
        self._slots = {node: slot for slot, node in enumerate(order)}
        self.nodes = tuple(order)
        self._injected = tuple((slot, node.name) for slot, node in enumerate(order) if node.name in injected)
        self._roots = tuple(
            (slot, node.read)
            for slot, node in enumerate(order)
            if isinstance(node, Root) and node.read is not None and node.name not in injected
        )
        self._given = tuple(slot for slot, _ in (*self._injected, *self._roots))
        computed = [node for node in order if node.name not in injected and not isinstance(node, Root)]
        self._steps = tuple(steps_of(computed, self._slots))
        self._readers = lru_cache(maxsize=_MAX_READERS)(partial(_reader, self._slots))

    def run(self, revision: Revision, injection: Mapping[str, Any] | None = None) -> Values:
        """All values for one revision. `injection`: as `decode_injection` gives it."""
        values: list[Any] = [None] * len(self._slots)
        for slot, name in self._injected:
            values[slot] = injection[name]  # type: ignore[index]
        for slot, read in self._roots:
            values[slot] = read(revision)
        steps = iter(self._steps)
        if STOPS.isdisjoint(map(type, map(values.__getitem__, self._given))):
            take_until_one_stops(steps, values)
        take(steps, values)
        return Values(self._slots, self._readers, values)


_Reader = Callable[[list[Any]], Iterable[Any]]
"""Gets the values of certain features, in their order, out of all."""


def _reader(slots: Mapping[Node, int], features: tuple[Feature, ...]) -> _Reader:
    places = [slots[feature] for feature in features]
    return itemgetter(*places) if len(places) > 1 else lambda values: [values[place] for place in places]


class Values:
    """What one run computed."""

    __slots__ = ("_readers", "_slots", "_values")

    def __init__(
        self, slots: Mapping[Node, int], readers: Callable[[tuple[Feature, ...]], _Reader], values: list[Any]
    ) -> None:
        self._slots = slots
        self._readers = readers
        self._values = values

    def raw(self, node: Node) -> Any:
        """The node's value, `UNKNOWN`, a `Problem` or a `Failed`."""
        return self._values[self._slots[node]]

    def known(self, feature: Feature) -> FeatureValue:
        """The feature's value; None where it is unknown or cannot be had, whatever the reason."""
        value: FeatureValue = self._values[self._slots[feature]]
        return None if type(value) in STOPS else value

    def row(self, features: Iterable[Feature]) -> list[FeatureValue] | Problem:
        """The features' values in order, None where unknown; or the first problem met among them."""
        row = [*self._readers(tuple(features))(self._values)]
        if STOPS.isdisjoint(map(type, row)):
            return row
        for value in row:
            if type(value) is Problem:
                return value
            if type(value) is Failed:
                return value.as_problem()
        return [None if value is UNKNOWN else value for value in row]


def _fields_together(order: list[Node], injected: frozenset[str]) -> list[Node]:
    """The same order, but fields follow their input directly, those that are told alike together, and then
    their own fields."""
    fields: dict[Node, list[Field]] = {}
    others: list[Node] = []
    for node in order:
        if isinstance(node, Field) and node.name not in injected:
            fields.setdefault(node.depends_on[0], []).append(node)
        else:
            others.append(node)
    for found in fields.values():
        found.sort(key=lambda field: field.as_float)
    together: list[Node] = []
    for other in others:
        family: list[Node] = [other]
        for node in family:  # grows on the way: a field may have fields, too
            family += fields.get(node, ())
        together += family
    return together


def _topological(targets: tuple[Node, ...], injected: frozenset[str]) -> list[Node]:
    """Every needed node after all its inputs; iterative, so that depth cannot exhaust the stack."""
    order: list[Node] = []
    done: set[Node] = set()
    path: dict[Node, None] = {}
    stack: list[tuple[Node, bool]] = [(node, False) for node in reversed(targets)]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            path.pop(node)
            done.add(node)
            order.append(node)
            continue
        if node in done:
            continue
        if node in path:
            cycle = [*path][[*path].index(node) :]
            raise DependencyCycle(" -> ".join(n.name for n in [*cycle, node]))
        path[node] = None
        stack.append((node, True))
        if node.name in injected:
            continue
        if node.compute is None and not (isinstance(node, Root) and node.read is not None):
            wanted_by = [*path][-2].name if len(path) > 1 else "the request"
            raise MissingRoot(
                f"{node.name} (needed by {wanted_by}) is neither read from a revision, "
                "nor computed, nor injected"
            )
        stack.extend((dependency, False) for dependency in reversed(node.depends_on))
    return order
