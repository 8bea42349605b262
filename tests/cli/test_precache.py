"""``assay precache``: what is wrong with its arguments, told before anything is followed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cli.running import Ran, assay, assay_each
from servers.asgi import serving
from small_app import SmallApp

URL = "http://127.0.0.1:9/w/api.php"
STREAM = "eventstreams=https://stream.example.org/v2/stream/mediawiki.revision-create"
LIVE = ("--wiki", f"clubwiki={URL}")
TAKEN = "the port that is taken"
WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no stream": (LIVE, "there is no stream to follow: give --follow"),
    "an unknown kind": (
        (*LIVE, "--follow", "kafka=x"),
        "--follow kafka=…: the kinds are eventstreams, recentchanges, redis, udp",
    ),
    "no value": (
        (*LIVE, "--follow", "udp"),
        "--follow 'udp': write it as KIND=WHAT, such as recentchanges=enwiki",
    ),
    "no such wiki": (
        (*LIVE, "--follow", "recentchanges=otherwiki"),
        "precache.streams.recentchanges.wiki: there is no wiki 'otherwiki'; there are: clubwiki",
    ),
    "a wiki in a file": (
        ("--wiki", "filewiki=history.jsonl", "--follow", "recentchanges=filewiki"),
        "filewiki is read from a file, which tells no new edits",
    ),
    "an address that is none": (
        (*LIVE, "--follow", "eventstreams=ftp://x"),
        "must be an http:// or https:// address",
    ),
    "a password in an address": (
        (*LIVE, "--follow", "eventstreams=https://a:b@x/"),
        "without user name or password",
    ),
    "a port that is none": ((*LIVE, "--follow", "udp=localhost"), "'localhost' is not host:port"),
    "a file without its folder": (
        (*LIVE, "--follow", STREAM, "--to", "missing/scores.jsonl"),
        "precache.sinks.to-1.path: there is no folder missing: make it first",
    ),
    "a pipe as a file": (
        (*LIVE, "--follow", STREAM, "--to", "pipe"),
        "precache.sinks.to-1.path: pipe is no file",
    ),
    "a folder as a file": (
        (*LIVE, "--follow", STREAM, "--to", "."),
        "precache.sinks.to-1.path: . is no file",
    ),
    "a port of metrics that is taken": (
        (*LIVE, "--follow", STREAM, "--metrics-port", TAKEN),
        "Address already in use: give another --metrics-port, or end what uses it",
    ),
    "no rule": (
        ("--wiki", f"clubwiki={URL}", "--config", "no-rules.toml", "--follow", STREAM),
        "no wiki has a rule for precaching",
    ),
    "a rule for no model": (
        ("--config", "wrong-rule.toml", "--follow", STREAM),
        "wikis.clubwiki.precache.drafttopic: clubwiki has no model 'drafttopic'",
    ),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    folder = tmp_path_factory.mktemp("precache")
    (folder / "history.jsonl").write_text("")
    os.mkfifo(folder / "pipe")
    (folder / "no-rules.toml").write_text("[wikis.clubwiki.precache]\n")
    (folder / "wrong-rule.toml").write_text(
        f'[wikis.clubwiki]\nsource = "{URL}"\nprecache = {{ drafttopic = ["main_creation"] }}\n'
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        commands = [
            ("precache", *(port if word is TAKEN else word for word in words)) for words, _ in WRONG.values()
        ]
        done = assay_each(folder, commands)
    return dict(zip(WRONG, done, strict=True))


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_in_a_sentence(ran: dict[str, Ran], name: str) -> None:
    assert WRONG[name][1] in ran[name].stderr
    assert ran[name].stderr.startswith("assay: ")
    assert "Traceback" not in ran[name].stderr
    assert ran[name].returncode == 1
    assert ran[name].stdout == ""


def test_an_assay_that_is_configured_otherwise_is_told_in_a_sentence(tmp_path: Path) -> None:
    with serving(SmallApp().build().asgi) as served:
        ran = assay(tmp_path, "precache", *LIVE, "--follow", "udp=127.0.0.1:0", "--url", served.url)
    assert ran.returncode == 1
    assert f"assay: {served.url} does not score clubwiki with reverted" in ran.stderr
    assert "Traceback" not in ran.stderr
