"""What is not known is told from every value, and stays so on its way between processes."""

from __future__ import annotations

import copy
import pickle

from assay.revisions.types import UNKNOWN, anonymous_actor


def test_unknown_is_one_thing_everywhere() -> None:
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN
    assert copy.deepcopy(UNKNOWN) is UNKNOWN
    assert [value for value in (None, False, 0, "", (), "unknown") if value == UNKNOWN] == []


def test_unknown_stands_for_nothing_that_could_be_used() -> None:
    assert (UNKNOWN or "another") == "another"
    assert f"{UNKNOWN!r}" == "UNKNOWN"


def test_all_is_known_of_a_logged_out_author_but_how_often_the_address_edited() -> None:
    actor = anonymous_actor("192.0.2.1")
    assert (actor.name, actor.is_anonymous, actor.id, actor.registered_at) == ("192.0.2.1", True, None, None)
    assert actor.groups == frozenset({"*"})
    assert actor.edit_count is UNKNOWN
    assert anonymous_actor(UNKNOWN).name is UNKNOWN
