"""Whether two arms say the same: statuses, headers, JSON shapes, values, and scores side by side. Pure.

Scores may differ between releases, so they are not judged here but laid side by side as `CellPair`s, for
statistics. All else may not: a client reads keys and types. Every difference is told in a sentence that
begins with its place, such as ``enwiki.scores.123.damaging.score: …``.

Revisions are deleted and edited while we ask. `lasting` tells such a difference from an arm's own: it keeps
only what the stable arm, asked a second time, still does not say either.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import unquote

import orjson

from assay.rollout.samples import CellPair, SeenCell

TOLERANCE: Final = 1e-9
"""Of numbers outside scores, relative and absolute: two builds of one library may sum in another order."""
MAX_FAULTS: Final = 50
"""Sentences kept of one kind for one request; a document that is all wrong would fill the journal."""
MAX_DEPTH: Final = 64
"""Levels of a document that are compared; ours have ten."""
RELEASE_HEADER: Final = "x-assay-release"
COST_HEADER: Final = "server-timing"
_CPU: Final = re.compile(r"(?:^|,)\s*cpu;dur=(\d{1,9}(?:\.\d{1,9})?)\s*(?:$|,)")
_SHOWN: Final = 80

Path = tuple[str, ...]
Kind = Literal["shape", "value"]
Route = Literal["v3", "v2", "v1", "api", "lines", "recent", "versions", ""]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one arm said. `status`: 0 when no whole answer came, and `lost` says why. `headers`: names in
    lower case. `ms`: from asking to the answer's end."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    ms: float = 0.0
    lost: str = ""

    @property
    def cpu_ms(self) -> float | None:
        """Processor time of the computation, as the arm tells it; None when it does not, as for answers from
        its cache."""
        found = _CPU.search(self.headers.get(COST_HEADER, ""))
        return float(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Fault:
    """A difference that is no score's. `where`: the path in the document."""

    kind: Kind
    where: Path
    what: str

    def __str__(self) -> str:
        return f"{'.'.join(self.where) or 'the answer'}: {self.what}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of two answers to one request."""

    cells: tuple[CellPair, ...] = ()
    faults: tuple[Fault, ...] = ()

    def sentences(self, kind: Kind) -> tuple[str, ...]:
        return tuple(str(fault) for fault in self.faults if fault.kind == kind)[:MAX_FAULTS]


@dataclass(frozen=True, slots=True)
class Declared:
    """(wiki, model) whose model is another one in the candidate, as its release declares; ``*`` is any.

    Its version, features and statistics may differ; the shape of its scores may not.
    """

    models: Collection[tuple[str, str]] = ()

    def __contains__(self, asked: tuple[str, str]) -> bool:
        return any(wiki in ("*", asked[0]) and model in ("*", asked[1]) for wiki, model in self.models)


def compare(target: str, stable: Answer, candidate: Answer, declared: Declared | None = None) -> Comparison:
    """Answers with different statuses, or with none, are not compared further: the statuses say it.

    Documents of the routes that give scores are compared by what their parts mean (`_Meaning`), all others
    as they are.
    """
    if stable.status != candidate.status or stable.status == 0:
        return Comparison()
    faults = list(_header_faults(stable, candidate))
    documents = _parsed(stable.body), _parsed(candidate.body)
    if not all(isinstance(one, _NotJson) for one in documents):
        faults += _differences(*documents, (), _Meaning(target, declared or Declared()))
    return Comparison(tuple(cell_pairs(target, *documents)), tuple(faults))


def lasting(found: Comparison, again: Comparison) -> Comparison:
    """`found`, without faults at places where the stable arm's second answer agrees with the candidate's."""
    places = {(fault.kind, fault.where) for fault in again.faults}
    faults = tuple(fault for fault in found.faults if (fault.kind, fault.where) in places)
    return Comparison(found.cells, faults)


