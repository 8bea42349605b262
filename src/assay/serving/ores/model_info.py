"""What is known of a model, as ORES's `model_info` tree, and look-ups in it by dotted paths.

``statistics.thresholds.true`` walks down; a part in quotes may hold dots:
``statistics.'maximum recall @ precision >= 0.9'``. Asked for several paths, the answer is one tree that holds
them all; an empty path means everything, and ``statistics`` all statistics, but the threshold tables.

``statistics.thresholds.true.'maximum recall @ precision >= 0.9'`` is answered with a list: for each such
query in the order asked, the best row, or null when no cut meets the condition. Without a label,
``statistics.'…'`` gives each label's best threshold and their averages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from assay.errors import BadParameter
from assay.models.facts import read_manifest, read_statistics
from assay.models.model import Model
from assay.models.statistics.query import Query
from assay.models.statistics.threshold_table import ThresholdTable, optima

MAX_PATHS: Final = 100
_PART: Final = re.compile(
    r"""(?P<quote>['"])(?P<quoted>.*?)(?P=quote)(?=\.|\Z)|(?P<plain>[^.'"][^.]*)(?=\.|\Z)""", re.DOTALL
)

Tree = Mapping[str, Any]


class ModelInfos:
    """Trees by bundle digest, read from the bundles once. `paths`: of the bundles, by digest."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = dict(paths)
        self._trees: dict[str, Tree] = {}

    def path(self, model: Model) -> Path | None:
        """Where the model's bundle lies; None for a model that came from none."""
        return self._paths.get(model.digest)

    def tree(self, model: Model) -> Tree:
        """The whole tree; of a model that came from no bundle, what the model itself tells."""
        if model.digest not in self._trees:
            path = self.path(model)
            self._trees[model.digest] = _bare(model) if path is None else _from_bundle(path)
        return self._trees[model.digest]

    def select(self, model: Model, paths: Sequence[str]) -> dict[str, Any]:
        """The part of the tree under `paths`. Raises `BadParameter` in ORES's words."""
        if len(paths) > MAX_PATHS:
            raise BadParameter(f"Too many values for 'model_info' parameter.  Max of {MAX_PATHS}.")
        return select(self.tree(model), paths)


def select(tree: Tree, paths: Sequence[str]) -> dict[str, Any]:
    """What `paths` name in `tree`, as one tree. A label's threshold queries stand in place of its table."""
    found: dict[str, Any] = {}
    queries: dict[str, list[Query]] = {}
    for path in paths:
        parts = parse_path(path) if path else []
        if len(parts) == 4 and parts[:2] == ["statistics", "thresholds"]:
            _thresholds(tree, parts[2])
            queries.setdefault(parts[2], []).append(_query(parts[3]))
        else:
            _merge(found, _branch(tree, parts))
    for label, asked in queries.items():
        rows = _thresholds(tree, label)
        place = found.setdefault("statistics", {}).setdefault("thresholds", {})
        place[label] = [rows.best(query) for query in asked]
    return found


def parse_path(path: str) -> list[str]:
    """The parts of a dotted path. Raises `BadParameter` for empty parts and quotes without an end.

    Quotes within quotes are dropped, too: Wikimedia's own links wrote ``"''maximum …''"``.
    """
    parts, position = [], 0
    while match := _PART.match(path, position):
        parts.append(match["quoted"].strip("'\"") if match["quote"] else match["plain"])
        position = match.end()
        if position == len(path):
            return parts
        position += 1
    raise _not_found(path)


def _branch(tree: Tree, parts: Sequence[str]) -> dict[str, Any]:
    """A tree of nothing but what `parts` name. Raises `BadParameter`."""
    node: Any = tree
    for depth, part in enumerate(parts):
        node = _child(node, part, parts[:depth])
    node = _told(node, parts)
    for part in reversed(parts):
        node = {part: node}
    return dict(node)


def _child(node: Any, part: str, above: Sequence[str]) -> Any:
    """What `part` names below `above`, whose value is `node`: what is stored, or the answer to a query."""
    if isinstance(node, Mapping) and part in node:
        return node[part]
    if list(above) == ["statistics"] and isinstance(node, Mapping) and "thresholds" in node:
        return optima(node, _query(part))
    raise _not_found(part)


def _told(node: Any, parts: Sequence[str]) -> Any:
    """The long tables are told to those who name them only."""
    if not parts:
        return {name: _told(value, [name]) for name, value in node.items()}
    if list(parts) == ["statistics"] and isinstance(node, Mapping):
        return {name: value for name, value in node.items() if name != "thresholds"}
    return node


def _merge(found: dict[str, Any], branch: Mapping[str, Any]) -> None:
    """Add `branch` to `found`; neither trees nor branches are written to."""
    for name, value in branch.items():
        if isinstance(value, Mapping):
            into = found.get(name)
            found[name] = dict(into) if isinstance(into, Mapping) else {}
            _merge(found[name], value)
        else:
            found[name] = value


def _thresholds(tree: Tree, label: str) -> ThresholdTable:
    rows: Any = tree
    for part in ("statistics", "thresholds", label):
        rows = _child(rows, part, ())
    if not isinstance(rows, Sequence):
        raise _not_found(label)
    return ThresholdTable.of(rows)


def _query(text: str) -> Query:
    try:
        return Query.parse(text)
    except BadParameter:
        raise _not_found(text) from None


def _not_found(part: str) -> BadParameter:
    return BadParameter(f"Model information could not be retrieved for {part[:100]}")


def _bare(model: Model) -> Tree:
    return {"type": type(model).__name__, "version": model.version, "params": {"labels": list(model.labels)}}


def _from_bundle(path: Path) -> Tree:
    manifest = read_manifest(path)
    return {
        "type": manifest.kind,
        "version": manifest.version,
        "params": {
            "labels": manifest.labels,
            "population_rates": manifest.population_rates,
            "training": manifest.training,
            "features": [feature.name for feature in manifest.features],
        },
        "environment": manifest.libraries,
        "statistics": _askable(read_statistics(path)),
        "score_schema": manifest.score_schema,
        "digest": manifest.digest,
        "description": manifest.description,
    }


def _askable(statistics: Tree) -> Tree:
    """With tables that remember how they are searched."""
    if not statistics.get("thresholds"):
        return statistics
    tables = {name: ThresholdTable(rows) for name, rows in statistics["thresholds"].items()}
    return {**statistics, "thresholds": tables}
