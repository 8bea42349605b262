"""``assay precache`` on the RCFeed of a real MediaWiki by a real Redis, each killed in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from precache.edits import rev_ids, told
from servers import assay_serve, real_mediawiki
from servers.processes import ASSAY, Process, running
from servers.real_mediawiki import VERA, RealMediaWiki
from servers.redis import RedisServer
from servers.redis import running as redis_running

CHANNEL = "rc.livewiki"
LIMIT_S = 60.0


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_running() as server:
        yield server


@pytest.fixture
def wiki(redis: RedisServer) -> Iterator[RealMediaWiki]:
    with real_mediawiki.running(feed=f"redis://127.0.0.1:{redis.port}/{CHANNEL}") as started:
        yield started


@pytest.fixture
def follower(wiki: RealMediaWiki, redis: RedisServer, tmp_path: Path) -> Iterator[Process]:
    """As usual: recent changes are looked at after reconnections and each half minute. For MediaWiki gives a
    Redis up for so long when it was away once, and its feed says nothing meanwhile."""
    configuration = tmp_path / "assay.toml"
    configuration.write_text(
        f"""
        [wikis.livewiki]
        source = "{wiki.api_url}"
        [precache.redis]
        url = "{redis.url}"
        [precache.streams.live]
        kind = "redis"
        channel = "{CHANNEL}"
        wiki = "livewiki"
        """
    )
    with assay_serve.serving(tmp_path, "--config", str(configuration)) as assay:
        command = [
            *(*ASSAY, "precache", "--config", str(configuration), "--url", assay.url),
            *("--to", str(tmp_path / "scores.jsonl"), "--folder", str(tmp_path / "positions")),
        ]
        process = Process("precache", command, tmp_path, {"ASSAY_CACHE_DIR": str(tmp_path)})
        with running(process):
            yield process


def test_each_edit_is_told_whoever_of_the_three_was_killed(
    wiki: RealMediaWiki, redis: RedisServer, follower: Process, tmp_path: Path
) -> None:
    vera = wiki.log_in(VERA)
    saved: list[int] = []

    def save(count: int = 3) -> None:
        for _ in range(count):
            rev_id = vera.edit("Lighthouse", f"It flashes {len(saved)} times.").rev_id
            assert rev_id is not None
            saved.append(rev_id)

    def is_told() -> bool:
        return set(saved) <= set(rev_ids(told(tmp_path / "scores.jsonl")))

    def feeds(times: int) -> bool:
        return follower.text().count("feed begun") >= times

    follower.until(lambda: feeds(1) and (tmp_path / "positions" / "live.json").exists(), LIMIT_S)
    save()
    follower.until(is_told, LIMIT_S)
    follower.kill()
    save()
    follower.restart()
    follower.until(is_told, LIMIT_S)
    redis.kill()
    save()
    redis.start()
    follower.until(is_told, LIMIT_S)
    follower.until(lambda: feeds(3), LIMIT_S)
    save()
    follower.until(is_told, LIMIT_S)
    events = [event for event in told(tmp_path / "scores.jsonl") if event["rev_id"] in saved]
    assert len({event["meta"]["id"] for event in events}) == len(saved) == 12
    assert all("reverted" in event["scores"] for event in events)