def release_fault(arm: str, answer: Answer, release: str | None) -> Fault | None:
    """A sentence when an arm's answer is another release's. `release`: None: not to be judged. A failure need
    not name any: a proxy before the arm may have answered itself."""
    told = answer.headers.get(RELEASE_HEADER, "")
    is_proxys = not told and answer.status >= 500
    if release is None or answer.status == 0 or told == release or is_proxys:
        return None
    what = f"the {arm} arm, which is {release}, answered as {_show(told)}: it has a foreign process"
    return Fault("value", ("header", RELEASE_HEADER), what)


# -- documents ---------------------------------------------------------------------------------------


_WRAPPED: Final = ("v3", "lines")
"""Routes whose cells hold a score, beside what else is told; elsewhere a cell is the score."""


class _NotJson:
    """What an answer's body is when it is no JSON."""


def _parsed(body: bytes) -> Any:
    """Of several lines with a document each: their list."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        lines = [orjson.loads(line) for line in body.splitlines() if line]
    except orjson.JSONDecodeError:
        return _NotJson()
    return lines or _NotJson()


def _header_faults(stable: Answer, candidate: Answer) -> Iterator[Fault]:
    old, new = (answer.headers.get("content-type", "") for answer in (stable, candidate))
    if old != new:
        yield Fault("shape", ("header", "content-type"), f"{_show(new)}, not {_show(old)}")


class _Meaning:
    """What may differ at a place of a document."""

    def __init__(self, target: str, declared: Declared) -> None:
        self.route = route_of(target)
        parts = _path_parts(target)
        self._wiki = _wiki_of(self.route, parts)
        self._is_of_declared = parts[:3:2] == ["api", "models"] and (parts[1], parts[3]) in declared
        self._depth = 1 if self.route == "v1" and _of_v1(parts)[1] else 2
        self._declared = declared

    def is_free(self, where: Path) -> bool:
        """Whether nothing here is compared: it is of a model that is declared to be another one."""
        match self.route, where:
            case "v3", (wiki, "models", model, _, *_):
                return (wiki, model) in self._declared
            case "v2", ("scores", wiki, model, "version" | "info", *_):
                return (wiki, model) in self._declared
            case "v2", ("scores", wiki, model, "features", _, _, *_):
                return (wiki, model) in self._declared
            case "v1", ("models", model, _, *_):
                return (self._wiki, model) in self._declared
            case "lines", (_, "models", model, _, *_):
                return (self._wiki, model) in self._declared
            case "lines", (_, "scores", model, "features" | "explanation", _, *_):
                return (self._wiki, model) in self._declared
            case "", (_, *_) if self._is_of_declared:
                return True
            case "v3", (wiki, "scores", _, model, "features" | "explanation", _, *_):
                return (wiki, model) in self._declared
            case "api", ("scores", model, "features" | "explanation", _, *_):
                return (self._wiki, model) in self._declared
            case "", ("wikis", _, "models", _, "version" | "digest" | "features", *_):
                return bool(self._declared.models)  # which wiki and model, ``/v3/scores/`` tells
        return False

    def is_cell(self, where: Path) -> bool:
        match self.route, where:
            case "v3", (_, "scores", _, _):
                return True
            case "api", ("scores", _):
                return True
            case "v2", ("scores", _, _, "scores", _):
                return True
            case "lines", (_, "scores", _):
                return True
        return self._is_bare_cell(where)

    def _is_bare_cell(self, where: Path) -> bool:
        """By revision, then by model unless the path names one."""
        return self.route == "v1" and len(where) == self._depth and where[0].isdecimal()

    def values_count(self, where: Path) -> bool:
        """Whether a value here must be the same, not only of the same type."""
        match self.route, where:
            case _, (*_, "message"):
                return False
            case "recent", ("revisions", *_):
                return False  # the world goes on between two questions
            case "versions", _:
                return False
            case "v1", _ if self._is_bare_cell(where[: self._depth]):
                return False
            case "v2", ("scores", _, _, "scores", _, *_):
                return False
            case "lines", (_, "scores", _, part, *_):
                return part == "features"
            case "v3", (_, "scores", _, _, part, *_):
                return part == "features"
            case "api", ("scores", _, "features", _, "contributions", *_):
                return False
            case "api", ("scores", _, part, *_):
                return part == "features"
        return True

    def is_feature(self, where: Path) -> bool:
        """A feature's value: null is one, and 0 is 0.0."""
        match self.route, where:
            case "v3", (_, "scores", _, _, "features", _):
                return True
            case "api", ("scores", _, "features", _, "value"):
                return True
            case "v2", ("scores", _, _, "features", _, _):
                return True
            case "lines", (_, "scores", _, "features", _):
                return True
        return False


