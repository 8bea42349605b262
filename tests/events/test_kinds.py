from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadParameter
from assay.events import NO_EDIT, Change, NoEdit, read_event, read_row
from assay.revisions.types import UNKNOWN, Actor
from events.recorded import fed, posted, rows, streamed
from shared_data import shared


def change(event: Any) -> Change:
    found = read_event(event)
    assert isinstance(found, Change), found
    return found


def test_a_revision_create_of_wikimedia() -> None:
    first, second = map(change, streamed("revision-create"))
    assert first == Change(
        wiki="commonswiki",
        rev_id=516364180,
        parent_id=352825217,
        actor=Actor(
            "Kawaart",
            is_anonymous=False,
            id=6510799,
            groups=frozenset({"*", "user", "autoconfirmed"}),
            registered_at=datetime(2017, 4, 14, 13, 42, tzinfo=UTC),
            edit_count=7039,
        ),
        is_bot=False,
        title="Category:Cyprian Dylczyński",
        namespace=14,
        page_id=21512239,
        timestamp=datetime(2020, 12, 2, 15, 48, 2, tzinfo=UTC),
        is_minor=True,
        is_redirect=False,
        uri="https://commons.wikimedia.org/wiki/Category:Cyprian_Dylczy%C5%84ski",
        domain="commons.wikimedia.org",
        request_id="X8e3MgpAIDEAADpYGKwAAAAM",
    )
    assert second.is_bot
    assert not second.is_creation


def test_page_creations_of_wikimedia() -> None:
    found = [change(event) for event in streamed("page-create")]
    assert [(item.wiki, item.is_creation, item.is_bot) for item in found] == [
        ("enwiki", True, True),
        ("enwiktionary", True, False),
    ]


def test_page_changes_of_wikimedia() -> None:
    (told,) = streamed("liftwing__sample_page_change_event")
    edit = change(told["event"])
    assert (edit.wiki, edit.rev_id, edit.parent_id) == ("wikidatawiki", 2509134105, 1891469167)
    assert (edit.title, edit.namespace, edit.page_id) == ("Q60828333", 0, 60683518)
    assert edit.actor is not None
    assert (edit.actor.name, edit.actor.id, edit.actor.edit_count) == ("Spain Up Your Life", 8273563, 1)
    assert [read_event(event) for event in streamed("page-change")] == [NoEdit("page")]


def test_a_page_change_whose_editor_is_hidden_names_nobody() -> None:
    (told,) = streamed("liftwing__sample_page_change_event")
    revision = {**told["event"]["revision"], "is_editor_visible": False}
    del revision["editor"]
    assert change({**told["event"], "revision": revision}).actor is None


def test_a_page_change_without_its_kind_is_malformed() -> None:
    (event,) = streamed("page-change-large-revid")
    with pytest.raises(BadParameter, match=r"^Must provide the '\w+' parameter$"):
        read_event({**event, "$schema": "/mediawiki/page/change/1.2.0"})


@pytest.mark.parametrize("name", ["page-delete", "page-move", "revision-visibility-change", "revision-score"])
def test_what_is_no_edit(name: str) -> None:
    found = [read_event(event) for event in streamed(name)]
    assert found
    assert set(found) == {NoEdit("other")}


def test_all_that_a_wiki_posted() -> None:
    """One wiki, two streams: they agree on who changed what, and each edit was told by revision-create."""
    kinds: Counter[str] = Counter()
    by_revision: dict[int, Change] = {}
    compared = 0
    for event in posted():
        found = read_event(event)
        kinds[event["meta"]["stream"] + (":edit" if isinstance(found, Change) else "")] += 1
        if isinstance(found, Change):
            other = by_revision.setdefault(found.rev_id, found)
            assert (other.wiki, other.title, other.namespace, other.parent_id) == (
                found.wiki,
                found.title,
                found.namespace,
                found.parent_id,
            )
            assert other.actor is not None
            assert found.actor is not None
            assert other.actor.name == found.actor.name
            compared += other is not found
    assert kinds["mediawiki.revision-create:edit"] == 104
    assert kinds["mediawiki.page-create:edit"] == 3
    assert kinds["mediawiki.page-move"] == kinds["mediawiki.page-delete"] == 1
    assert kinds["mediawiki.page-links-change"] == kinds["mediawiki.revision-tags-change"] == 2
    assert compared >= 7


@pytest.mark.parametrize("transport", ["http", "redis", "udp"])
def test_all_that_a_wiki_fed(transport: str) -> None:
    events = fed(transport)
    found = [read_event(event) for event in events]
    edits = [item for item in found if isinstance(item, Change)]
    assert [item.rev_id for item in edits] == [e["revision"]["new"] for e in events if e["type"] != "log"]
    assert [item.is_creation for item in edits] == [e["type"] == "new" for e in events if e["type"] != "log"]
    assert {item for item in found if isinstance(item, NoEdit)} == {NoEdit("log")}
    assert len(edits) == 469


