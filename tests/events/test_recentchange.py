"""RCFeed and ``mediawiki.recentchange``, from small events; what wikis sent is read in `test_kinds`."""

from __future__ import annotations

from typing import Any

import pytest

from assay.events import Change, NoEdit
from assay.events.recentchange import read_recentchange
from assay.revisions.types import UNKNOWN

EDIT: dict[str, Any] = {"type": "edit", "wiki": "enwiki", "revision": {"new": 2, "old": 1}}


def change(**fields: Any) -> Change:
    found = read_recentchange({**EDIT, **fields})
    assert isinstance(found, Change)
    return found


def test_an_edit_of_nobody_has_no_actor() -> None:
    """The wiki tells no name when it is hidden."""
    assert change().actor is None


def test_a_stream_s_domain_goes_before_the_server_s_name() -> None:
    assert change(server_name="a.example", meta={"domain": "b.example"}).domain == "b.example"
    assert change(server_name="a.example").domain == "a.example"
    assert change(meta={"domain": "b.example"}).domain == "b.example"
    assert change().domain is UNKNOWN


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("log", "log"), ("categorize", "categorize"), ("external", "external"), ("142", "other")],
)
def test_what_is_no_edit_tells_its_kind(kind: str, reason: str) -> None:
    assert read_recentchange({**EDIT, "type": kind}) == NoEdit(reason)


def test_a_canary_is_no_edit_whatever_its_type() -> None:
    assert read_recentchange({**EDIT, "meta": {"domain": "canary"}}) == NoEdit("canary")
