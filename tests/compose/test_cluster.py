"""The supervisor's configuration, and a whole cluster that it really runs."""

from __future__ import annotations

import configparser
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from hypothesis import event, example, given
from hypothesis import strategies as st
from supervisor.datatypes import dict_of_key_value_pairs
from supervisor.options import UnhosedConfigParser

from assay.compose.cluster import ClusterOptions, prepare
from assay.compose.own_redis import own_redis
from assay.compose.supervisor import Program, render
from assay.errors import ConfigurationError
from assay.stores.redis_options import RedisOptions, connect_sync
from precache.edits import WIKI, append, created, history, rev_ids, told
from servers.redis import free_port
from shared_data import ROOT
from waiting import until

TESTS = ROOT / "tests"
EVENT_STREAM = TESTS / "servers" / "event_stream.py"


def sections(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    return parser


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


def test_special_characters_reach_the_command_as_they_are(tmp_path: Path) -> None:
    command = ("assay", "--wiki", "w=/a b/100%/c'd.xml")
    text = render(tmp_path, [Program("web", command, 1)])
    line = next(line for line in text.splitlines() if line.startswith("command="))
    assert shlex.split(line.removeprefix("command=").replace("%%", "%")) == list(command)


@given(value=st.text(st.sampled_from("aé\"'%;#= ,\n")) | st.text())
@example(value="a ;b")
@example(value="a #b")
def test_a_value_reaches_supervisord_as_it_is_or_is_refused_without_being_shown(value: str) -> None:
    """By supervisord's own reader: a password that loses a character is a wrong password on all nodes."""
    url = f"redis://:{value}@here"
    programs = [Program("web", ("assay", value), 1, {"URL": url})]
    try:
        text = render(Path("/up"), programs)
    except ConfigurationError as refused:
        saying = str(refused)
        event("refused")
        if url in saying:
            pytest.fail(saying)
        return
    reader = UnhosedConfigParser()
    reader.read_string(text)
    section = "program:web"
    assert shlex.split(reader.saneget(section, "command")) == ["assay", value]
    found = dict_of_key_value_pairs(reader.saneget(section, "environment"))
    assert found == {"URL": url}


def test_without_redis_server_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="redis-server"):
        prepare(ClusterOptions(tmp_path, "127.0.0.1", 8080))


def test_a_whole_cluster_starts_scores_follows_and_ends(tmp_path: Path) -> None:
    port, stream_port, folder = free_port(), free_port(), tmp_path / "up"
    configuration = tmp_path / "assay.toml"
    scores = tmp_path / "scores.jsonl"
    configuration.write_text(f'[precache.sinks.told]\nkind = "file"\npath = "{scores}"\n')
    stream_file = tmp_path / "stream.jsonl"
    stream = [sys.executable, str(EVENT_STREAM), str(stream_port), str(stream_file), "0"]
    command = [
        *(sys.executable, "-m", "assay.cli", "up", "--port", str(port), "--folder", str(folder)),
        *("--wiki", f"{WIKI}={history(tmp_path, 20)}", "--config", str(configuration)),
        *("--follow", f"eventstreams=http://127.0.0.1:{stream_port}/v2/stream/mediawiki.revision-create"),
    ]
    environment = {**os.environ, "ASSAY_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(TESTS)}
    follow = subprocess.Popen(stream, start_new_session=True, env=environment)
    process = subprocess.Popen(command, start_new_session=True, env=environment)
    try:
        until(lambda: process.poll() is not None or _status(f"http://127.0.0.1:{port}/readyz") == 200, 120)
        assert process.poll() is None
        assert _status(f"http://127.0.0.1:{port}/v3/scores/testwiki/31/revid") == 200
        now = datetime.now(UTC).isoformat()
        append(stream_file, [{**(event := created(7)), "meta": {**event["meta"], "dt": now}}])
        until(lambda: process.poll() is not None or rev_ids(told(scores)) == [7], 120)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        for started in (process, follow):  # told, not killed: the supervisor takes its programs along
            if started.poll() is None:
                started.terminate()
                started.wait(60)
    assert (folder / "precache" / "eventstreams.json").exists()
    for log in (tmp_path / "up" / "logs").iterdir():
        assert "Traceback" not in log.read_text(), log.name


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