def route_of(target: str) -> Route:
    """Which kind of document a target's answer is: ORES's three (the third is Lift Wing's, too), one edit,
    many lines or the latest edits of ``/api/``, one that tells versions, or another."""
    match _path_parts(target):
        case ["v3", "scores", *_]:
            return "v3"
        case ["v1", "models", name] if name.endswith((":predict", ":explain")):
            return "v3"
        case ["v2", "scores", *_]:
            return "v2"
        case ["scores", *_] | ["v1", "scores", *_]:
            return "v1"
        case ["api", _, "recent"]:
            return "recent"
        case ["api", _, "scores"]:
            return "lines"
        case ["api", _, "revisions", _] | ["api", _, "text"]:
            return "api"
        case ["versions"] | ["v2"]:
            return "versions"
    return ""


def _wiki_of(route: Route, parts: Sequence[str]) -> str:
    """Where the path names it; empty where the document does."""
    if route in ("api", "lines"):
        return parts[1]
    return _of_v1(parts)[0] if route == "v1" else ""


def _of_v1(parts: Sequence[str]) -> tuple[str, str]:
    """Wiki and model of a path of the first API; empty where it has none."""
    wiki, model, *_ = (*parts[parts.index("scores") + 1 :], "", "")
    return wiki, model


def _path_parts(target: str) -> list[str]:
    return [unquote(part) for part in target.partition("?")[0].strip("/").split("/")]


def _differences(old: Any, new: Any, where: Path, meaning: _Meaning) -> Iterator[Fault]:
    if meaning.is_free(where) or (meaning.is_cell(where) and _is_told_by_cells(old, new, meaning.route)):
        return
    if len(where) > MAX_DEPTH:
        return
    if meaning.is_feature(where) and (old is None or new is None):
        if old is not new:
            yield Fault("value", where, f"{_show(new)}, not {_show(old)}")
    elif (before := _type(old, where, meaning)) != (after := _type(new, where, meaning)):
        yield Fault("shape", where, f"{after} {_show(new)}, not {before} {_show(old)}")
    elif isinstance(old, dict):
        yield from _of_objects(old, new, where, meaning)
    elif isinstance(old, list):
        yield from _of_lists(old, new, where, meaning)
    elif meaning.values_count(where) and not _is_same(old, new):
        yield Fault("value", where, f"{_show(new)}, not {_show(old)}")


def _of_objects(old: dict[str, Any], new: dict[str, Any], where: Path, meaning: _Meaning) -> Iterator[Fault]:
    for key in sorted(old.keys() | new.keys()):
        place = (*where, key)
        if key in old and key in new:
            yield from _differences(old[key], new[key], place, meaning)
        elif not meaning.is_free(place):
            what = "is missing" if key in old else f"is new, with {_show(new[key])}"
            yield Fault("shape", place, what)


def _of_lists(old: list[Any], new: list[Any], where: Path, meaning: _Meaning) -> Iterator[Fault]:
    if len(old) != len(new) and meaning.values_count(where) and not meaning.is_free((*where, "0")):
        yield Fault("value", where, f"{len(new)} values, not {len(old)}")
    for index, (before, after) in enumerate(zip(old, new, strict=False)):
        yield from _differences(before, after, (*where, str(index)), meaning)


def _is_told_by_cells(old: Any, new: Any, route: Route) -> bool:
    """A score here and an error there is for the statistics of cells, as long as each is what it claims."""
    return {_cell_kind(old, route), _cell_kind(new, route)} == {"score", "error"}


def _cell_kind(cell: Any, route: Route) -> Literal["score", "error", ""]:
    if not isinstance(cell, dict):
        return ""
    if isinstance(error := cell.get("error"), dict):
        return "error" if "type" in error and len(cell) == 1 else ""
    score = cell.get("score") if route in _WRAPPED else cell
    return "score" if isinstance(score, dict) and {"prediction", "probability"} <= score.keys() else ""


