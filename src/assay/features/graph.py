"""Computes any set of nodes for a revision, each needed node once.

A `Plan` is compiled once for a set of targets and a set of injected names, then run for many
revisions: a flat loop over slots, no recursion and no dictionary look-ups; the fields of one value stand
in consecutive slots and are read by one call. Failures are values and stay local: a node that fails takes
down only what depends on it, so models that do not need it are still scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from assay.errors import BadInjection, DependencyCycle, MissingRoot
from assay.features.node import Datasource, Feature, FeatureValue, Field, Node, Root
from assay.features.steps import STOPS, Failed, steps_of, take, take_until_one_stops
from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, Revision, Unknown

MAX_FAULTS: Final = 10
MAX_NAME_CHARS: Final = 100
"""Of wrong injected values, in one message: a client may send a hundred thousand."""


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
        computed = [node for node in order if node.name not in injected and not isinstance(node, Root)]
        self._steps = tuple(steps_of(computed, self._slots))

    def run(self, revision: Revision, injection: Mapping[str, Any] | None = None) -> Values:
        """All values for one revision. `injection`: already decoded values (see `decode_injection`)."""
        values: list[Any] = [None] * len(self._slots)
        for slot, name in self._injected:
            values[slot] = injection[name]  # type: ignore[index]
        for slot, read in self._roots:
            values[slot] = read(revision)
        steps = iter(self._steps)
        if STOPS.isdisjoint(map(type, values)):
            take_until_one_stops(steps, values)
        take(steps, values)
        return Values(self._slots, values)


class Values:
    """What one run computed."""

    __slots__ = ("_slots", "_values")

    def __init__(self, slots: Mapping[Node, int], values: list[Any]) -> None:
        self._slots = slots
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
        row = [*map(self._values.__getitem__, map(self._slots.__getitem__, features))]
        if STOPS.isdisjoint(map(type, row)):
            return row
        for value in row:
            if type(value) is Problem:
                return value
            if type(value) is Failed:
                return value.as_problem()
        return [None if value is UNKNOWN else value for value in row]


def decode_injection(nodes: Iterable[Node], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Check and convert a client's injected JSON values against the nodes that they name.

    Raises `BadInjection` naming what is wrong, up to `MAX_FAULTS` of it: an unknown name, with one that may
    be meant, a wrong type, a node that cannot be injected.
    """
    by_name = {node.name: node for node in nodes}
    decoded: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in raw.items():
        node = by_name.get(name)
        if node is None:
            faults.append(_unknown(name, by_name) if len(faults) < MAX_FAULTS else "")
            continue
        try:
            decoded[name] = _decode(node, value)
        except (ValueError, TypeError) as error:
            faults.append(f"{name}: {error}")
    if faults:
        more = f"; and {len(faults) - MAX_FAULTS} more" if len(faults) > MAX_FAULTS else ""
        raise BadInjection("; ".join(faults[:MAX_FAULTS]) + more)
    return decoded


def _unknown(name: str, known: Iterable[str]) -> str:
    told = name[:MAX_NAME_CHARS]
    meant = get_close_matches(told, known, n=1, cutoff=0.8)
    return f"{told}: no such feature or datasource" + (f"; is {meant[0]} meant?" if meant else "")


def _decode(node: Node, value: Any) -> Any:
    if isinstance(node, Feature):
        return _decode_feature(node, value)
    if isinstance(node, Root | Datasource) and node.from_json is not None:
        return node.from_json(value)
    raise ValueError("cannot be injected")


def _decode_feature(feature: Feature, value: Any) -> FeatureValue | Unknown:
    if value is None:
        return UNKNOWN
    if feature.type == "bool":
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    if not abs(value) < 1e18:
        raise ValueError("must be a finite number below 1e18")
    return value


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
