"""What is said of a live wiki, and what it is then asked for, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assay.cli.online import Limits, history_of
from assay.errors import ConfigurationError, TooFewReverts
from servers.mediawiki import Recording, StandInMediaWiki, of_history
from shared_data import shared


@pytest.fixture(scope="module")
def recording() -> Recording:
    return of_history(shared("data/histories/chwiki/revisions.jsonl.xz"), wiki_id="chwiki", most=120)


@pytest.fixture
def wiki(recording: Recording) -> Iterator[StandInMediaWiki]:
    with StandInMediaWiki(replace(recording, siteinfo=dict(recording.siteinfo))).in_thread() as server:
        yield server


def fetch(
    wiki: StandInMediaWiki, folder: Path, limits: Limits, name: str | None = None, least: int = 0
) -> int:
    """How many revisions came."""
    history = history_of(wiki.url, name, folder, limits, lambda *_: None, least_reverted=least)
    assert history.path.parent == folder
    assert history.path.stem == (name or "chwiki")
    return history.revisions


@pytest.mark.parametrize("day", ["2012-01-31", "2012-01-31T00:00:00Z", "2012-01-31T02:00+02:00"])
def test_a_day_is_a_moment_in_utc(wiki: StandInMediaWiki, tmp_path: Path, day: str) -> None:
    fetch(wiki, tmp_path, Limits(since=day, contact="ops@example.org"))
    ends = {query["arvend"] for query, _ in wiki.requests if "arvend" in query}
    assert ends == {"2012-01-31T00:00:00Z"}
    assert all("ops@example.org" in headers["User-Agent"] for _, headers in wiki.requests)


def test_what_is_no_day_is_told_before_anything_is_asked(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    for day in ("soon", "31.1.2024", "2024-02-30"):
        with pytest.raises(ConfigurationError, match=f"--since '{day}': write a day as 2024-01-31"):
            fetch(wiki, tmp_path, Limits(since=day))
    assert wiki.requests == []


def test_limits_are_kept(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    assert fetch(wiki, tmp_path / "some", Limits(max_revisions=60), name="own") == 60
    asked = len(wiki.requests)
    assert fetch(wiki, tmp_path / "few", Limits(max_edits=1)) == 120
    texts = [query["revids"] for query, _ in wiki.requests[asked:] if "content" in query.get("rvprop", "")]
    assert sum(len(revids.split("|")) for revids in texts) <= 2, "one edit and its parent"
    with pytest.raises(TooFewReverts):
        fetch(wiki, tmp_path / "some more", Limits(), least=10_000)
