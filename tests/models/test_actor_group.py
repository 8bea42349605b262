from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from assay.features.edit.actor import ANONYMOUS, EXPERIENCED, NEWCOMER, user_type
from assay.models.actor_group import UNKNOWN_GROUP, actor_group, is_bot
from assay.revisions.problem import user_deleted
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, Page, Revision

NOW = datetime(2020, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)
PAST = ActorHistory(10, 0, 0, 1, 0, None, None)


def revision(actor: Actor, past: ActorHistory | None = None) -> Revision:
    return Revision(1, Page("P"), actor, NOW, "", "", actor_history=past or UNKNOWN)


def test_a_newcomer_has_few_edits_in_the_history_or_by_the_accounts_count() -> None:
    assert actor_group(revision(Actor("A", False), replace(PAST, edits=9))) == NEWCOMER
    assert actor_group(revision(Actor("A", False), PAST)) == EXPERIENCED
    assert actor_group(revision(Actor("A", False, edit_count=3))) == NEWCOMER
    assert actor_group(revision(Actor("A", False))) == UNKNOWN_GROUP
    assert actor_group(replace(revision(Actor("A", False)), actor=user_deleted(1))) == UNKNOWN_GROUP


@given(anonymous=st.booleans(), edits=st.integers(0, 30))
def test_of_an_account_that_is_old_enough_the_feature_says_the_same(anonymous: bool, edits: int) -> None:
    group = actor_group(revision(Actor("A", anonymous, edit_count=edits)))
    assert group == user_type(anonymous, LONG_AGO, edits, UNKNOWN, NOW)
    assert (group == ANONYMOUS) == anonymous


def test_a_bot_is_known_by_its_group_or_its_name() -> None:
    assert is_bot(Actor("Helper", False, groups=frozenset({"bot"})))
    assert is_bot(Actor("SineBOT", False))
    assert not is_bot(Actor("Botany", False))
    assert not is_bot(user_deleted(1))
