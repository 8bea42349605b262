"""Which processes a cluster has, and how they find each other."""

from __future__ import annotations

import configparser
import shlex
import socket
import stat
import subprocess
from pathlib import Path

import pytest
import redis

from assay.compose.cluster import ClusterOptions, prepare
from assay.errors import ConfigurationError
from assay.stores.redis_options import RedisOptions, connect_sync
from shared_data import ROOT
from waiting import until

TESTS = ROOT / "tests"
EVENT_STREAM = TESTS / "servers" / "event_stream.py"


def sections(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    return parser


def test_a_cluster_that_runs_is_not_written_over(tmp_path: Path) -> None:
    """Its Redis would come back on another port when it is started again, and nobody would find it."""
    options = ClusterOptions(tmp_path, "127.0.0.1", 8080)
    prepare(options)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with socket.socket(socket.AF_UNIX) as running:
        running.bind(str(tmp_path / "supervisor.sock"))
        running.listen()
        with pytest.raises(ConfigurationError, match=r"end it first, or give another --folder"):
            prepare(options)
    assert {path: path.read_bytes() for path in before} == before
    prepare(options)  # what it left of its socket is no hindrance


def test_a_folder_of_something_else_is_neither_filled_nor_closed_to_others(tmp_path: Path) -> None:
    """As ``--folder .`` or ``--folder /tmp`` would."""
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(
        ConfigurationError, match=f"^{tmp_path} holds other things: give --folder a folder of"
    ):
        prepare(ClusterOptions(tmp_path, "127.0.0.1", 8080))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_fresh_volume_and_positions_out_of_a_backup_are_no_other_things(tmp_path: Path) -> None:
    for name in ("lost+found", "precache"):
        (tmp_path / name).mkdir()
    prepare(ClusterOptions(tmp_path, "127.0.0.1", 8080))
    prepare(ClusterOptions(tmp_path, "127.0.0.1", 8080))


def test_people_have_a_worker_of_their_own_and_redis_a_password(tmp_path: Path) -> None:
    options = ClusterOptions(tmp_path / "up", "127.0.0.1", 8080, web=3, workers=2, processes=4)
    found = sections(prepare(options))
    names = {name.removeprefix("program:") for name in found.sections() if name.startswith("program:")}
    webs, workers = {"web-1", "web-2", "web-3"}, {"worker-1", "worker-2"}
    assert names == {"redis", "worker-people", *webs, *workers}
    assert "--lane interactive" in found["program:worker-people"]["command"]
    secret = (tmp_path / "up" / "redis-password").read_text()
    assert len(secret) > 30
    for path in (tmp_path / "up").iterdir():
        assert path.is_dir() or not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert secret not in (tmp_path / "up" / "supervisord.conf").read_text()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("assay.example.org", "http://assay.example.org:8080"),
    ],
)
def test_a_follower_asks_the_cluster_itself(tmp_path: Path, host: str, url: str) -> None:
    wiki = ("--wiki", "clubwiki=https://wiki.example.org/w/api.php")
    follow = ("recentchanges=clubwiki", "udp=127.0.0.1:9390")
    options = ClusterOptions(tmp_path, host, 8080, redis_url="redis://r/0", arguments=wiki, follow=follow)
    found = sections(prepare(options))["program:precache"]
    positions = ("--folder", str(tmp_path / "precache"))
    asked = ["precache", *wiki, "--url", url, *positions, "--follow", follow[0], "--follow", follow[1]]
    assert shlex.split(found["command"])[3:] == asked
    assert "redis://r/0" in found["environment"]
    assert int(found["priority"]) > int(sections(prepare(options))["program:web-1"]["priority"])


def test_a_second_start_keeps_the_password(tmp_path: Path) -> None:
    options = ClusterOptions(tmp_path, "127.0.0.1", 8080)
    prepare(options)
    first = (tmp_path / "redis-password").read_text()
    prepare(options)
    assert (tmp_path / "redis-password").read_text() == first


@pytest.mark.parametrize("password", ["simple", 'a "b" \\ \\n #', "wörd%41"])
def test_a_configured_password_is_the_redis_servers(tmp_path: Path, password: str) -> None:
    """Every process is configured with it already; a second one would be a secret in two places."""
    found = sections(prepare(ClusterOptions(tmp_path, "127.0.0.1", 8080, redis_password=password)))
    environment = found["program:web-1"]["environment"]
    assert "PASSWORD" not in environment
    url = environment.split("ASSAY_REDIS__URL=")[1].split('"')[1]
    process = subprocess.Popen(shlex.split(found["program:redis"]["command"]), stdout=subprocess.DEVNULL)
    try:
        with connect_sync(RedisOptions(url, password=password)) as client:
            until(lambda: answers(client))
    finally:
        process.terminate()
        process.wait(30)
    assert not (tmp_path / "redis-password").exists()


def answers(client: redis.Redis) -> bool:
    """False while nobody listens, or not to this password."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_a_redis_that_is_named_is_used(tmp_path: Path) -> None:
    options = ClusterOptions(tmp_path, "127.0.0.1", 8080, redis_url="redis://elsewhere/0")
    found = sections(prepare(options))
    assert "program:redis" not in found
    assert "redis://elsewhere/0" in found["program:web-1"]["environment"]


def test_without_redis_server_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="redis-server"):
        prepare(ClusterOptions(tmp_path, "127.0.0.1", 8080))
