"""Who made the edit: rights and experience."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assay.features.catalogue import features
from assay.features.edit.actor import ANONYMOUS, EXPERIENCED, NEWCOMER
from assay.features.graph.plan import Plan
from assay.features.lexicon import Lexicons
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, Page, Revision

NOW = datetime(2020, 1, 10, 13, tzinfo=UTC)


def value(name: str, actor: Actor, **fields: Any) -> Any:
    revision = replace(Revision(1, Page("P"), actor, NOW, "", "", None), **fields)
    wanted = features([name], Lexicons())
    row = Plan(wanted).run(revision).row(wanted)
    assert isinstance(row, list)
    return row[0]


USER = Actor("U", False)
IP = Actor("1.2.3.4", True)


@pytest.mark.parametrize(
    ("right", "group"),
    [
        ("is_bot", "bot"),
        ("is_admin", "sysop"),
        ("has_advanced_rights", "checkuser"),
        ("is_trusted", "autopatrolled"),
        ("is_patroller", "rollback"),
        ("is_curator", "filemover"),
    ],
)
def test_rights_come_from_groups(right: str, group: str) -> None:
    name = f"feature.revision.user.{right}"
    assert value(name, replace(USER, groups=frozenset({"user", group}))) is True
    assert value(name, replace(USER, groups=frozenset({"user"}))) is False
    assert value(name, USER) is None, "unknown groups are not 'no'"
    assert value(name, IP) is False, "anonymous users are in no group anywhere"


def _past(edits: int, days: int) -> ActorHistory:
    return ActorHistory(edits, 0, 0, 1, 0, NOW - timedelta(days=days), NOW)


@pytest.mark.parametrize(
    ("actor", "past", "expected"),
    [
        (IP, UNKNOWN, ANONYMOUS),
        (replace(USER, registered_at=NOW - timedelta(days=3)), UNKNOWN, NEWCOMER),
        (replace(USER, registered_at=NOW - timedelta(days=5)), UNKNOWN, EXPERIENCED),
        (replace(USER, registered_at=NOW - timedelta(days=5), edit_count=9), UNKNOWN, NEWCOMER),
        (replace(USER, registered_at=NOW - timedelta(days=5), edit_count=10), UNKNOWN, EXPERIENCED),
        (replace(USER, registered_at=None), UNKNOWN, EXPERIENCED),
        (USER, UNKNOWN, None),
        (USER, _past(10, 4), EXPERIENCED),
        (USER, _past(9, 4), None),
        (USER, _past(10, 3), None),
    ],
)
def test_user_type(actor: Actor, past: Any, expected: int | None) -> None:
    assert value("feature.assay.user.type", actor, actor_history=past) == expected