_TYPES: Final[dict[type, str]] = {
    bool: "a truth value",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
    type(None): "null",
    _NotJson: "no JSON",
}


def _type(value: Any, where: Path, meaning: _Meaning) -> str:
    kind = float if type(value) is int and meaning.is_feature(where) else type(value)
    return _TYPES[kind]


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(old, bool) or not isinstance(old, int | float):
        return bool(old == new)
    difference: float = abs(new - old)
    return bool(difference <= TOLERANCE * max(1.0, abs(old), abs(new)))


# -- cells -------------------------------------------------------------------------------------------

_Key = tuple[str, str, int]


def cell_pairs(target: str, stable: Any, candidate: Any) -> Iterator[CellPair]:
    """Every (wiki, model, revision) that either document has, side by side, in a settled order."""
    old, new = cells_of(target, stable), cells_of(target, candidate)
    for wiki, model, rev_id in sorted(old.keys() | new.keys()):
        key = wiki, model, rev_id
        yield CellPair(wiki, model, rev_id, old.get(key), new.get(key))


def cells_of(target: str, document: Any) -> dict[_Key, SeenCell]:
    """By wiki, model and revision. What is no cell is left out: its shape is told as a fault."""
    route, parts = route_of(target), _path_parts(target)
    if route == "v3":
        return dict(_v3_cells(document))
    if route == "v2":
        return dict(_v2_cells(document))
    if route == "v1":
        return dict(_v1_cells(document, *_of_v1(parts)))
    if route == "lines":
        return dict(_line_cells(document, parts[1]))
    if route == "api" and parts[-1].isdecimal():
        cells = _dict(_dict(document).get("scores"))
        found = {(parts[1], model, int(parts[3])): _seen(cell, route) for model, cell in cells.items()}
        return {key: cell for key, cell in found.items() if cell is not None}
    return {}


def _v3_cells(document: Any) -> Iterator[tuple[_Key, SeenCell]]:
    for wiki, part in _dict(document).items():
        for rev_id, cells in _dict(_dict(part).get("scores")).items():
            for model, cell in _dict(cells).items():
                if rev_id.isdecimal() and (seen := _seen(cell, "v3")) is not None:
                    yield (wiki, model, int(rev_id)), seen


def _v2_cells(document: Any) -> Iterator[tuple[_Key, SeenCell]]:
    for wiki, models in _dict(_dict(document).get("scores")).items():
        for model, told in _dict(models).items():
            for rev_id, cell in _dict(_dict(told).get("scores")).items():
                if rev_id.isdecimal() and (seen := _seen(cell, "v2")) is not None:
                    yield (wiki, model, int(rev_id)), seen


def _v1_cells(document: Any, wiki: str, model: str) -> Iterator[tuple[_Key, SeenCell]]:
    for rev_id, row in _dict(document).items():
        for name, cell in ({model: row} if model else _dict(row)).items():
            if rev_id.isdecimal() and (seen := _seen(cell, "v1")) is not None:
                yield (wiki, name, int(rev_id)), seen


def _line_cells(lines: Any, wiki: str) -> Iterator[tuple[_Key, SeenCell]]:
    for line in map(_dict, lines if isinstance(lines, list) else ()):
        rev_id = line.get("revision")
        for model, cell in _dict(line.get("scores")).items():
            if isinstance(rev_id, int) and (seen := _seen(cell, "lines")) is not None:
                yield (wiki, model, rev_id), seen


def _seen(cell: Any, route: Route) -> SeenCell | None:
    kind = _cell_kind(cell, route)
    if kind == "error":
        return SeenCell(error=str(cell["error"].get("code") or cell["error"]["type"]))
    if kind != "score":
        return None
    score = cell["score"] if route in _WRAPPED else cell
    probability = {
        label: float(value)
        for label, value in _dict(score["probability"]).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return SeenCell(orjson.dumps(score["prediction"]).decode(), probability)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _show(value: Any) -> str:
    if isinstance(value, _NotJson):
        return ""
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
