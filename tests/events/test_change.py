"""One edit is one, by whatever stream it was told; what is none has one of the reasons."""

from __future__ import annotations

from collections import Counter

from assay.events import NO_EDIT, Change, NoEdit, read_event, read_row
from events.recorded import fed, posted, rows, streamed


def test_an_edit_told_by_several_streams_has_one_identity() -> None:
    by_post = [it for it in map(read_event, posted()) if isinstance(it, Change)]
    told = Counter(it.identity for it in by_post)
    assert max(told.values()) == 3, "revision-create, page-create and page_change"
    kinds = {(it.identity, it.is_creation) for it in by_post}
    assert len(kinds) == len(told), "all agree on whether it made the page"


def test_feeds_and_recent_changes_tell_the_same_identities() -> None:
    by_http, by_udp = (
        {it.identity for it in map(read_event, fed(how)) if isinstance(it, Change)} for how in ("http", "udp")
    )
    by_api = {it.identity for it in (read_row(row, "enwiki") for row in rows()) if isinstance(it, Change)}
    assert len(by_http) == 469
    assert by_http == by_udp
    assert len(by_api & by_http) > 100


def test_revisions_of_two_wikis_are_two_edits() -> None:
    one = Change(wiki="enwiki", rev_id=2, parent_id=1, actor=None, is_bot=False)
    other = Change(wiki="frwiki", rev_id=2, parent_id=None, actor=None, is_bot=False)
    assert one.identity != other.identity
    assert (one.is_creation, other.is_creation) == (False, True)


def test_what_is_no_edit_has_one_of_the_reasons_and_each_is_met() -> None:
    names = ("page-change", "page-delete", "page-move", "revision-visibility-change")
    events = [*(event for name in names for event in streamed(name)), *fed("http"), *posted()]
    edit = fed("http")[0]
    events += [{**edit, "type": kind} for kind in ("categorize", "external", "142")]
    events.append({**edit, "meta": {"domain": "canary"}})
    assert {it.reason for it in map(read_event, events) if isinstance(it, NoEdit)} == set(NO_EDIT)
