"""``assay precache`` beside a real MediaWiki and a real ``assay serve``, while both are restarted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from documented import arguments
from servers import assay_serve, real_mediawiki
from servers.assay_serve import AssayServer
from servers.processes import ASSAY, Process, running
from servers.real_mediawiki import TIDY_BOT, VERA, RealMediaWiki

LIMIT_S = 60.0


@pytest.fixture(scope="module")
def wiki() -> Iterator[RealMediaWiki]:
    with real_mediawiki.running() as started:
        yield started


@pytest.fixture(scope="module")
def assay(wiki: RealMediaWiki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AssayServer]:
    folder = tmp_path_factory.mktemp("assay")
    with assay_serve.serving(folder, "--wiki", f"livewiki={wiki.api_url}") as server:
        yield server


@pytest.fixture(scope="module")
def follower(
    wiki: RealMediaWiki, assay: AssayServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("precache")
    command = [
        *(*ASSAY, "precache", *arguments("precache", "livewiki", wiki.api_url), "--url", assay.url),
        *("--to", str(folder / "scores.jsonl"), "--folder", str(folder / "positions")),
    ]
    process = Process("precache", command, folder, {"ASSAY_CACHE_DIR": str(folder)})
    with running(process):
        process.until(lambda: (folder / "positions").exists() and "follows" in process.text(), LIMIT_S)
        yield process


def told(follower: Process) -> Counter[int]:
    """How often each revision's scores were told."""
    path = follower.folder / "scores.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(json.loads(line)["rev_id"] for line in lines)


def save(wiki: RealMediaWiki, title: str, count: int = 3) -> list[int]:
    vera = wiki.log_in(VERA)
    found = [vera.edit(title, f"The {number}. light of Halvick.").rev_id for number in range(count)]
    return [rev_id for rev_id in found if rev_id is not None]


def test_an_edit_is_in_the_cache_before_anybody_asks(
    wiki: RealMediaWiki, assay: AssayServer, follower: Process
) -> None:
    (rev_id,) = save(wiki, "Warm", 1)
    follower.until(lambda: rev_id in told(follower), LIMIT_S)
    assert assay.get(f"/v3/scores/livewiki/{rev_id}/reverted").headers["x-cache"] == "hit"


def test_each_edit_is_told_once_through_restarts_of_either_side(
    wiki: RealMediaWiki, follower: Process
) -> None:
    saved = save(wiki, "Before")
    follower.until(lambda: set(saved) <= set(told(follower)), LIMIT_S)
    wiki.restart()
    saved += save(wiki, "After the wiki's restart")
    follower.until(lambda: set(saved) <= set(told(follower)), LIMIT_S)
    follower.terminate()
    follower.wait()
    saved += save(wiki, "While nobody follows")
    follower.restart()
    saved += save(wiki, "After the follower's restart")
    follower.until(lambda: set(saved) <= set(told(follower)), LIMIT_S)
    assert [told(follower)[rev_id] for rev_id in saved] == [1] * len(saved)


def test_bots_edits_are_left_out_as_the_rules_say(wiki: RealMediaWiki, follower: Process) -> None:
    by_bot = wiki.log_in(TIDY_BOT).edit("Tidied", "Tidy.", bot=1).rev_id
    (after,) = save(wiki, "After the bot", 1)
    follower.until(lambda: after in told(follower), LIMIT_S)
    assert by_bot not in told(follower)
