"""What a real MediaWiki tells of edits as they happen: by UDP, by Redis, and in its recent changes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
import pytest
import redis

from assay.events import CHANGE_PROPERTIES, Change, NoEdit, read_recentchange, read_row
from assay.revisions.types import UNKNOWN
from documented import feed_setting
from servers import real_mediawiki
from servers.real_mediawiki import ADMIN, TIDY_BOT, TROLL, VERA, RealMediaWiki
from servers.redis import running as redis_running

CHANNEL: Final = "rc.livewiki"
SILENCE_LIMIT_S: Final = 30.0


@dataclass(frozen=True)
class Told:
    """What each road told, in its own shape."""

    wiki: RealMediaWiki
    by_udp: list[Any]
    by_redis: list[Any]
    rows: list[Any]
    saved: dict[str, int]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with (
        redis_running() as server,
        closing(server.client()) as client,
        closing(client.pubsub()) as channel,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        channel.subscribe(CHANNEL)
        assert channel.get_message(timeout=SILENCE_LIMIT_S) is not None
        datagrams.bind(("127.0.0.1", 0))
        datagrams.settimeout(SILENCE_LIMIT_S)
        feeds = [
            feed_setting(f"udp://127.0.0.1:{datagrams.getsockname()[1]}"),
            feed_setting(f"redis://127.0.0.1:{server.port}/{CHANNEL}", "another"),
        ]
        with real_mediawiki.running(settings="\n".join(feeds)) as wiki:
            saved = _live(wiki)
            by_udp = [orjson.loads(datagrams.recv(2**16))]
            while _rev_id(by_udp[-1]) != saved["last"]:
                by_udp.append(orjson.loads(datagrams.recv(2**16)))
            by_redis = [_published(channel) for _ in by_udp]
            rows = wiki.reader().query(
                list="recentchanges", rclimit=500, rcprop=CHANGE_PROPERTIES, rcdir="newer"
            )["query"]["recentchanges"]
            yield Told(wiki, by_udp, by_redis, rows, saved)


def _rev_id(event: Any) -> object:
    return event.get("revision", {}).get("new")


def _published(channel: redis.client.PubSub) -> Any:
    message = channel.get_message(timeout=SILENCE_LIMIT_S)
    assert message is not None
    return orjson.loads(message["data"])


def _live(wiki: RealMediaWiki) -> dict[str, int]:
    """Edits of every kind, and things that are no edits between them."""
    vera, admin = wiki.log_in(VERA), wiki.log_in(ADMIN)
    saved = {
        "creation": vera.edit("Lighthouse", "It stands."),
        "minor": vera.edit("Lighthouse", "It stands!", minor=1),
        "anonymous": wiki.reader().edit("Lighthouse", "no"),
        "bot": wiki.log_in(TIDY_BOT).edit("Lighthouse", "It stands.", bot=1),
        "unflagged bot": wiki.log_in(TIDY_BOT).edit("Lighthouse", "It stands still."),
        "redirect": vera.edit("Light", "#REDIRECT [[Lighthouse]]"),
        "strange": vera.edit("Talk:عربي 🍏", "أخضر", "עברית"),
        "script": vera.edit("User:Vera/a b.js", "1"),
        "hidden": wiki.log_in(TROLL).edit("Lighthouse", "names"),
    }
    admin.move("Light", "Lamp")
    admin.protect("Lamp")
    vera.edit("Ruin", "It falls.")
    admin.delete("Ruin")
    saved["last"] = admin.rollback("Lighthouse", TROLL.name)
    hidden = saved["hidden"].rev_id
    assert hidden is not None
    admin.hide(hidden, "user")
    return {name: edit.rev_id for name, edit in saved.items() if edit.rev_id is not None}


def changes(found: list[Change | NoEdit]) -> dict[int, Change]:
    return {it.rev_id: it for it in found if isinstance(it, Change)}


def test_both_feeds_tell_the_same(told: Told) -> None:
    assert told.by_udp == told.by_redis


def test_every_edit_is_told_once_and_everything_else_is_no_edit(told: Told) -> None:
    found = [read_recentchange(event) for event in told.by_udp]
    edits = [it.rev_id for it in found if isinstance(it, Change)]
    assert len(edits) == len(set(edits)) == len(told.saved) + 1, "the deleted page's, too"
    assert set(told.saved.values()) < set(edits)
    assert {it.reason for it in found if isinstance(it, NoEdit)} == {"log"}


def test_feed_and_recent_changes_tell_the_same_edit(told: Told) -> None:
    """Feeds leave out ids of pages and accounts, and redirects; recent changes a name hidden since."""
    by_feed = changes([read_recentchange(event) for event in told.by_udp])
    by_row = changes([read_row(row, "livewiki") for row in told.rows])
    assert set(told.saved.values()) < set(by_row)
    for name, rev_id in told.saved.items():
        row, heard = by_row[rev_id], by_feed[rev_id]
        assert row.page_id is not UNKNOWN
        if name == "hidden":
            assert row.actor is None
            row = replace(row, actor=heard.actor)
        assert row.actor is not None
        known = replace(row, actor=heard.actor, page_id=UNKNOWN, is_redirect=UNKNOWN, domain=heard.domain)
        assert known == heard, name
        assert row.actor.name == heard.actor.name if heard.actor else False


@pytest.mark.parametrize(
    ("name", "title", "namespace"),
    [
        ("creation", "Lighthouse", 0),
        ("strange", "Talk:عربي 🍏", 1),
        ("script", "User:Vera/a b.js", 2),
    ],
)
def test_titles_are_as_people_write_them(told: Told, name: str, title: str, namespace: int) -> None:
    change = changes([read_recentchange(event) for event in told.by_udp])[told.saved[name]]
    assert (change.wiki, change.title, change.namespace) == ("livewiki", title, namespace)


def test_flags_and_actors(told: Told) -> None:
    found = changes([read_recentchange(event) for event in told.by_udp])
    by_name = {name: found[rev_id] for name, rev_id in told.saved.items()}
    assert {name for name, it in by_name.items() if it.is_creation} == {
        "creation",
        "redirect",
        "strange",
        "script",
    }
    assert {name for name, it in by_name.items() if it.is_bot} == {"bot"}, "who asks not to be shown as one"
    assert {name for name, it in by_name.items() if it.is_minor} == {"minor", "last"}
    assert {name for name, it in by_name.items() if it.actor is not None and it.actor.is_anonymous} == {
        "anonymous"
    }
    assert by_name["minor"].parent_id == told.saved["creation"]
