"""Names and titles are described, and those nobody knows are missing."""

from __future__ import annotations

from assay.revisions.types import NOBODY, Actor, Page
from features.edits import edit, values

NAMES = ["name.is_anon", "name.is_ipv6", "name.digit_share", "name.length"]
TITLES = ["title.own_page", "title.has_prefix", "title.is_subpage", "title.length", "title.digit_share"]


def test_accounts_addresses_and_nobody() -> None:
    assert values(edit("a", "b", actor=Actor("Bob12", is_anonymous=False)), NAMES) == [False, False, 0.4, 5]
    assert values(edit("a", "b", actor=Actor("2001:db8::1", is_anonymous=True)), NAMES) == [
        True,
        True,
        None,
        None,
    ]
    assert values(edit("a", "b", actor=Actor(NOBODY, is_anonymous=False)), NAMES) == [
        False,
        False,
        None,
        None,
    ]


def test_titles() -> None:
    own = edit("a", "b", actor=Actor("Bob", is_anonymous=False), page=Page("User:Bob/Box 1"))
    assert values(own, TITLES) == [True, True, True, 14, 1 / 14]
    assert values(edit("a", "b", page=Page("Rome: a novel")), ["title.has_prefix"]) == [False]
    assert values(edit("a", "b", page=Page("User talk:Eve")), ["title.has_prefix"]) == [True]
