"""The right wiki at the right time, or a sentence that says which one it is instead."""

from __future__ import annotations

import asyncio
import json
import lzma
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.clock import FakeClock, SystemClock
from assay.preflight.check import Failed, Outcome, Passed
from assay.preflight.check import run as run_checks
from assay.preflight.wikis import WikiSource, group
from assay.revisions.options import ApiOptions
from assay.settings import WikiSettings
from servers import mediawiki
from servers.mediawiki import Recording, StandInMediaWiki

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SAMPLE = Path(assay.__file__).parent / "sample" / "samplewiki.xml"


class Clock(FakeClock):
    """Its deadlines run as they do, its time of day stands still."""

    def monotonic_s(self) -> float:
        return SystemClock().monotonic_s()


def answer(wikiid: Any = "enwiki", at: datetime | str = NOW) -> mediawiki.Fault:
    """As MediaWiki 1.39 answers `meta=siteinfo` with `curtimestamp`."""
    told = at if isinstance(at, str) else at.strftime("%Y-%m-%dT%H:%M:%SZ")
    general = {"wikiid": wikiid, "generator": "MediaWiki 1.39.17"}
    document = {"batchcomplete": True, "curtimestamp": told, "query": {"general": general}}
    return mediawiki.body(json.dumps(document).encode())


async def asked(*faults: mediawiki.Fault, database: str | None = None) -> tuple[Outcome, StandInMediaWiki]:
    async with StandInMediaWiki(Recording()).serving() as wiki:
        wiki.faults.extend(faults)
        settings = WikiSettings(wiki.url, database=database)
        return await WikiSource(
            "enwiki", settings, ApiOptions(backoff_s=0.01), Clock(NOW), 2.0
        ).check().run(), wiki


async def test_the_right_wiki_passes_and_is_asked_politely() -> None:
    outcome, wiki = await asked(answer())
    assert outcome == Passed("answers as enwiki (MediaWiki 1.39.17), its clock +0 s")
    query, headers = wiki.requests[0]
    assert (query["meta"], query["curtimestamp"]) == ("siteinfo", "1")
    assert "Assay" in headers["User-Agent"]


async def test_the_wrong_wiki_is_named_with_both_ways_out() -> None:
    outcome, _ = await asked(answer("frwiki"))
    assert isinstance(outcome, Failed)
    assert outcome.said == "it is the wiki 'frwiki', not 'enwiki'"
    assert "wikis.enwiki.source" in outcome.todo
    assert "wikis.enwiki.database = 'frwiki'" in outcome.todo


async def test_another_name_is_right_when_the_settings_say_so() -> None:
    assert isinstance((await asked(answer("my_db-mw_"), database="my_db-mw_"))[0], Passed)
    assert isinstance((await asked(answer("enwiki"), database="my_db-mw_"))[0], Failed)


@pytest.mark.parametrize("wikiid", [None, 7, "", ["enwiki"]])
async def test_a_wiki_that_does_not_say_who_it_is_fails(wikiid: Any) -> None:
    assert isinstance((await asked(answer(wikiid)))[0], Failed)


@pytest.mark.parametrize(("ahead_s", "good"), [(9, True), (-9, True), (11, False), (-3600, False)])
async def test_its_clock_must_be_ours(ahead_s: int, good: bool) -> None:
    outcome, _ = await asked(answer(at=NOW + timedelta(seconds=ahead_s)))
    assert isinstance(outcome, Passed) is good
    assert f"{ahead_s:+d} s" in outcome.said


async def test_a_wiki_that_tells_no_time_fails() -> None:
    assert "tells no time" in (await asked(answer(at="noon")))[0].said


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (mediawiki.status(404), "HTTP 404"),
        (mediawiki.api_error("readapidenied"), "readapidenied"),
        (mediawiki.body(b"<!DOCTYPE html>"), "not JSON"),
    ],
    ids=["absent", "private", "page"],
)
async def test_a_wiki_that_does_not_answer_fails_with_its_reason(fault: mediawiki.Fault, said: str) -> None:
    outcome, _ = await asked(*[fault] * 4)
    assert isinstance(outcome, Failed)
    assert said in outcome.said


