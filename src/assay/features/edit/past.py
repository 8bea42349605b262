"""The page's and the actor's past, as known just before the edit.

An export or a history tells them, and a live wiki's API those of a window (`assay.revisions.wiki.window`).
Where they were not told in time the features are missing, but for two bridges: an account's edit count and
registration stand in for the edits and the age that an export would have shown. Shares are drawn towards one
third (actors) or zero (pages) while there is little to go by.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.roots import (
    ACTOR_HISTORY,
    PAGE_HISTORY,
    TIMESTAMP,
    USER_EDIT_COUNT,
    USER_REGISTRATION,
)
from assay.revisions.types import UNKNOWN, ActorHistory, Known, PageHistory

_DAY_S = 86_400.0


def _seconds(later: datetime, earlier: Known[datetime | None]) -> float | None:
    return (later - earlier).total_seconds() if isinstance(earlier, datetime) else None


def _edits_per_day(page: PageHistory, timestamp: datetime) -> float:
    days = max(0.0, (timestamp - page.created_at).total_seconds()) / _DAY_S
    return page.edits / (days + 1.0)


def _actor_edits(history: Known[ActorHistory], edit_count: Known[int]) -> Any:
    return history.edits if isinstance(history, ActorHistory) else edit_count


def _actor_age_s(timestamp: Any, history: Known[ActorHistory], registered_at: Any) -> Any:
    if timestamp is UNKNOWN:
        return UNKNOWN
    first = history.first_edit_at if isinstance(history, ActorHistory) else registered_at
    return first if first is None or first is UNKNOWN else (timestamp - first).total_seconds()


def _page(name: str, doc: str, compute: Any) -> Feature:
    return Feature(f"feature.assay.page_past.{name}", doc, (PAGE_HISTORY, TIMESTAMP), compute)


def _actor(name: str, doc: str, compute: Any) -> Feature:
    return Feature(f"feature.assay.actor_past.{name}", doc, (ACTOR_HISTORY, TIMESTAMP), compute)


FEATURES = (
    _page("edits", "Earlier revisions of the page.", lambda page, _: page.edits),
    _page("reverts", "Earlier revisions that undid others.", lambda page, _: page.reverts),
    _page("reverted", "Earlier revisions already undone.", lambda page, _: page.reverted),
    _page(
        "reverted_share",
        "Undone per earlier revision, 0 to 1, drawn towards 0.",
        lambda page, _: page.reverted / (page.edits + 2.0),
    ),
    _page("recent_reverts", "Reverts among the latest 10 revisions.", lambda page, _: page.recent_reverts),
    _page(
        "recent_reverted",
        "Revisions already undone among the latest 10.",
        lambda page, _: page.recent_reverted,
    ),
    _page("actors", "Different earlier authors of the page.", lambda page, _: page.actors),
    _page(
        "actors_per_edit",
        "Different authors per earlier revision, 0 to 1.",
        lambda page, _: page.actors / (page.edits + 1.0),
    ),
    _page("age_s", "Seconds since the page was created.", lambda page, t: _seconds(t, page.created_at)),
    _page("edits_per_day", "Earlier revisions per day of the page's life.", _edits_per_day),
    _page(
        "seconds_since_revert",
        "Seconds since the latest revert on the page; missing without one.",
        lambda page, t: _seconds(t, page.last_revert_at),
    ),
    _actor(
        "reverted", "The actor's earlier edits already undone by others.", lambda actor, _: actor.reverted
    ),
    _actor(
        "reverted_share",
        "Undone per earlier edit of the actor, 0 to 1, drawn towards one third.",
        lambda actor, _: (actor.reverted + 0.5) / (actor.edits + 1.5),
    ),
    _actor(
        "seconds_since_reverted",
        "Seconds since somebody undid an edit of the actor; missing if nobody had.",
        lambda actor, t: _seconds(t, actor.last_reverted_at),
    ),
    _actor("reverts", "The actor's earlier edits that undid others.", lambda actor, _: actor.reverts),
    _actor("pages", "Different pages the actor had edited.", lambda actor, _: actor.pages),
    _actor("edits_to_page", "The actor's earlier edits to this page.", lambda actor, _: actor.edits_to_page),
    _actor(
        "seconds_since_edit",
        "Seconds since the actor's previous edit; missing without one.",
        lambda actor, t: _seconds(t, actor.last_edit_at),
    ),
    Feature(
        "feature.assay.actor_past.edits",
        "The actor's earlier edits; on a live wiki the edit count at the time of asking.",
        (ACTOR_HISTORY, USER_EDIT_COUNT),
        _actor_edits,
        accepts_unknown=True,
    ),
    Feature(
        "feature.assay.actor_past.age_s",
        "Seconds since the actor's first edit; on a live wiki since registration; missing for a first edit.",
        (TIMESTAMP, ACTOR_HISTORY, USER_REGISTRATION),
        _actor_age_s,
        accepts_unknown=True,
    ),
)


def family(_: Lexicons) -> Iterable[Node]:
    return FEATURES
