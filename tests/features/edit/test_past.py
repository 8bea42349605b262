"""Pasts as features: missing where the source does not tell, bridged where a live wiki tells else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from assay.features.edit.past import FEATURES
from assay.revisions.types import ActorHistory, PageHistory
from features.edits import EDITOR, NOW, edit, value, values

PAGE = PageHistory(8, 2, 3, 4, NOW - timedelta(days=3), NOW - timedelta(hours=2), 1, 2)
ACTOR = ActorHistory(6, 3, 1, 2, 1, NOW - timedelta(days=2), NOW - timedelta(minutes=5), NOW)
KNOWN = edit("a", "b", page_history=PAGE, actor_history=ACTOR)
NAMES = [feature.name.removeprefix("feature.assay.") for feature in FEATURES]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("page_past.edits", 8),
        ("page_past.reverted_share", 0.3),
        ("page_past.actors_per_edit", 4 / 9),
        ("page_past.age_s", 3 * 86_400),
        ("page_past.edits_per_day", 2),
        ("page_past.seconds_since_revert", 7200),
        ("page_past.recent_reverted", 2),
        ("actor_past.edits", 6),
        ("actor_past.reverted_share", 3.5 / 7.5),
        ("actor_past.age_s", 2 * 86_400),
        ("actor_past.seconds_since_edit", 300),
        ("actor_past.seconds_since_reverted", 0),
    ],
)
def test_known_pasts(name: str, expected: float) -> None:
    assert value(KNOWN, name) == pytest.approx(expected)


def test_unknown_pasts_are_missing_never_zero() -> None:
    assert values(edit("a", "b"), NAMES) == [None] * len(NAMES)


def test_a_first_edit_has_no_age() -> None:
    first = replace(KNOWN, actor_history=ActorHistory(0, 0, 0, 0, 0, None, None))
    assert values(first, ["actor_past.age_s", "actor_past.edits"]) == [None, 0]
    assert value(first, "actor_past.seconds_since_reverted") is None


def test_a_live_wikis_account_stands_in_for_the_past() -> None:
    account = replace(EDITOR, registered_at=NOW - timedelta(days=10), edit_count=77)
    live = edit("a", "b", actor=account)
    assert values(live, ["actor_past.age_s", "actor_past.edits"]) == [864_000.0, 77]
    told = replace(live, actor_history=ACTOR)
    assert value(told, "actor_past.edits") == 6
