"""What is known of a model, as ORES's `model_info` tree, and look-ups in it by dotted paths.

``statistics.thresholds.true`` walks down; a part in quotes may hold dots:
``statistics.'maximum recall @ precision >= 0.9'``. Asked for several paths, the answer is one tree that holds
them all; an empty path means everything but the threshold tables.

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
from assay.models.bundle import read_manifest, read_statistics
from assay.models.model import Model
from assay.models.thresholds import Query, optima

DEFAULT_PATHS: Final = ("version",)
"""What a client gets that does not ask."""

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
        found: dict[str, Any] = {}
        for path in paths or DEFAULT_PATHS:
            if path:
                _insert(found, parse_path(path), self.tree(model))
            else:
                found.update(_without_thresholds(self.tree(model)))
        return found


def parse_path(path: str) -> list[str]:
    """The parts of a dotted path. Raises `BadParameter` for empty parts and quotes without an end."""
    parts, position = [], 0
    while match := _PART.match(path, position):
        parts.append(match["quoted"] if match["quote"] else match["plain"])
        position = match.end()
        if position == len(path):
            return parts
        position += 1
    raise _not_found(path)


def _insert(found: dict[str, Any], parts: Sequence[str], tree: Tree) -> None:
    """Put what `parts` name in `tree`, or the answer to the query that they end in, into `found`."""
    *above, last = parts
    node = _branch(tree, above)
    if isinstance(node, list) and len(above) > 1:
        place = _place(found, above[:-1])
        place[above[-1]] = [*place.get(above[-1], ()), _query(last).best(node)]
    elif above == ["statistics"] and isinstance(node, Mapping) and "@" in last and "thresholds" in node:
        _place(found, above)[last] = optima(node, _query(last))
    else:
        _copy(found, parts, tree)


def _branch(tree: Tree, parts: Sequence[str]) -> Any:
    """What stands there, None where nothing does."""
    node: Any = tree
    for part in parts:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def _place(found: dict[str, Any], parts: Sequence[str]) -> dict[str, Any]:
    """The dictionary at `parts` of `found`, made or copied on the way, so that no tree is written to."""
    for part in parts:
        found[part] = dict(found.get(part, {}))
        found = found[part]
    return found


def _query(text: str) -> Query:
    try:
        return Query.parse(text)
    except BadParameter:
        raise _not_found(text) from None


def _copy(found: dict[str, Any], parts: Sequence[str], tree: Tree) -> None:
    """Copy the branch that `parts` name from `tree` into `found`."""
    node: Any = tree
    place = found
    for depth, part in enumerate(parts):
        if not isinstance(node, Mapping) or part not in node:
            raise _not_found(part)
        node = node[part]
        if depth == len(parts) - 1 or not isinstance(place.setdefault(part, {}), dict):
            place[part] = node
            return
        place[part] = dict(place[part])
        place = place[part]


def _not_found(part: str) -> BadParameter:
    return BadParameter(f"Model information could not be retrieved for {part[:100]}")


def _without_thresholds(tree: Tree) -> Tree:
    """What an empty path means: everything but the long tables."""
    statistics = {name: value for name, value in tree.get("statistics", {}).items() if name != "thresholds"}
    return {**tree, "statistics": statistics} if statistics else tree


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
        "statistics": read_statistics(path),
        "score_schema": manifest.score_schema,
        "digest": manifest.digest,
        "description": manifest.description,
    }
