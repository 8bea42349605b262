"""``assay train --wiki https://…``, as an operator runs it, against a real history behind real HTTP."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from assay.models.training.own_wiki import LEAST_REVERTED
from cli.running import ASSAY, assay, assay_each, environment
from servers import mediawiki as stand_in
from servers.mediawiki import Fault, Recording, StandInMediaWiki, of_history
from shared_data import shared

WIKI = "data/histories/chwiki/revisions.jsonl.xz"
REVISIONS = 1500


@pytest.fixture(scope="module")
def recording() -> Recording:
    return of_history(shared(WIKI), wiki_id="chwiki", most=REVISIONS)


@pytest.fixture
def wiki(recording: Recording) -> Iterator[StandInMediaWiki]:
    with StandInMediaWiki(replace(recording, siteinfo=dict(recording.siteinfo))).in_thread() as server:
        yield server


def texts_only(query: Mapping[str, str]) -> bool:
    return "content" in query.get("rvprop", "")


def test_killed_in_the_middle_it_goes_on_to_a_bundle_with_an_honest_card(
    wiki: StandInMediaWiki, tmp_path: Path
) -> None:
    command = ("train", "--wiki", wiki.url, "--name", "mywiki")
    reached, killed = threading.Event(), threading.Event()

    async def hang(request: web.Request) -> web.Response:
        reached.set()
        await asyncio.to_thread(killed.wait)
        return web.Response()

    wiki.faults.append(
        Fault(hang, lambda query: texts_only(query) and sum(texts_only(q) for q, _ in wiki.requests) == 3)
    )
    first = subprocess.Popen(
        (*ASSAY, *command), cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.DEVNULL
    )
    assert reached.wait(60)
    first.send_signal(signal.SIGKILL)
    first.wait()
    killed.set()
    asked = [query for query, _ in wiki.requests if texts_only(query)]
    wiki.requests.clear()

    done = assay(tmp_path, *command)
    assert done.returncode in (0, 4), done.stderr
    later = [query for query, _ in wiki.requests if texts_only(query)]
    assert later[0]["revids"] == asked[2]["revids"]
    assert not {query["revids"] for query in later} & {query["revids"] for query in asked[:2]}
    assert not any(query.get("list") == "allrevisions" for query, _ in wiki.requests)

    lines = [orjson.loads(it) for it in (tmp_path / "work/mywiki.jsonl").read_bytes().splitlines()]
    assert sorted(it["rev_id"] for it in lines) == sorted(wiki.recording.revisions)
    for it in lines:
        if "text" in it:
            assert it["text"] == wiki.recording.revisions[it["rev_id"]][1]["slots"]["main"]["content"]

    better = done.returncode == 0
    assert ("NOT shown to be better than anywiki" in done.stdout) is not better
    card = assay(tmp_path, "card", "bundles/mywiki/reverted").stdout
    assert ("It is better than anywiki" in card) is better
    assert f"{REVISIONS} revisions" in card
    assert "By kind of author" in card
    assert "pages and authors it had not met" in card

    scored = assay(
        tmp_path, "score", f"mywiki={wiki.url}", str(lines[-1]["rev_id"]), "--bundle-directory", "bundles"
    )
    assert '"reverted"' in scored.stdout, scored.stderr
    asked_for_pasts = [query for query, _ in wiki.requests if query.get("list") == "usercontribs"]
    assert asked_for_pasts


def test_too_few_reverts_is_told_with_what_to_do_and_nothing_is_downloaded_for_it(
    wiki: StandInMediaWiki, tmp_path: Path
) -> None:
    done = assay(tmp_path, "train", "--wiki", wiki.url, "--max-revisions", "200")
    assert done.returncode == 3
    assert "too few reverts (" in done.stderr
    assert f"at least {LEAST_REVERTED} are needed" in done.stderr
    assert f"assay serve --wiki chwiki={wiki.url}" in done.stderr
    assert not (tmp_path / "bundles").exists()
    assert not any(texts_only(query) for query, _ in wiki.requests)


def test_no_api_and_bad_usage_are_each_one_clear_sentence(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    wiki.faults += [
        stand_in.api_error("readapidenied"),
        stand_in.status(404),
        stand_in.body(b'{"surprise": 1}'),
    ]
    api = "https://wiki.example.org/api.php"
    commands = {
        ("train", "--wiki", wiki.url, "--work", "w1"): "the wiki is private",
        ("train", "--wiki", wiki.url, "--work", "w2"): "HTTP 404",
        ("train", "--wiki", wiki.url, "--work", "w3"): "does not answer as MediaWiki",
        ("train", "--wiki", "https://wiki.example.org/"): "must end with /api.php",
        ("train", "--wiki", f"a={api}", "--name", "b"): "keep one name",
        ("train", "a/wp10", "--wiki", api): "not learned from a history",
        ("train", "--wiki", api, "--since", "soon"): "2024-01-31",
    }
    for done, message in zip(assay_each(tmp_path, list(commands)), commands.values(), strict=True):
        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_label_and_extract_read_a_live_wiki_too(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    labelled = assay(tmp_path, "label", wiki.url, "--output", "labels.tsv")
    assert labelled.returncode == 0, labelled.stderr
    assert len((tmp_path / "labels.tsv").read_text(encoding="utf-8").splitlines()) == REVISIONS + 1
    extracted = assay(
        tmp_path,
        *("extract", "chwiki/reverted", "--wiki", f"chwiki={wiki.url}", "--max-edits", "40"),
        *("--output", "rows.npz"),
    )
    assert extracted.returncode == 0, extracted.stderr
    assert "rows of 114 features" in extracted.stdout
    assert 40 <= int(extracted.stdout.split()[1]) < 80
