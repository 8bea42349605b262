"""Who, when, where and why: rights, experience, age of the account, summary and namespace."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.actor import ANONYMOUS, EXPERIENCED, NEWCOMER
from assay.features.catalogue import features
from assay.features.comment import has_link, suggests_section_edit
from assay.features.graph import Plan
from assay.features.lexicon import Lexicons
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, Page, Revision

NOW = datetime(2020, 1, 10, 13, tzinfo=UTC)
YEAR_S = 365 * 24 * 3600


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


@pytest.mark.parametrize(
    ("actor", "seconds"),
    [
        (replace(USER, registered_at=NOW - timedelta(hours=1)), 3600),
        (replace(USER, registered_at=NOW + timedelta(hours=1)), YEAR_S),
        (replace(USER, registered_at=None), int((NOW - datetime(2006, 1, 1, tzinfo=UTC)).total_seconds())),
        (USER, None),
        (IP, 0),
        (replace(IP, registered_at=NOW), 0),
    ],
)
def test_seconds_since_registration(actor: Actor, seconds: int | None) -> None:
    assert value("feature.temporal.revision.user.seconds_since_registration", actor) == seconds


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


def test_times() -> None:
    parent = Revision(0, Page("P"), USER, NOW - timedelta(minutes=2), "", "")
    assert value("feature.temporal.revision.day_of_week", USER) == 4
    assert value("feature.temporal.revision.hour_of_day", USER) == 13
    assert value("feature.temporal.revision.parent.seconds_since", USER, parent=parent) == 120
    assert value("feature.temporal.revision.parent.seconds_since", USER) == 0


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [(0, [True, True, False]), (118, [True, False, True]), (1, [False] * 3), (UNKNOWN, [None] * 3)],
)
def test_namespaces(namespace: Any, expected: list[Any]) -> None:
    page = Page("P", namespace=namespace)
    names = ("is_articleish", "is_mainspace", "is_draftspace")
    assert [value(f"feature.revision.page.{name}", USER, page=page) for name in names] == expected


@pytest.mark.parametrize(
    ("comment", "section", "link"),
    [
        ("", False, False),
        ("/* History */ typo", True, False),
        ("x /* History */", False, False),
        ("/* */", False, False),
        ("see [[Foo]]", False, True),
        ("/* A */ [[Special:Diff/1|x]]", True, True),
        ("[[]] [[ ]", False, False),
        ("[[a] [[b]]", False, True),
        ("first\n[[second]]", False, False),
        ("[[over\ntwo]]", False, True),
    ],
)
def test_comments(comment: str, section: bool, link: bool) -> None:
    assert suggests_section_edit(comment) is section
    assert has_link(comment) is link


@given(st.text(st.sampled_from("[]a\n"), max_size=12))
def test_has_link_is_the_legacys_pattern(comment: str) -> None:
    assert has_link(comment) == bool(re.match(r".*\[\[[^\]]+\]\]", comment))


def test_many_open_links_take_linear_time() -> None:
    assert has_link("[[" * 500_000 + "]x") is False
