"""``assay up`` as an operator runs it: a whole cluster, and what is refused before any of it starts."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from supervisor.options import UnhosedConfigParser
from typer.testing import CliRunner

from assay.cli import app
from assay.compose.supervisor import supervisor_command
from assay.errors import ConfigurationError
from precache.edits import WIKI, append, created, history, rev_ids, told
from servers import redis as redis_server
from servers.redis import free_port
from shared_data import ROOT
from waiting import until

TESTS = ROOT / "tests"
EVENT_STREAM = TESTS / "servers" / "event_stream.py"


def commands(folder: Path) -> dict[str, list[str]]:
    """What the supervisor is to run, by the program's name; without Python and its module."""
    parser = UnhosedConfigParser()
    parser.read_string((folder / "supervisord.conf").read_text())
    names = [name for name in parser.sections() if name.startswith("program:")]
    return {it.removeprefix("program:"): shlex.split(parser.saneget(it, "command"))[3:] for it in names}


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Commands that took the process's place; here they do not."""
    for name in list(os.environ):
        if name.startswith("ASSAY_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    found: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, command: found.append(command))
    return found


def test_every_process_is_given_the_same_as_seen_from_any_folder(
    begun: list[list[str]], tmp_path: Path
) -> None:
    history(tmp_path, 1)
    (tmp_path / "assay.toml").write_text("")
    (tmp_path / "config").mkdir()
    for name in ("base.toml", "production.toml"):
        (tmp_path / "config" / name).touch()
    (tmp_path / "bundles").mkdir()

    def words(place: str) -> list[str]:
        """Of a command that is given in this folder."""
        return [
            *("--wiki", f"{WIKI}={place}{WIKI}.jsonl", "--wiki", "live=https://w.example.org/w/api.php"),
            *("--bundles", f"{WIKI}=enwiki", "--release", "r1", "--bundle-directory", f"{place}bundles"),
            *("--config", f"{place}assay.toml", "--environment", "production"),
            *("--config-folder", f"{place}config"),
        ]

    port = str(free_port())
    given = ["--web", "3", "--workers", "2", "--processes", "4", "--host", "127.0.0.1", "--port", port]
    done = CliRunner().invoke(app, ["up", *words(""), *given, "--redis", "redis://127.0.0.1:9/0"])
    assert done.exit_code == 0, done.output
    folder = tmp_path / "assay-up"
    assert begun == [supervisor_command(folder / "supervisord.conf")]
    found, everywhere = commands(folder), words(f"{tmp_path}/")
    assert found["web-3"] == ["web", "--host", "127.0.0.1", "--port", port, "--reuse-port", *everywhere]
    assert found["worker-2"] == ["worker", *everywhere, "--processes", "4"]
    assert found["worker-people"] == ["worker", *everywhere, "--processes", "1", "--lane", "interactive"]
    assert len(found) == 3 + 3
    assert "with 3 web processes and 3 workers; logs: " in done.stderr


def test_a_follower_runs_when_there_is_something_to_follow(begun: list[list[str]], tmp_path: Path) -> None:
    stream = "https://stream.example.org/v2/stream/x"
    (tmp_path / "assay.toml").write_text(
        f'[precache.streams.configured]\nkind = "eventstreams"\nurl = "{stream}"\n'
    )
    given = ["--redis", "redis://127.0.0.1:9/0", "--port", str(free_port())]
    followed = {}
    for name, words in (
        ("none", []),
        ("flag", ["--follow", f"eventstreams={stream}"]),
        ("file", ["--config", "assay.toml"]),
    ):
        done = CliRunner().invoke(app, ["up", *given, "--folder", name, *words])
        assert done.exit_code == 0, done.output
        followed[name] = commands(tmp_path / name).get("precache", [])
        assert ("Edits are scored as they happen: " in done.stderr) is (name != "none")
    assert followed["none"] == []
    assert followed["flag"][-2:] == ["--follow", f"eventstreams={stream}"]
    assert "precache" in followed["file"]
    assert "--follow" not in followed["file"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--wiki", "w=none.xml"], "wikis.w.source: there is no file none.xml"),
        (["--follow", "recentchanges=w"], "there is no wiki 'w'"),
        (["--wiki", "w=https://w.example.org/w/api.php", "--bundles", "w=nowiki"], "nowiki"),
        (["--redis", "localhost"], "the Redis URL cannot be read: write redis://host:port/db"),
        (["--folder", "d" * 100], "is too long a path for the socket in it: name a shorter --folder"),
    ],
)
def test_what_several_processes_would_say_is_said_once_before_any_starts(
    begun: list[list[str]], tmp_path: Path, words: list[str], told: str
) -> None:
    before = {*tmp_path.iterdir()}
    done = CliRunner().invoke(app, ["up", "--port", str(free_port()), *words])
    assert isinstance(done.exception, ConfigurationError)
    assert told in str(done.exception)
    assert begun == []
    assert {*tmp_path.iterdir()} == before


def test_a_redis_that_refuses_us_is_told_before_any_process_starts(
    begun: list[list[str]], tmp_path: Path
) -> None:
    with redis_server.running(password="right") as redis:
        given = ["up", "--port", str(free_port()), "--redis", redis.url]
        done = CliRunner().invoke(app, given, env={"ASSAY_REDIS__PASSWORD": "wrong"})
        assert isinstance(done.exception, ConfigurationError)
        assert "refuses our user name or password" in str(done.exception)
        assert (begun, [*tmp_path.iterdir()]) == ([], [])
        assert CliRunner().invoke(app, given, env={"ASSAY_REDIS__PASSWORD": "right"}).exit_code == 0
    assert len(begun) == 1


def test_a_port_that_the_system_would_choose_cannot_be_shared(begun: list[list[str]]) -> None:
    done = CliRunner().invoke(app, ["up", "--port", "0"], env={"COLUMNS": "120"})
    assert (done.exit_code, begun) == (2, [])
    assert "several web processes share the port: name one" in done.stderr


def test_a_port_that_another_cluster_shares_out_is_not_joined(begun: list[list[str]], tmp_path: Path) -> None:
    """It would be given half of the other's requests."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        done = CliRunner().invoke(app, ["up", "--port", str(port)])
    assert isinstance(done.exception, ConfigurationError)
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in str(done.exception)
    assert begun == []
    assert not (tmp_path / "assay-up").exists()


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
