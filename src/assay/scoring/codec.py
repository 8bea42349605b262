"""Jobs and their results as bytes, for sockets, queues and caches.

JSON with a version number, never pickle: reading executes nothing, and a message from another version is
refused. Records are arrays in the order of their dataclass's fields; what JSON cannot say stands in
an object with one key::

    {"u": 1}                                    UNKNOWN
    {"p": [code, type, message, retryable]}     a Problem

so that "none", "not known" and "cannot be had" survive the journey.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import orjson

from assay.errors import AssayError
from assay.models.model import Explanation, Label, Score
from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, Revision, Unknown
from assay.scoring.request import Cell, Job, Scored

CODEC_VERSION: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Encoder = Callable[[Any], Any]
Decoder = Callable[[Any], Any]


class CodecError(AssayError):
    """Bytes that are not what this version writes: truncated, altered, or from another version."""

    code = "codec_error"


@dataclass(frozen=True, slots=True)
class Computed:
    """What an engine sends back for one job, with what it cost.

    `extract_s`: seconds for all features; `predict_s`: for all models and explanations. `cpu_s`: of the
    processor for both, which another process's load does not lengthen; None: not measured.
    """

    cells: Mapping[str, Cell]
    extract_s: float = 0.0
    predict_s: float = 0.0
    cpu_s: float | None = None

    def priced(self) -> dict[str, Cell]:
        """The cells, each scored one with what its job cost."""
        return {
            name: replace(cell, cpu_s=self.cpu_s) if isinstance(cell, Scored) else cell
            for name, cell in self.cells.items()
        }


def encode_job(job: Job) -> bytes:
    record = [
        CODEC_VERSION,
        job.wiki,
        list(job.models),
        _record(Revision).encode(job.revision),
        dict(job.injection),
        job.features,
        job.explain,
        job.told,
    ]
    return orjson.dumps(record)


def decode_job(data: bytes) -> Job:
    """Raises `CodecError`."""
    job: Job = _read(data, _to_job)
    return job


def encode_computed(computed: Computed) -> bytes:
    cells = {model: _cell(cell) for model, cell in computed.cells.items()}
    cost = [computed.extract_s, computed.predict_s, computed.cpu_s]
    return orjson.dumps([CODEC_VERSION, cells, *cost], default=float)


def decode_computed(data: bytes) -> Computed:
    """Raises `CodecError`."""
    computed: Computed = _read(data, _to_computed)
    return computed


def encode_score(score: Score) -> bytes:
    """Copied to its own size: what orjson returns keeps 4 kB allocated, thirty times a score's need, and
    caches hold these for days."""
    return bytes(memoryview(orjson.dumps([CODEC_VERSION, *_score(score)])))


def decode_score(data: bytes) -> Score:
    """Raises `CodecError`."""
    score: Score = _read(data, lambda record: _to_score(record[1:]))
    return score


def _read(data: bytes, decode: Decoder) -> Any:
    try:
        record = orjson.loads(data)
        if record[0] != CODEC_VERSION:
            raise CodecError(f"a message of version {record[0]!r}; this process speaks {CODEC_VERSION}")
        return decode(record)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise CodecError(f"a damaged message: {error}") from error


# -- records -----------------------------------------------------------------------------------------


def _value(value: Any, encode: Encoder) -> Any:
    """Any field: None, UNKNOWN, a problem, or what `encode` makes of a real value."""
    if value is None:
        return None
    if value is UNKNOWN:
        return {"u": 1}
    if type(value) is Problem:
        return _problem(value)
    return encode(value)


def _to_value(value: Any, decode: Decoder) -> Any:
    if value is None:
        return None
    if type(value) is dict:
        return UNKNOWN if "u" in value else Problem(*value["p"])
    return decode(value)


def _problem(problem: Problem) -> dict[str, Any]:
    return {"p": [problem.code, problem.type, problem.message, problem.retryable]}


def _time(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _to_time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _same(value: Any) -> Any:
    return value


class _Record:
    """The codec of one dataclass, made from its fields' types, so that no field can be forgotten."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        self._fields = [(field.name, *_codec_of(hints[field.name])) for field in fields(kind)]

    def encode(self, record: Any) -> list[Any]:
        return [_value(getattr(record, name), encode) for name, encode, _ in self._fields]

    def decode(self, values: list[Any]) -> Any:
        pairs = zip(values, self._fields, strict=True)
        return self._kind(*(_to_value(value, decode) for value, (_, _, decode) in pairs))


@cache
def _record(kind: type) -> _Record:
    return _Record(kind)


def _codec_of(hint: Any) -> tuple[Encoder, Decoder]:
    """How a field's real values are written; its None, UNKNOWN and problems are everybody's."""
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = [kind for kind in members if kind not in (NoneType, Unknown, Problem)]
    (kind,) = kinds  # two kinds of real values in one field would need a tag
    if kind is datetime:
        return _time, _to_time
    if kind in (str, int, float, bool):
        return _same, _same
    if get_origin(kind) is frozenset:
        return sorted, frozenset
    if get_origin(kind) is tuple:
        return list, tuple
    if not isinstance(kind, type) or not is_dataclass(kind):
        raise TypeError(f"a field of type {kind!r} cannot be sent to another process: teach {__name__}")
    inner: type = kind
    return lambda value: _record(inner).encode(value), lambda value: _record(inner).decode(value)


def _to_job(record: list[Any]) -> Job:
    _, wiki, models, revision, injection, features, explain, told = record
    known = _record(Revision).decode(revision)
    return Job(wiki, tuple(models), known, injection, features, explain, told=told)


# -- cells -------------------------------------------------------------------------------------------


def _labelled(values: Mapping[Label, Any]) -> list[list[Any]]:
    """Pairs, because JSON's object keys cannot tell the label true from the label "true"."""
    return [[label, value] for label, value in values.items()]


def _to_labelled(pairs: list[list[Any]]) -> dict[Label, Any]:
    return {label: value for label, value in pairs}  # noqa: C416 - pairs are lists, checked to be two long


def _score(score: Score) -> list[Any]:
    return [score.prediction, _labelled(score.probability)]


def _to_score(record: list[Any]) -> Score:
    prediction, probability = record
    return Score(prediction, _to_labelled(probability))


def _to_computed(record: list[Any]) -> Computed:
    _, cells, extract_s, predict_s, cpu_s = record
    return Computed({name: _to_cell(cell) for name, cell in cells.items()}, extract_s, predict_s, cpu_s)


def _cell(cell: Cell) -> Any:
    if isinstance(cell, Problem):
        return _problem(cell)
    explanation = cell.explanation
    return [
        _score(cell.score),
        None if cell.features is None else dict(cell.features),
        None
        if explanation is None
        else [
            _labelled(explanation.base),
            [[label, list(values)] for label, values in explanation.contributions.items()],
        ],
    ]


def _to_cell(record: Any) -> Cell:
    if type(record) is dict:
        return Problem(*record["p"])
    score, features, explanation = record
    return Scored(
        _to_score(score),
        features,
        explanation and Explanation(_to_labelled(explanation[0]), _to_labelled(explanation[1])),
    )