async def test_a_silent_wiki_keeps_no_other_from_being_told() -> None:
    async with StandInMediaWiki().serving() as silent, StandInMediaWiki().serving() as other:
        silent.faults.extend([mediawiki.silent()] * 4)
        other.faults.append(answer("frwiki"))
        wikis = {"enwiki": WikiSettings(silent.url), "frwiki": WikiSettings(other.url)}
        report = await run_checks([group(wikis, ApiOptions(), Clock(NOW), 0.5)], "r1")
    assert [result.is_good for result in report.results] == [False, True]


def of_file(path: Path, name: str = "samplewiki", database: str | None = None) -> Outcome:
    source = WikiSource(name, WikiSettings(str(path), database=database), ApiOptions(), SystemClock(), 5.0)
    return asyncio.run(source.check().run())  # type: ignore[arg-type]


def test_an_export_names_its_wiki() -> None:
    assert of_file(SAMPLE) == Passed("an export of samplewiki")
    outcome = of_file(SAMPLE, "enwiki")
    assert isinstance(outcome, Failed)
    assert outcome.said == "it is the wiki 'samplewiki', not 'enwiki'"
    assert of_file(SAMPLE, "enwiki", "samplewiki") == Passed("an export of samplewiki")


HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.5/"><siteinfo><sitename>W</sitename></siteinfo>'
)


RECORD = (
    '{"rev_id": 1, "page_title": "A", "timestamp": "2026-01-01T00:00:00Z", '
    '"user": "B", "comment": null, "text": "c"}\n'
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("old.xml", HEAD + "<page>"),
        ("bare.xml", "<mediawiki><page>"),
        ("history.jsonl", RECORD + RECORD[:9]),
        ("new.jsonl", ""),
    ],
)
def test_a_file_that_does_not_say_which_wiki_it_is_of_is_told(
    tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    outcome = of_file(path)
    assert isinstance(outcome, Passed)
    assert outcome.warnings == ("it does not say which wiki it is of",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no xml", "is no XML"),
        ("", "is empty"),
        ("<html></html>", "is a web page"),
        ("<feed></feed>", "does not begin as a MediaWiki export"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><mediawiki>', "document type definition"),
    ],
)
def test_a_file_that_is_no_export_fails(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "wiki.xml"
    path.write_text(content)
    outcome = of_file(path)
    assert isinstance(outcome, Failed)
    assert said in outcome.said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("wiki.jsonl", b"{}\n", "line 1: "),
        ("wiki.jsonl", b"\x90\xa9", "line 1: "),
        ("wiki.jsonl.xz", lzma.compress(RECORD.encode())[:-20], "is damaged or cut short"),
        ("wiki.jsonl.gz", RECORD.encode(), "is not packed, unlike its name"),
    ],
)
def test_a_file_that_is_no_history_fails(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """It was said to be readable, and never read."""
    (tmp_path / name).write_bytes(content)
    outcome = of_file(tmp_path / name)
    assert isinstance(outcome, Failed)
    assert said in outcome.said
    assert outcome.todo == "mend wikis.samplewiki.source"


def test_a_password_in_an_address_is_refused_and_never_told() -> None:
    wiki = WikiSettings("https://bot:hunter2@127.0.0.1/w/api.php")
    report = asyncio.run(run_checks([group({"club": wiki}, ApiOptions(), SystemClock(), 1.0)], "r1"))
    (result,) = report.results
    assert isinstance(result.outcome, Failed)
    assert "must not hold a user name or password" in result.outcome.said
    assert "127.0.0.1/w/api.php" in result.subject
    assert "hunter2" not in str(result)


def test_a_file_that_is_not_there_fails(tmp_path: Path) -> None:
    assert isinstance(of_file(tmp_path / "absent.xml"), Failed)
    assert isinstance(of_file(tmp_path / "absent.zip"), Failed)