def test_feed_and_recent_changes_tell_the_same_edits() -> None:
    polled = {
        found.rev_id: found
        for found in (read_row(row, "enwiki") for row in rows())
        if isinstance(found, Change)
    }
    fed_too = [item for item in map(read_event, fed("redis")) if isinstance(item, Change)]
    both = [(item, polled[item.rev_id]) for item in fed_too if item.rev_id in polled]
    assert len(both) > 100
    for one, other in both:
        assert (one.wiki, one.parent_id, one.title, one.namespace, one.is_bot, one.is_minor) == (
            other.wiki,
            other.parent_id,
            other.title,
            other.namespace,
            other.is_bot,
            other.is_minor,
        )
        assert one.timestamp == other.timestamp
        if other.actor is not None:  # some were hidden between the telling and the poll
            assert one.actor is not None
            assert one.actor.name == other.actor.name


def test_rows_of_an_old_wiki_and_of_log_entries() -> None:
    found = [
        read_row(row, "enwiki")
        for row in json.loads(shared("samples/events/mwevents__rc_docs.json").read_text("utf-8"))
    ]
    edits = [item for item in found if isinstance(item, Change)]
    assert len(edits) > 20
    assert edits[0].actor == Actor("InceptionBot", is_anonymous=False, id=20056178)
    assert NoEdit("log") in found


def test_an_artificial_event_of_wikimedia_is_no_edit() -> None:
    event = streamed("revision-create")[0]
    assert read_event({**event, "meta": {**event["meta"], "domain": "canary"}}) == NoEdit("canary")


def test_events_as_ores_took_them() -> None:
    event = {
        "database": "enwiki",
        "rev_id": 12,
        "rev_parent_id": 0,
        "meta": {"topic": "eqiad.mediawiki.revision-create"},
        "performer": {"user_groups": ["bot"]},
    }
    found = change(event)
    assert (found.is_creation, found.is_bot, found.title, found.actor) == (True, True, UNKNOWN, None)
    for key in ("database", "rev_id", "meta"):
        with pytest.raises(BadParameter, match=f"^Must provide the '{key}' parameter$"):
            read_event({name: value for name, value in event.items() if name != key})
    with pytest.raises(BadParameter, match=r"^Must provide the 'meta\.stream' parameter$"):
        read_event({**event, "meta": {}})
    assert read_event({**event, "meta": {"stream": "mediawiki.page-properties-change"}}) == NoEdit("other")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rev_id", "12"),
        ("rev_id", True),
        ("rev_id", 0),
        ("rev_id", 2**63),
        ("rev_id", 1.5),
        ("database", ""),
        ("database", 7),
        ("database", "x" * 5000),
        ("page_namespace", "0"),
        ("rev_timestamp", "yesterday"),
        ("rev_timestamp", -1),
        ("rev_timestamp", 10**15),
        ("performer", []),
        ("rev_minor_edit", "yes"),
        ("meta", "mediawiki.revision-create"),
    ],
)
def test_values_that_are_wrong(key: str, value: object) -> None:
    event = {**streamed("revision-create")[0], key: value}
    with pytest.raises(BadParameter, match=f"^Could not interpret '?{key}"):
        read_event(event)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
def test_any_event_is_read_or_refused_in_a_sentence(data: st.DataObject) -> None:
    """Real events with anything in the place of anything."""
    event = data.draw(
        st.sampled_from(
            [
                *streamed("revision-create"),
                *streamed("page-create"),
                fed("udp")[20],
                streamed("liftwing__sample_page_change_event")[0]["event"],
            ]
        )
    )
    spoilt = json.loads(json.dumps(event))
    for _ in range(data.draw(st.integers(1, 3))):
        place = spoilt
        while True:
            key = data.draw(st.sampled_from(sorted(place)))
            if isinstance(place[key], dict) and place[key] and data.draw(st.booleans()):
                place = place[key]
            else:
                break
        place[key] = data.draw(JSON)
    told: object = None
    try:
        told = read_event(spoilt)
    except BadParameter as error:
        told = str(error)
    if isinstance(told, str):
        assert told.startswith(("Must provide the '", "Could not interpret "))
    else:
        assert isinstance(told, Change) or (isinstance(told, NoEdit) and told.reason in NO_EDIT)


@given(JSON)
def test_what_is_no_event_is_refused(value: object) -> None:
    with pytest.raises(BadParameter):
        read_event(value)
