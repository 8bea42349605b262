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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from assay.errors import AssayError
from assay.models.model import Explanation, Label, Score
from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, Page, PageHistory, Revision
from assay.scoring.request import Cell, Job, Scored

CODEC_VERSION: Final = 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Decoder = Callable[[Any], Any]


class CodecError(AssayError):
    """Bytes that are not what this version writes: truncated, altered, or from another version."""

    code = "codec_error"


@dataclass(frozen=True, slots=True)
class Computed:
    """What an engine sends back for one job, with what it cost.

    `extract_s`: seconds for all features; `predict_s`: for all models and explanations.
    """

    cells: Mapping[str, Cell]
    extract_s: float = 0.0
    predict_s: float = 0.0


def encode_job(job: Job) -> bytes:
    record = [
        CODEC_VERSION,
        job.wiki,
        list(job.models),
        _revision(job.revision),
        dict(job.injection),
        job.features,
        job.explain,
    ]
    return orjson.dumps(record)


def decode_job(data: bytes) -> Job:
    """Raises `CodecError`."""
    job: Job = _read(data, _to_job)
    return job


def encode_computed(computed: Computed) -> bytes:
    cells = {model: _cell(cell) for model, cell in computed.cells.items()}
    return orjson.dumps([CODEC_VERSION, cells, computed.extract_s, computed.predict_s], default=float)


def decode_computed(data: bytes) -> Computed:
    """Raises `CodecError`."""
    computed: Computed = _read(data, _to_computed)
    return computed


def encode_score(score: Score) -> bytes:
    return orjson.dumps([CODEC_VERSION, *_score(score)])


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


# -- revisions ---------------------------------------------------------------------------------------


def _value(value: Any, encode: Callable[[Any], Any] = lambda plain: plain) -> Any:
    """Any field: None, UNKNOWN, a problem, or what `encode` makes of a real value."""
    if value is None:
        return None
    if value is UNKNOWN:
        return {"u": 1}
    if type(value) is Problem:
        return {"p": [value.code, value.type, value.message, value.retryable]}
    return encode(value)


def _to_value(value: Any, decode: Decoder = lambda plain: plain) -> Any:
    if value is None:
        return None
    if type(value) is dict:
        if "u" in value:
            return UNKNOWN
        return Problem(*value["p"])
    return decode(value)


def _time(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _to_time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _page(page: Page) -> list[Any]:
    return [page.title, _value(page.id), _value(page.namespace)]


def _to_page(record: list[Any]) -> Page:
    return Page(record[0], _to_value(record[1]), _to_value(record[2]))


def _actor(actor: Actor) -> list[Any]:
    return [
        actor.name,
        actor.is_anonymous,
        _value(actor.id),
        _value(actor.groups, sorted),
        _value(actor.registered_at, _time),
        _value(actor.edit_count),
    ]


def _to_actor(record: list[Any]) -> Actor:
    name, is_anonymous, user_id, groups, registered_at, edit_count = record
    return Actor(
        name,
        is_anonymous,
        _to_value(user_id),
        _to_value(groups, frozenset),
        _to_value(registered_at, _to_time),
        _to_value(edit_count),
    )


def _page_history(past: PageHistory) -> list[Any]:
    times = [_time(past.created_at), _value(past.last_revert_at, _time)]
    recent = [_value(past.recent_reverts), _value(past.recent_reverted)]
    return [past.edits, past.reverts, past.reverted, past.actors, *times, *recent]


def _to_page_history(record: list[Any]) -> PageHistory:
    edits, reverts, reverted, actors, created_at, last_revert_at, recent_reverts, recent_reverted = record
    return PageHistory(
        edits,
        reverts,
        reverted,
        actors,
        _to_time(created_at),
        _to_value(last_revert_at, _to_time),
        _to_value(recent_reverts),
        _to_value(recent_reverted),
    )


def _actor_history(past: ActorHistory) -> list[Any]:
    counts = [past.edits, past.reverted, past.reverts, past.pages, past.edits_to_page]
    times = (past.first_edit_at, past.last_edit_at, past.last_reverted_at)
    return [*counts, *(_value(time, _time) for time in times)]


def _to_actor_history(record: list[Any]) -> ActorHistory:
    edits, reverted, reverts, pages, edits_to_page, first_edit_at, last_edit_at, last_reverted_at = record
    return ActorHistory(
        edits,
        reverted,
        reverts,
        pages,
        edits_to_page,
        _to_value(first_edit_at, _to_time),
        _to_value(last_edit_at, _to_time),
        _to_value(last_reverted_at, _to_time),
    )


def _revision(revision: Revision) -> list[Any]:
    return [
        revision.id,
        _page(revision.page),
        _value(revision.actor, _actor),
        _time(revision.timestamp),
        _value(revision.comment),
        _value(revision.text),
        _value(revision.parent, _revision),
        _value(revision.parent_id),
        _value(revision.is_minor),
        _value(revision.size_bytes),
        _value(revision.sha1),
        revision.content_model,
        _value(revision.tags, list),
        _value(revision.page_history, _page_history),
        _value(revision.actor_history, _actor_history),
    ]


def _to_revision(record: list[Any]) -> Revision:
    rev_id, page, actor, timestamp, comment, text, parent, parent_id = record[:8]
    is_minor, size_bytes, sha1, content_model, tags, page_history, actor_history = record[8:]
    return Revision(
        id=rev_id,
        page=_to_page(page),
        actor=_to_value(actor, _to_actor),
        timestamp=_to_time(timestamp),
        comment=_to_value(comment),
        text=_to_value(text),
        parent=_to_value(parent, _to_revision),
        parent_id=_to_value(parent_id),
        is_minor=_to_value(is_minor),
        size_bytes=_to_value(size_bytes),
        sha1=_to_value(sha1),
        content_model=content_model,
        tags=_to_value(tags, tuple),
        page_history=_to_value(page_history, _to_page_history),
        actor_history=_to_value(actor_history, _to_actor_history),
    )


def _to_job(record: list[Any]) -> Job:
    _, wiki, models, revision, injection, features, explain = record
    return Job(wiki, tuple(models), _to_revision(revision), injection, features, explain)


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
    _, cells, extract_s, predict_s = record
    return Computed({name: _to_cell(cell) for name, cell in cells.items()}, extract_s, predict_s)


def _cell(cell: Cell) -> Any:
    if isinstance(cell, Problem):
        return _value(cell)
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
