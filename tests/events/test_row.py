from __future__ import annotations

import pytest

from assay.events import Change, NoEdit, read_row


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("log", "log"), ("categorize", "categorize"), ("external", "external"), ("142", "other")],
)
def test_what_is_no_edit_tells_its_kind(kind: str, reason: str) -> None:
    assert read_row({"type": kind, "revid": 2, "old_revid": 1}, "enwiki") == NoEdit(reason)


def test_a_row_whose_user_is_hidden_is_an_edit_of_nobody() -> None:
    found = read_row({"type": "edit", "revid": 2, "old_revid": 1, "userhidden": True}, "enwiki")
    assert isinstance(found, Change)
    assert (found.identity, found.actor) == (("enwiki", 2), None)
