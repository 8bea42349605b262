"""A Redis of Assay's own, really started: in any folder, open to nobody else, and bounded."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from assay.compose.own_redis import own_redis
from waiting import until


@contextmanager
def started(folder: Path, password: str | None = None) -> Iterator[tuple[str, str]]:
    """Its address and password."""
    program, environment = own_redis(folder, password)
    process = subprocess.Popen(program.command, stdout=subprocess.DEVNULL)
    try:
        url, secret = environment["ASSAY_REDIS__URL"], password or _kept(environment)
        with redis.Redis.from_url(url, password=secret) as client:
            until(lambda: process.poll() is not None or _answers(client))
        assert process.poll() is None
        yield url, secret
    finally:
        process.terminate()
        process.wait(30)


def _kept(environment: Mapping[str, str]) -> str:
    return Path(environment["ASSAY_REDIS__PASSWORD_FILE"]).read_text()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.mark.parametrize("name", ["plain", 'with "quotes" and \\n', "wörd 100%"])
def test_it_starts_in_any_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with started(folder) as (url, secret), redis.Redis.from_url(url, password=secret) as client:
        assert client.config_get("dir") == {"dir": str(folder)}
    assert {path.name for path in folder.iterdir()} == {"redis.conf", "redis-password"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_strangers_stay_outside_and_it_stays_on_this_machine(tmp_path: Path) -> None:
    with started(tmp_path, "secret") as (url, secret):
        with redis.Redis.from_url(url) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        with redis.Redis.from_url(url, password=secret) as client:
            assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_it_is_bounded_and_evicts_what_has_an_end_only(tmp_path: Path) -> None:
    """Scores expire; the queue of jobs does not."""
    with started(tmp_path) as (url, secret), redis.Redis.from_url(url, password=secret) as client:
        told = client.config_get("maxmemory", "maxmemory-policy", "save", "appendonly")
    assert told == {
        "maxmemory": str(256 * 1024 * 1024),
        "maxmemory-policy": "volatile-lru",
        "save": "",
        "appendonly": "no",
    }


def test_a_password_file_that_was_left_empty_gets_a_password(tmp_path: Path) -> None:
    """By a process that was killed between making and writing it: Redis would be open to everybody."""
    path = tmp_path / "redis-password"
    path.touch(0o600)
    own_redis(tmp_path)
    password = path.read_text()
    assert len(password) > 30
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    own_redis(tmp_path)
    assert path.read_text() == password
