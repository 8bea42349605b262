"""The cells of a document, by wiki, model and revision, whatever route gave it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import orjson

from assay.rollout.evidence.meaning import Route, of_v1, path_parts, route_of
from assay.rollout.samples import CellPair, SeenCell

_Key = tuple[str, str, int]

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
    route, parts = route_of(target), path_parts(target)
    if route == "v3":
        return dict(_v3_cells(document))
    if route == "v2":
        return dict(_v2_cells(document))
    if route == "v1":
        return dict(_v1_cells(document, *of_v1(parts)))
    if route == "lines":
        return dict(_line_cells(document, parts[1]))
    if route == "feed":
        return dict(_feed_cells(document, parts[1]))
    if route == "inference":
        return dict(_tensor_cells(document))
    if route == "api" and _is_id(parts[-1]):
        cells = _object(_object(document).get("scores"))
        found = {(parts[1], model, int(parts[3])): _seen(cell, route) for model, cell in cells.items()}
        return {key: cell for key, cell in found.items() if cell is not None}
    return {}


def _v3_cells(document: Any) -> Iterator[tuple[_Key, SeenCell]]:
    for wiki, part in _object(document).items():
        for rev_id, cells in _object(_object(part).get("scores")).items():
            for model, cell in _object(cells).items():
                if _is_id(rev_id) and (seen := _seen(cell, "v3")) is not None:
                    yield (wiki, model, int(rev_id)), seen


def _v2_cells(document: Any) -> Iterator[tuple[_Key, SeenCell]]:
    for wiki, models in _object(_object(document).get("scores")).items():
        for model, told in _object(models).items():
            for rev_id, cell in _object(_object(told).get("scores")).items():
                if _is_id(rev_id) and (seen := _seen(cell, "v2")) is not None:
                    yield (wiki, model, int(rev_id)), seen


def _v1_cells(document: Any, wiki: str, model: str) -> Iterator[tuple[_Key, SeenCell]]:
    for rev_id, row in _object(document).items():
        for name, cell in ({model: row} if model else _object(row)).items():
            if _is_id(rev_id) and (seen := _seen(cell, "v1")) is not None:
                yield (wiki, name, int(rev_id)), seen


def _line_cells(lines: Any, wiki: str) -> Iterator[tuple[_Key, SeenCell]]:
    for line in map(_object, _list(lines)):
        rev_id = line.get("revision")
        for model, cell in _object(line.get("scores")).items():
            if isinstance(rev_id, int) and (seen := _seen(cell, "lines")) is not None:
                yield (wiki, model, rev_id), seen


def _feed_cells(document: Any, wiki: str) -> Iterator[tuple[_Key, SeenCell]]:
    for edit in map(_object, _list(_object(document).get("edits"))):
        for model, cell in _object(edit.get("scores")).items():
            if isinstance(rev_id := edit.get("id"), int) and (seen := _seen(cell, "feed")) is not None:
                yield (wiki, model, rev_id), seen


def _tensor_cells(document: Any) -> Iterator[tuple[_Key, SeenCell]]:
    """Of an answer for one revision whose request was named by `tensor_id`."""
    told = _object(document)
    tensors = {str(one.get("name")): one.get("data") for one in map(_object, _list(told.get("outputs")))}
    match str(told.get("id")).split(" "), tensors:
        case [wiki, model, rev_id], {"error": [str(error)], "prediction": [str(label)]} if _is_id(rev_id):
            if error:
                yield (wiki, model, int(rev_id)), SeenCell(error=error.partition(":")[0])
            elif isinstance(names := tensors.get("label"), list):
                values = _list(tensors.get("probability"))
                probability = dict(zip(map(str, names), values, strict=False))
                cell = {"prediction": _UNNAMED.get(label, label), "probability": probability}
                if (seen := _seen(cell, "inference")) is not None:
                    yield (wiki, model, int(rev_id)), seen


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


def _is_id(text: str) -> bool:
    """Whether it is a number that a revision may have; Python refuses to read thousands of digits."""
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
