"""Who made an edit: from the fields of a performer alone, in the older words and in the newer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from assay.errors import BadParameter
from assay.events.document import Document
from assay.events.performer import NEWER, OLDER, named_actor, read_performer
from assay.revisions.types import UNKNOWN, Actor


def performed(performer: Any) -> tuple[Actor | None, bool]:
    return read_performer(Document({"performer": performer}), "performer", NEWER)


def known(performer: Any) -> Actor:
    actor, _ = performed(performer)
    assert actor is not None
    return actor


def test_an_account_in_the_older_words_and_in_the_newer() -> None:
    told = {
        "user_text": "Ada",
        "user_id": 7,
        "user_groups": ["user", "sysop"],
        "user_registration_dt": "2001-02-03T04:05:06Z",
        "user_edit_count": 9,
    }
    expected = Actor(
        "Ada",
        is_anonymous=False,
        id=7,
        groups=frozenset({"user", "sysop"}),
        registered_at=datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC),
        edit_count=9,
    )
    assert read_performer(Document({"p": told}), "p", OLDER) == (expected, False)
    newer = {key.removeprefix("user_"): value for key, value in told.items()}
    newer |= {"user_text": "Ada", "user_id": 7}
    assert performed(newer) == (expected, False)


def test_an_account_s_id_is_unknown_when_it_is_not_told() -> None:
    actor = known({"user_text": "Ada"})
    assert (actor.is_anonymous, actor.id) == (False, UNKNOWN)
    assert (actor.groups, actor.registered_at, actor.edit_count) == (UNKNOWN, UNKNOWN, UNKNOWN)


@pytest.mark.parametrize("name", ["192.0.2.7", "2001:DB8::7"])
def test_an_address_without_an_account_is_anonymous_and_has_no_id(name: str) -> None:
    for performer in ({"user_text": name}, {"user_text": name, "user_id": 0}):
        actor = known(performer)
        assert (actor.is_anonymous, actor.id) == (True, None)


def test_an_account_that_is_named_like_an_address_is_an_account() -> None:
    """Old wikis have some: they were allowed once."""
    actor = known({"user_text": "192.0.2.7", "user_id": 5})
    assert (actor.is_anonymous, actor.id) == (False, 5)


def test_a_temporary_account_is_anonymous_and_has_an_id() -> None:
    actor = known({"user_text": "~2026-31415", "user_id": 5, "is_temp": True})
    assert (actor.is_anonymous, actor.id) == (True, 5)
    assert not known({"user_text": "~2026-31415", "user_id": 5, "is_temp": False}).is_anonymous


@pytest.mark.parametrize(
    ("told", "is_bot"),
    [
        ({"is_bot": True}, True),
        ({"groups": ["user", "bot"]}, True),
        ({"is_bot": False, "groups": ["bot"]}, True),
        ({"is_bot": True, "groups": ["user"]}, True),
        ({"is_bot": False, "groups": ["user", "botadmin"]}, False),
        ({}, False),
    ],
)
def test_a_bot_is_known_by_its_flag_or_by_its_group_even_when_it_is_not_named(
    told: dict[str, Any], is_bot: bool
) -> None:
    assert performed(told) == (None, is_bot)
    assert performed({"user_text": "Ada", **told})[1] is is_bot


def test_a_performer_who_is_not_told_is_nobody() -> None:
    assert read_performer(Document({}), "performer", OLDER) == (None, False)
    assert performed(None) == (None, False)


def test_what_is_wrong_is_named_with_its_place() -> None:
    with pytest.raises(BadParameter, match=r"^Could not interpret 'performer\.groups': give a list of texts"):
        performed({"groups": "bot"})
    with pytest.raises(BadParameter, match=r"^Could not interpret performer\. It is not a JSON object"):
        performed("Ada")


def test_a_name_alone_tells_whether_it_is_an_address() -> None:
    assert named_actor("Ada", 7) == Actor("Ada", is_anonymous=False, id=7)
    assert named_actor("Ada") == Actor("Ada", is_anonymous=False, id=UNKNOWN)
    assert named_actor("192.0.2.7", 0) == Actor("192.0.2.7", is_anonymous=True, id=None)
