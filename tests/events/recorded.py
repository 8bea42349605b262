"""The events that real wikis and Wikimedia's streams gave, one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from shared_data import shared


def streamed(name: str) -> list[dict[str, Any]]:
    """Of ``samples/events/<name>.json``: what was in each server-sent event."""
    items = json.loads(shared(f"samples/events/{name}.json").read_text("utf-8"))
    return [item.get("data", item) for item in (items if isinstance(items, list) else [items])]


def posted() -> Iterator[dict[str, Any]]:
    """What MediaWiki 1.39's EventBus posted."""
    for line in shared("samples/events/mediawiki_eventbus_posts.jsonl").read_text("utf-8").splitlines():
        yield from json.loads(line)["events"]


def fed(transport: str) -> list[dict[str, Any]]:
    """What MediaWiki 1.39's RCFeed sent by ``http``, ``redis`` or ``udp``."""
    lines = shared(f"samples/mediawiki/rcfeed_{transport}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["event"] for line in lines]


def rows(name: str = "recentchanges_newer") -> list[dict[str, Any]]:
    document = json.loads(shared(f"samples/mediawiki/{name}.json").read_text("utf-8"))
    found: list[dict[str, Any]] = document["query"]["recentchanges"]
    return found
