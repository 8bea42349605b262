"""Each side killed as a crash kills it, and no edit lost: real processes of all three."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from precache.edits import WIKI, append, created, history, rev_ids, told
from servers.processes import ASSAY, Process, running, status
from servers.redis import free_port
from shared_data import ROOT
from waiting import until

EDITS = 160
STREAM = ROOT / "tests" / "servers" / "event_stream.py"
LIMIT_S = 60.0


class Site:
    """An Assay, a stream and a follower, each a process."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.stream_file = folder / "stream.jsonl"
        self.scores = folder / "scores.jsonl"
        wiki = ("--wiki", f"{WIKI}={history(folder, EDITS)}")
        here = {"PYTHONPATH": str(ROOT / "tests"), "ASSAY_CACHE_DIR": str(folder / "cache")}
        self.port, stream_port = free_port(), free_port()
        self.assay = Process(
            "assay", [*ASSAY, "serve", *wiki, "--port", str(self.port), "--processes", "1"], folder, here
        )
        self.stream = Process(
            "stream",
            [sys.executable, str(STREAM), str(stream_port), str(self.stream_file), "11"],
            folder,
            here,
        )
        source = f"eventstreams=http://127.0.0.1:{stream_port}/v2/stream/mediawiki.revision-create"
        self.follower = Process(
            "follower",
            [
                *(*ASSAY, "precache", *wiki, "--follow", source, "--to", str(self.scores)),
                *("--url", f"http://127.0.0.1:{self.port}", "--folder", str(folder / "positions")),
            ],
            folder,
            {**here, "ASSAY_PRECACHE__BATCH": "5", "ASSAY_PRECACHE__PARALLEL": "2"},
        )
        for process in (self.assay, self.stream, self.follower):
            stack.enter_context(running(process))
        self._next = 1

    def edit(self, count: int) -> None:
        """So many more edits happen."""
        ids = range(self._next, self._next + count)
        append(self.stream_file, [now(created(rev_id)) for rev_id in ids])
        self._next += count

    def until_told(self, count: int) -> None:
        """So many different edits."""
        until(lambda: len(set(rev_ids(told(self.scores)))) >= count, LIMIT_S, self.follower.tail)


def now(event: dict[str, Any]) -> dict[str, Any]:
    """As told this moment: a follower without a last event asks by the time."""
    return {**event, "meta": {**event["meta"], "dt": datetime.now(UTC).isoformat()}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


def test_every_edit_is_told_whatever_is_killed(site: Site) -> None:
    site.follower.until(lambda: "stream begun" in site.follower.text(), LIMIT_S)
    site.edit(50)
    site.until_told(10)
    site.follower.kill()
    site.edit(30)
    site.follower.restart()
    site.until_told(60)
    site.stream.kill()
    site.edit(20)
    site.stream.restart()
    site.until_told(85)
    site.assay.kill()
    site.edit(40)
    site.follower.until(lambda: "Assay is away" in site.follower.text(), LIMIT_S)
    site.assay.restart()
    site.until_told(120)
    site.follower.terminate()
    assert site.follower.wait() == 0
    site.edit(20)
    site.follower.restart()
    site.until_told(EDITS)

    events = told(site.scores)
    assert set(rev_ids(events)) == set(range(1, EDITS + 1))
    assert all("reverted" in event["scores"] for event in events)
    by_id: dict[str, dict[str, object]] = {}
    for event in events:  # what was told twice can be known by its id
        same = by_id.setdefault(event["meta"]["id"], event)
        assert (same["rev_id"], same["scores"]) == (event["rev_id"], event["scores"])
    assert len(by_id) == EDITS
    assert len(events) - EDITS <= 2 * 5, "more than what was under way when the follower was killed"
    assert status(site.port, f"/v3/scores/{WIKI}/{EDITS}/reverted") == 200
