"""A real follower whose sink takes nothing tells so, and ends all the same when it is told to."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest

from precache.edits import WIKI, created, history
from servers import assay_serve
from servers.assay_serve import AssayServer
from servers.processes import ASSAY, Process, inherited, running
from servers.redis import free_port
from waiting import until

LIMIT_S = 60.0
AT_ONCE = {"ASSAY_PRECACHE__DRAIN_TIMEOUT_S": "0.5"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hanging")


@pytest.fixture(scope="module")
def wiki(folder: Path) -> tuple[str, str]:
    return "--wiki", f"{WIKI}={history(folder, 20)}"


@pytest.fixture(scope="module")
def assay(folder: Path, wiki: tuple[str, str]) -> Iterator[AssayServer]:
    with assay_serve.serving(folder, *wiki) as server:
        yield server


def command(tmp_path: Path, wiki: Sequence[str], assay: AssayServer, port: int, to: str) -> list[str]:
    where = ("--url", assay.url, "--folder", str(tmp_path / "positions"))
    return [*ASSAY, "precache", *wiki, "--follow", f"udp=127.0.0.1:{port}", "--to", to, *where]


def send(port: int, rev_id: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(orjson.dumps(created(rev_id)), ("127.0.0.1", port))


def test_a_file_that_another_program_keeps_locked(
    tmp_path: Path, wiki: tuple[str, str], assay: AssayServer
) -> None:
    port, scores = free_port(), tmp_path / "scores.jsonl"
    environment = {**AT_ONCE, "ASSAY_CACHE_DIR": str(tmp_path)}
    process = Process("follower", command(tmp_path, wiki, assay, port, str(scores)), tmp_path, environment)
    with scores.open("wb") as kept, running(process):
        fcntl.flock(kept, fcntl.LOCK_EX)
        process.until(lambda: "feed begun" in process.text(), LIMIT_S)
        send(port, 1)
        process.until(lambda: "another program keeps the file locked" in process.text(), LIMIT_S)
        process.terminate()
        assert process.wait() == 0
    assert scores.read_bytes() == b""


def test_a_pipe_that_nobody_reads(tmp_path: Path, wiki: tuple[str, str], assay: AssayServer) -> None:
    port = free_port()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    full = os.write(writer, b"\n" * 2**20)
    os.set_blocking(writer, True)
    errors = tmp_path / "errors.log"
    with errors.open("wb") as log:
        process = subprocess.Popen(
            command(tmp_path, wiki, assay, port, "-"),
            env={**inherited(), **AT_ONCE, "ASSAY_CACHE_DIR": str(tmp_path)},
            cwd=tmp_path,
            stdout=writer,
            stderr=log,
        )
    try:
        until(lambda: "feed begun" in errors.read_text(), LIMIT_S, errors.read_text)
        send(port, 2)
        until(lambda: cached(assay, 2), LIMIT_S, errors.read_text)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0, errors.read_text()
        os.close(writer)
        assert len(os.read(reader, 2 * full)) == full, "nothing went into it"
    finally:
        process.kill()
        process.wait()
        os.close(reader)
    assert "Traceback" not in errors.read_text()
    assert "Fatal" not in errors.read_text()


def cached(assay: AssayServer, rev_id: int) -> bool:
    return assay.get(f"/v3/scores/{WIKI}/{rev_id}/reverted").headers["x-cache"] == "hit"
