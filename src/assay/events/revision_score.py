"""``mediawiki.revision-score``: what Wikimedia told of each edit's scores, written in the same form
(``/mediawiki/revision/score/2.0.0``).

Its id is computed from the edit, so that a score that is told twice, as it may be after a crash, can be
recognised by whoever collects them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from assay.events.change import Change
from assay.revisions.record import iso
from assay.revisions.types import UNKNOWN, Actor, Known

SCHEMA: Final = "/mediawiki/revision/score/2.0.0"
STREAM: Final = "mediawiki.revision-score"
_IDS: Final = UUID("6d6e5bd2-6a0e-5c0e-9f0d-3d2f0a8f5b11")
"""Made up once; the ids of all events depend on it."""


def revision_score(
    change: Change, cells: Mapping[str, Mapping[str, Any]], versions: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """The event of one edit.

    `cells`: by model, as ORES's v3 has them, ``{"score": …}`` or ``{"error": …}``; errors are told in
    `errors`, which is left out when there is none. `versions`: the models' versions. `now`: of the telling.
    """
    scores = {name: cell["score"] for name, cell in cells.items() if "score" in cell}
    errors = {name: cell["error"] for name, cell in cells.items() if "error" in cell}
    event = {
        "$schema": SCHEMA,
        "meta": _meta(change, now),
        "database": change.wiki,
        "page_id": change.page_id,
        "page_title": UNKNOWN if change.title is UNKNOWN else change.title.replace(" ", "_"),
        "page_namespace": change.namespace,
        "page_is_redirect": change.is_redirect,
        "performer": UNKNOWN if change.actor is None else _performer(change.actor, is_bot=change.is_bot),
        "rev_id": change.rev_id,
        "rev_parent_id": UNKNOWN if change.parent_id is None else change.parent_id,
        "rev_timestamp": _seconds(change.timestamp),
        "scores": {name: _score(name, versions, score) for name, score in scores.items()},
        "errors": {name: _error(name, versions, error) for name, error in errors.items()} or UNKNOWN,
    }
    return _known(event)


def event_id(change: Change) -> str:
    """The same for every telling of this edit's scores."""
    return str(uuid5(_IDS, f"{change.wiki} {change.rev_id}"))


def _meta(change: Change, now: datetime) -> dict[str, Any]:
    return _known(
        {
            "stream": STREAM,
            "uri": change.uri,
            "request_id": change.request_id,
            "id": event_id(change),
            "dt": iso(now, "milliseconds"),
            "domain": change.domain,
        }
    )


def _performer(actor: Actor, *, is_bot: bool) -> dict[str, Any]:
    return _known(
        {
            "user_text": actor.name,
            "user_groups": UNKNOWN if actor.groups is UNKNOWN else sorted(actor.groups),
            "user_is_bot": is_bot,
            "user_id": UNKNOWN if actor.id is None else actor.id,
            "user_registration_dt": _seconds(actor.registered_at),
            "user_edit_count": actor.edit_count,
        }
    )


def _score(name: str, versions: Mapping[str, str], score: Mapping[str, Any]) -> dict[str, Any]:
    prediction = score["prediction"]
    labels = prediction if isinstance(prediction, list) else [prediction]
    return {
        **_model(name, versions),
        "prediction": [_label(label) for label in labels],
        "probability": dict(score["probability"]),
    }


def _error(name: str, versions: Mapping[str, str], error: Mapping[str, Any]) -> dict[str, Any]:
    return {**_model(name, versions), "type": error["type"], "message": error["message"]}


def _model(name: str, versions: Mapping[str, str]) -> dict[str, str]:
    return {"model_name": name, "model_version": versions.get(name, "")}


def _label(label: Any) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)


def _seconds(moment: Known[datetime | None]) -> Known[str]:
    return iso(moment) if isinstance(moment, datetime) else UNKNOWN


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not UNKNOWN}
