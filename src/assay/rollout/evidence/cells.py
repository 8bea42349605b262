"""The cells of a document, by wiki, model and revision, whatever route gave it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal

import orjson

from assay.rollout.evidence.meaning import Route, of_v1, path_parts, route_of
from assay.rollout.samples import CellPair, SeenCell

_Key = tuple[str, str, int]
_Place = tuple[str, str, Any, Any]
"""Wiki, model, revision and what stands there, which may be no cell. The revision: a number, or none."""

_MOST_DIGITS: Final = 19
"""Of a revision's id: all that 64 bits hold."""
_WRAPPED: Final = ("v3", "lines")
"""Routes whose cells hold a score, beside what else is told; elsewhere a cell is the score."""


def is_told_by_cells(old: Any, new: Any, route: Route) -> bool:
    """A score here and an error there is for the statistics of cells, as long as each is what it claims."""
    return {_cell_kind(old, route), _cell_kind(new, route)} == {"score", "error"}


def _cell_kind(cell: Any, route: Route) -> Literal["score", "error", ""]:
    if not isinstance(cell, dict):
        return ""
    if isinstance(error := cell.get("error"), dict):
        return "error" if "type" in error and len(cell) == 1 else ""
    score = cell.get("score") if route in _WRAPPED else cell
    return "score" if isinstance(score, dict) and {"prediction", "probability"} <= score.keys() else ""


def cell_pairs(target: str, stable: Any, candidate: Any) -> Iterator[CellPair]:
    """Every (wiki, model, revision) that either document has, side by side, in a settled order."""
    old, new = cells_of(target, stable), cells_of(target, candidate)
    for wiki, model, rev_id in sorted(old.keys() | new.keys()):
        key = wiki, model, rev_id
        yield CellPair(wiki, model, rev_id, old.get(key), new.get(key))


def cells_of(target: str, document: Any) -> dict[_Key, SeenCell]:
    """By wiki, model and revision. What is no cell is left out: its shape is told as a fault."""
    route = route_of(target)
    found: dict[_Key, SeenCell] = {}
    for wiki, model, rev_id, cell in _places(route, path_parts(target), document):
        if isinstance(rev_id, int) and (seen := _seen(cell, route)) is not None:
            found[wiki, model, rev_id] = seen
    return found


def _places(route: Route, parts: Sequence[str], document: Any) -> Iterator[_Place]:
    match route:
        case "v3":
            return _v3_places(document)
        case "v2":
            return _v2_places(document)
        case "v1":
            return _v1_places(document, *of_v1(parts))
        case "lines":
            return _row_places(_list(document), parts[1], "revision")
        case "feed":
            return _row_places(_list(_object(document).get("edits")), parts[1], "id")
        case "inference":
            return _tensor_places(document)
        case "api":
            return _row_places([_object(document) | {"rev_id": _id(parts[-1])}], parts[1], "rev_id")
    return iter(())


def _v3_places(document: Any) -> Iterator[_Place]:
    for wiki, part in _object(document).items():
        for rev_id, cells in _object(_object(part).get("scores")).items():
            for model, cell in _object(cells).items():
                yield wiki, model, _id(rev_id), cell


def _v2_places(document: Any) -> Iterator[_Place]:
    for wiki, models in _object(_object(document).get("scores")).items():
        for model, told in _object(models).items():
            for rev_id, cell in _object(_object(told).get("scores")).items():
                yield wiki, model, _id(rev_id), cell


def _v1_places(document: Any, wiki: str, model: str) -> Iterator[_Place]:
    for rev_id, row in _object(document).items():
        for name, cell in ({model: row} if model else _object(row)).items():
            yield wiki, name, _id(rev_id), cell


def _row_places(rows: Iterable[Any], wiki: str, key: str) -> Iterator[_Place]:
    """Of rows with ``scores`` that tell their revision under `key`."""
    for row in map(_object, rows):
        for model, cell in _object(row.get("scores")).items():
            yield wiki, model, row.get(key), cell


def _tensor_places(document: Any) -> Iterator[_Place]:
    """Of an answer for one revision whose request was named by `tensor_id`."""
    told = _object(document)
    tensors = {str(one.get("name")): one.get("data") for one in map(_object, _list(told.get("outputs")))}
    match str(told.get("id")).split(" "), tensors:
        case [wiki, model, rev_id], {"error": [str(error)], "prediction": [str(label)]}:
            if error:
                yield wiki, model, _id(rev_id), {"error": {"type": error.partition(":")[0]}}
            elif isinstance(names := tensors.get("label"), list):
                values = _list(tensors.get("probability"))
                probability = dict(zip(map(str, names), values, strict=False))
                cell = {"prediction": _UNNAMED.get(label, label), "probability": probability}
                yield wiki, model, _id(rev_id), cell


_UNNAMED: Final = {"true": True, "false": False}
"""Labels whose names are not themselves."""


def tensor_id(wiki: str, model: str, rev_id: int) -> str:
    """A name for a request of the Open Inference Protocol, which its answer repeats: the answer itself does
    not say what it is about."""
    return f"{wiki} {model} {rev_id}"


def _seen(cell: Any, route: Route) -> SeenCell | None:
    kind = _cell_kind(cell, route)
    if kind == "error":
        return SeenCell(error=str(cell["error"].get("code") or cell["error"]["type"]))
    if kind != "score":
        return None
    score = cell["score"] if route in _WRAPPED else cell
    probability = {
        label: float(value)
        for label, value in _object(score["probability"]).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return SeenCell(orjson.dumps(score["prediction"]).decode(), probability)


def _id(text: str) -> int | None:
    """None for what is no number that a revision may have; Python refuses to read thousands of digits."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
