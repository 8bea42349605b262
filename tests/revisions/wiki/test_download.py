"""A wiki's history over real HTTP: the file's own labels, after any interruption, or a clear refusal."""

from __future__ import annotations

import lzma
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from assay.clock import SystemClock
from assay.errors import ConfigurationError, SourceError, SourceUnavailable
from assay.revisions.index.source import IndexedSource
from assay.revisions.open import open_indexed
from assay.revisions.options import ApiOptions
from assay.revisions.types import Revision
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.download import Download, Window, polite, read_site
from servers import mediawiki as stand_in
from servers.mediawiki import Fault, Recording, StandInMediaWiki, of_history
from shared_data import shared

WIKI = "data/histories/chwiki/revisions.jsonl.xz"
REVISIONS = 1800
CLOCK = SystemClock()
NOW = datetime(2026, 11, 26, tzinfo=UTC)
QUICK = replace(polite("mailto:operator@example.org"), attempts=3, backoff_s=0.001)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return of_history(shared(WIKI), wiki_id="chwiki", most=REVISIONS)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, recording: Recording) -> Iterator[IndexedSource]:
    """The same, read from the file."""
    path = tmp_path_factory.mktemp("file") / "history.jsonl"
    with lzma.open(shared(WIKI)) as lines, path.open("wb") as stream:
        stream.writelines(line for line, _ in zip(lines, range(REVISIONS), strict=False))
    source = open_indexed(path)
    yield source
    source.close()


@pytest_asyncio.fixture
async def wiki(recording: Recording) -> AsyncIterator[StandInMediaWiki]:
    own = replace(recording, revisions=dict(recording.revisions))
    async with StandInMediaWiki(own).serving() as server:
        yield server


@asynccontextmanager
async def downloading(
    wiki: StandInMediaWiki, path: Path, options: ApiOptions = QUICK, **window: Any
) -> AsyncIterator[tuple[Download, ActionApi]]:
    api = ActionApi(wiki.url, options)
    try:
        download = Download(path, Window("http://wiki/w/api.php", **window), await read_site(api, CLOCK), NOW)
        try:
            yield download, api
        finally:
            download.close()
    finally:
        await api.aclose()


async def whole(wiki: StandInMediaWiki, path: Path, rev_ids: list[int], **window: Any) -> None:
    async with downloading(wiki, path, **window) as (download, api):
        await download.fetch_revisions(api, CLOCK, REVISIONS, silent)
        await download.fetch_texts(api, CLOCK, rev_ids, silent)
        download.write_history(path.with_suffix(".jsonl"))


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def silent(_done: int, _total: int, _what: str) -> None: ...


def lists_only(query: Mapping[str, str]) -> bool:
    return query.get("list") == "allrevisions"


def texts_only(query: Mapping[str, str]) -> bool:
    return "content" in query.get("rvprop", "")


async def test_labels_pasts_and_texts_are_those_of_the_file(
    wiki: StandInMediaWiki, history: IndexedSource, tmp_path: Path
) -> None:
    wanted = [rev_id for rev_id in history.ids() if rev_id % 3 == 0]
    await whole(wiki, tmp_path / "d", wanted)
    source = open_indexed(tmp_path / "d.jsonl")
    ours = {edit.rev_id: edit for edit in source.labels()}
    theirs = {edit.rev_id: edit for edit in history.labels()}
    assert ours == theirs
    assert sum(edit.label.reverted for edit in ours.values()) > 50
    for rev_id in wanted[:200]:
        one, other = source.get(rev_id), history.get(rev_id)
        assert isinstance(one, Revision)
        assert isinstance(other, Revision)
        assert one.text == other.text
        assert (one.sha1, one.comment, one.parent_id) == (other.sha1, other.comment, other.parent_id)
        assert (one.page_history, one.actor_history) == (other.page_history, other.actor_history)
    source.close()


