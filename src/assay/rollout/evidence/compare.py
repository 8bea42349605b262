"""Whether two arms say the same: statuses, headers, JSON shapes, values, and scores side by side. Pure.

Scores may differ between releases, so they are not judged here but laid side by side as `CellPair`s, for
statistics. All else may not: a client reads keys and types. Every difference is told in a sentence that
begins with its place, such as ``enwiki.scores.123.damaging.score: …``.

Revisions are deleted and edited while we ask. `lasting` tells such a difference from an arm's own: it keeps
only what the stable arm, asked a second time, still does not say either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from assay.rollout.evidence.cells import cell_pairs, is_told_by_cells
from assay.rollout.evidence.meaning import Declared, Meaning, Path
from assay.rollout.samples import CellPair

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

Kind = Literal["shape", "value"]


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


def compare(target: str, stable: Answer, candidate: Answer, declared: Declared | None = None) -> Comparison:
    """Answers with different statuses, or with none, are not compared further: the statuses say it.

    Documents of the routes that give scores are compared by what their parts mean (`Meaning`), all others
    as they are.
    """
    if stable.status != candidate.status or stable.status == 0:
        return Comparison()
    faults = list(_header_faults(stable, candidate))
    documents = _parsed(stable.body), _parsed(candidate.body)
    if not all(isinstance(one, _NotJson) for one in documents):
        faults += _differences(*documents, (), Meaning(target, declared or Declared()))
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


def _differences(old: Any, new: Any, where: Path, meaning: Meaning) -> Iterator[Fault]:
    if meaning.is_free(where) or (meaning.is_cell(where) and is_told_by_cells(old, new, meaning.route)):
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


def _of_objects(old: dict[str, Any], new: dict[str, Any], where: Path, meaning: Meaning) -> Iterator[Fault]:
    for key in sorted(old.keys() | new.keys()):
        place = (*where, key)
        if key in old and key in new:
            yield from _differences(old[key], new[key], place, meaning)
        elif not meaning.is_free(place):
            what = "is missing" if key in old else f"is new, with {_show(new[key])}"
            yield Fault("shape", place, what)


def _of_lists(old: list[Any], new: list[Any], where: Path, meaning: Meaning) -> Iterator[Fault]:
    if len(old) != len(new) and meaning.values_count(where) and not meaning.is_free((*where, "0")):
        yield Fault("value", where, f"{len(new)} values, not {len(old)}")
    for name, before, after in _matched(old, new, meaning.item_key(where)):
        yield from _differences(before, after, (*where, name), meaning)


def _matched(old: list[Any], new: list[Any], key: str) -> Iterator[tuple[str, Any, Any]]:
    """Items that belong together: those with the same value under `key`; by their places when it is empty, or
    when an item has none."""
    kinds = {type(item.get(key)) if isinstance(item, dict) else None for item in (*old, *new)}
    if not key or kinds not in ({int}, {str}):
        for index, (before, after) in enumerate(zip(old, new, strict=False)):
            yield str(index), before, after
        return
    found = {item[key]: item for item in new}
    for item in old:
        if item[key] in found:
            yield str(item[key]), item, found[item[key]]


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


def _type(value: Any, where: Path, meaning: Meaning) -> str:
    kind = float if type(value) is int and meaning.is_feature(where) else type(value)
    return _TYPES[kind]


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(old, bool) or not isinstance(old, int | float):
        return bool(old == new)
    difference: float = abs(new - old)
    return bool(difference <= TOLERANCE * max(1.0, abs(old), abs(new)))


def _show(value: Any) -> str:
    if isinstance(value, _NotJson):
        return ""
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