async def test_it_is_polite(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    await whole(wiki, tmp_path / "d", [1, 2, 3])
    for query, headers in wiki.requests:
        assert query["maxlag"] == "5"
        assert "mailto:operator@example.org" in headers["User-Agent"]
        assert "gzip" in headers["Accept-Encoding"]
        assert len(query.get("revids", "").split("|")) <= 50
    listed = [query for query, _ in wiki.requests if lists_only(query)]
    assert len(listed) == -(-REVISIONS // 500)
    assert all("content|" not in f"{query['arvprop']}|" for query in listed)


async def test_interrupted_anywhere_it_ends_the_same(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    """Cut at many places, as a kill leaves it: nothing lost, nothing doubled."""
    wanted = list(wiki.recording.revisions)[:230]
    await whole(wiki, tmp_path / "d", wanted)
    expected = (tmp_path / "d.jsonl").read_bytes()
    content = (tmp_path / "d").read_bytes()
    cuts = [0, 1, *range(100, len(content), len(content) // 12), len(content) - 1]
    for cut in cuts:
        path = tmp_path / f"cut{cut}"
        path.write_bytes(content[:cut])
        await whole(wiki, path, wanted)
        assert path.with_suffix(".jsonl").read_bytes() == expected


async def test_what_is_there_is_not_asked_for_again(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    wanted = list(wiki.recording.revisions)[:60]
    await whole(wiki, tmp_path / "d", wanted)
    written = (tmp_path / "d.jsonl").stat().st_mtime_ns
    wiki.requests.clear()
    await whole(wiki, tmp_path / "d", wanted)
    assert [query["meta"] for query, _ in wiki.requests] == ["siteinfo"]
    assert (tmp_path / "d.jsonl").stat().st_mtime_ns == written
    await whole(wiki, tmp_path / "d", list(wiki.recording.revisions)[:90])
    assert sum("text" in row for row in rows_of(tmp_path / "d.jsonl")) == 90


@pytest.mark.parametrize("window", [{"max_revisions": 700}, {"since": "2013-01-01T00:00:00Z"}])
async def test_a_window_is_kept(wiki: StandInMediaWiki, tmp_path: Path, window: dict[str, Any]) -> None:
    await whole(wiki, tmp_path / "d", [], **window)
    rows = rows_of(tmp_path / "d.jsonl")
    entries = sorted(
        ((entry["timestamp"], entry["revid"]) for _, entry in wiki.recording.revisions.values()), reverse=True
    )
    since = window.get("since", "")
    expected = [it for it in entries if it[0] >= since][: window.get("max_revisions", REVISIONS)]
    assert 0 < len(expected) < REVISIONS
    assert sorted(((row["timestamp"], row["rev_id"]) for row in rows), reverse=True) == expected


@pytest.mark.parametrize(
    ("window", "told"),
    [({"max_revisions": 9}, "max_revisions 50000 instead of 9"), ({"since": "x"}, "since")],
)
async def test_another_window_or_wiki_is_refused(
    wiki: StandInMediaWiki, tmp_path: Path, window: dict[str, Any], told: str
) -> None:
    async with downloading(wiki, tmp_path / "d"):
        pass
    with pytest.raises(ConfigurationError, match=told):
        async with downloading(wiki, tmp_path / "d", **window):
            pass
    wiki.recording.siteinfo["general"] = {**wiki.recording.siteinfo["general"], "wikiid": "other"}
    try:
        with pytest.raises(ConfigurationError, match="wiki 'chwiki' instead of 'other'"):
            async with downloading(wiki, tmp_path / "d"):
                pass
    finally:
        wiki.recording.siteinfo["general"]["wikiid"] = "chwiki"


@pytest.mark.parametrize(
    "answer",
    [
        b"{}",
        b'{"query": {"allrevisions": [{"revisions": [{}]}]}}',
        b'{"query": {"allrevisions": [{"pageid": 1, "ns": 0, "title": "A", "revisions": [{"revid": "?"}]}]}}',
        b"<html>",
    ],
)
async def test_a_rubbish_answer_is_no_hole_in_the_history(
    wiki: StandInMediaWiki, history: IndexedSource, tmp_path: Path, answer: bytes
) -> None:
    wiki.faults += [stand_in.body(answer, matches=lists_only)] * 3
    with pytest.raises(SourceUnavailable):
        await whole(wiki, tmp_path / "d", [])
    wiki.faults.clear()
    await whole(wiki, tmp_path / "d", [])
    assert len(rows_of(tmp_path / "d.jsonl")) == REVISIONS


async def test_a_lagging_wiki_is_waited_for(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    wiki.faults += [stand_in.api_error("maxlag", retry_after_s=0), stand_in.status(429, retry_after_s=0)]
    await whole(wiki, tmp_path / "d", [])
    assert len(rows_of(tmp_path / "d.jsonl")) == REVISIONS


async def test_hidden_and_deleted_texts_are_told_as_such(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    first, second, third = list(wiki.recording.revisions)[:3]
    page_id, entry = wiki.recording.revisions[first]
    hidden = {
        **entry,
        "slots": {"main": {"contentmodel": "wikitext", "texthidden": True}},
        "sha1hidden": True,
    }
    wiki.recording.revisions[first] = (page_id, {key: hidden[key] for key in hidden if key != "sha1"})
    async with downloading(wiki, tmp_path / "d") as (download, api):
        await download.fetch_revisions(api, CLOCK, REVISIONS, silent)
        del wiki.recording.revisions[second]
        await download.fetch_texts(api, CLOCK, [first, second, third], silent)
        download.write_history(tmp_path / "d.jsonl")
    rows = {row["rev_id"]: row for row in rows_of(tmp_path / "d.jsonl")}
    assert [rows[it].get("text_hidden", False) for it in (first, second, third)] == [True, True, False]
    assert rows[third]["text"]


async def test_a_text_that_no_answer_can_hold_spoils_no_other(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    """MediaWiki then answers without it, and goes on where it was, for ever."""
    before, large, after = sorted(wiki.recording.revisions)[:3]

    def asks_for_it(query: Mapping[str, str]) -> bool:
        return texts_only(query) and str(large) in query["revids"].split("|")

    stuck = orjson.dumps({"query": {"pages": []}, "continue": {"rvcontinue": str(large), "continue": "||"}})
    wiki.faults += [stand_in.body(stuck, matches=asks_for_it)] * 4
    await whole(wiki, tmp_path / "d", [before, large, after])
    rows = {row["rev_id"]: row for row in rows_of(tmp_path / "d.jsonl")}
    assert not wiki.faults
    assert rows[large]["text"] is None
    assert rows[before]["text"]
    assert rows[after]["text"]


async def test_imported_authors_without_an_account_are_no_addresses(
    wiki: StandInMediaWiki, tmp_path: Path
) -> None:
    first, second, third = list(wiki.recording.revisions)[:3]
    for rev_id, change in (
        (first, {"user": "imported>Faye", "userid": 0, "anon": True}),
        (second, {"user": "192.0.2.1", "userid": 0, "anon": True}),
        (third, {"user": "~2026-1", "userid": 9, "temp": True}),
    ):
        page_id, entry = wiki.recording.revisions[rev_id]
        wiki.recording.revisions[rev_id] = (page_id, {**entry, **change})
    await whole(wiki, tmp_path / "d", [])
    rows = {row["rev_id"]: row["anon"] for row in rows_of(tmp_path / "d.jsonl")}
    assert [rows[it] for it in (first, second, third)] == [False, True, True]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (stand_in.api_error("readapidenied"), "the wiki is private.*dumpBackup"),
        (stand_in.status(404), "HTTP 404.*address of api.php"),
        (stand_in.body(b'{"query": {}}'), "does not answer as MediaWiki"),
        (stand_in.redirect("http://elsewhere.example/w/api.php"), "redirects.*address"),
    ],
)
async def test_no_api_is_one_clear_sentence(
    wiki: StandInMediaWiki, tmp_path: Path, fault: Fault, told: str
) -> None:
    wiki.faults.append(fault)
    with pytest.raises(SourceError, match=told):
        async with downloading(wiki, tmp_path / "d"):
            pass
    assert not (tmp_path / "d").exists()


async def test_an_old_wiki_is_told_to_export(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    async with downloading(wiki, tmp_path / "d") as (download, api):
        wiki.faults.append(stand_in.api_error("badvalue"))
        with pytest.raises(SourceError, match=r"before MediaWiki 1\.27.*dumpBackup"):
            await download.fetch_revisions(api, CLOCK, REVISIONS, silent)


async def test_progress_is_told_to_the_end(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    async with downloading(wiki, tmp_path / "d") as (download, api):
        await download.fetch_revisions(api, CLOCK, REVISIONS, lambda *step: steps.append(step))
        await download.fetch_texts(
            api, CLOCK, list(wiki.recording.revisions)[:60], lambda *step: steps.append(step)
        )
    assert steps[0] == (0, REVISIONS, "revisions")
    assert steps[-1] == (60, 60, "texts")
    assert (REVISIONS, REVISIONS, "revisions") in steps


def test_a_second_process_is_refused(recording: Recording) -> None:
    from assay.revisions.wiki.download import Site

    site = Site("chwiki", "MediaWiki", 1)
    with tempfile.TemporaryDirectory() as folder:
        first = Download(Path(folder) / "d", Window("http://wiki/w/api.php"), site, NOW)
        with pytest.raises(ConfigurationError, match="another process"):
            Download(Path(folder) / "d", Window("http://wiki/w/api.php"), site, NOW)
        first.close()
