"""``assay serve`` as an operator runs it: ready, asked, told to stop."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from assay.models.library import shipped_folder
from cli.running import ASSAY, assay, environment
from servers.processes import status
from servers.redis import free_port
from waiting import until


@contextmanager
def _serving(folder: Path, *arguments: str, **more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that the server tells once it answers, and its process. `more`: environment variables."""
    command = (*ASSAY, "serve", "--port", "0", "--processes", "1", *arguments)
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment(folder, **more), cwd=folder
    ) as process:
        assert process.stderr is not None
        told = ""
        try:
            for line in process.stderr:
                told += line
                if found := re.search(r"on (http://\S+/)", line):
                    break
            else:
                raise AssertionError(told)
            yield found[1], process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.stderr.read()


def _get(url: str) -> dict[str, object]:
    with urlopen(url, timeout=30) as answer:
        document = json.load(answer)
    assert isinstance(document, dict)
    return document


def test_a_first_run_is_ready_scores_and_ends_in_order(tmp_path: Path) -> None:
    with _serving(tmp_path) as (address, process):
        assert _get(f"{address}readyz")["ready"] is True
        recent = _get(f"{address}api/samplewiki/recent?limit=1")["revisions"]
        assert isinstance(recent, list)
        scores = _get(f"{address}v3/scores/samplewiki/{recent[0]}/")
        assert "error" not in json.dumps(scores)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        process.stderr.read()
        assert process.wait(60) == 0


def test_a_history_is_served_under_the_name_it_is_given(tmp_path: Path) -> None:
    line = {
        "page_title": "Pont",
        "rev_id": 7,
        "parent_id": 0,
        "timestamp": "2020-01-01T00:00:00Z",
        "user": "Nia",
        "anon": False,
        "comment": "",
        "text": "Pont yw hon.",
    }
    (tmp_path / "cy.jsonl").write_text(json.dumps(line) + "\n")
    with _serving(tmp_path, "--wiki", "cywiki=cy.jsonl", "--bundles", "cywiki=enwiki") as (address, _):
        assert set(_get(f"{address}v3/scores/")) == {"cywiki", "testwiki"}
        assert '"score"' in json.dumps(_get(f"{address}v3/scores/cywiki/7/"))


def test_a_first_run_without_logs_says_one_line(tmp_path: Path) -> None:
    """As `make run` does it. The address is told once it answers; so short an indexing is not."""
    levels = {"ASSAY_LOG__LEVEL": "warning", "ASSAY_LOG__JSON": "false"}
    with _serving(tmp_path, **levels) as (address, process):
        assert _get(f"{address}livez")
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


def test_a_full_disk_under_the_log_stops_no_scores(tmp_path: Path) -> None:
    port = free_port()
    with (
        Path("/dev/full").open("w") as full,
        subprocess.Popen(
            (*ASSAY, "serve", "--port", str(port), "--processes", "1"),
            stderr=full,
            env=environment(tmp_path),
            cwd=tmp_path,
        ) as process,
    ):
        try:
            until(lambda: status(port, "/readyz") == 200, 60)
            assert _get(f"http://127.0.0.1:{port}/v3/scores/testwiki/12/")
        finally:
            process.terminate()
        assert process.wait(60) == 0


def test_an_interrupt_while_the_models_load_ends_it_without_a_traceback(tmp_path: Path) -> None:
    """Ctrl-C reaches the whole group of processes."""
    command = (*ASSAY, "serve", "--port", "0", "--processes", "1")
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
        cwd=tmp_path,
        process_group=0,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Waiting for application startup" in line:
                break
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until(lambda: children.read_text() != "")
        os.killpg(process.pid, signal.SIGINT)
        assert "Traceback" not in process.stderr.read()
        assert process.wait(60) == 0


def test_a_wiki_that_is_none_is_told_at_the_start_and_served_all_the_same(tmp_path: Path) -> None:
    command = (
        *ASSAY,
        "serve",
        "--port",
        "0",
        "--processes",
        "1",
        "--wiki",
        "club=http://127.0.0.1:9/w/api.php",
    )
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment(tmp_path), cwd=tmp_path
    ) as process:
        assert process.stderr is not None
        told = ""
        while not ("on http://" in told and '"warning"' in told):
            told += (line := process.stderr.readline())
            assert line, told
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(60) == 0
    (warning,) = (json.loads(line) for line in told.splitlines() if '"warning"' in line)
    assert warning["wiki"] == "club"
    assert "http://127.0.0.1:9/w/api.php: the connection failed" in warning["reason"]
    assert "Special:Version" in warning["reason"]


def test_a_taken_port_is_told_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = assay(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "Address already in use: give another --port" in done.stderr


def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    done = assay(tmp_path, "serve", "--host", "203.0.113.7", "--port", "0")
    assert done.returncode == 1
    assert "203.0.113.7 port 0: Cannot assign requested address: give a --host" in done.stderr


def test_a_name_that_is_no_address_is_told(tmp_path: Path) -> None:
    done = assay(tmp_path, "serve", "--host", "no such host", "--port", "0")
    assert done.returncode == 1
    assert "Unknown error" not in done.stderr
    assert "no such host port 0: " in done.stderr
    assert ": give a --host that is an address of this machine" in done.stderr


def test_trees_that_are_cut_short_are_told_in_a_sentence(tmp_path: Path) -> None:
    """They are read by the scoring processes alone, so that the server has begun to start by then."""
    bundle = tmp_path / "bundles" / "enwiki" / "damaging"
    shutil.copytree(shipped_folder() / "enwiki" / "damaging", bundle)
    os.truncate(bundle / "trees.txt", 1000)
    done = assay(tmp_path, "serve", "--port", "0", "--processes", "1", "--bundle-directory", "bundles")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("assay: the scoring processes could not load the models: ")
    assert "trees.txt has 1000 bytes" in last


def test_a_damaged_bundle_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    bundle = tmp_path / "bundles" / "xwiki" / "damaging"
    bundle.mkdir(parents=True)
    (bundle / "manifest.json").write_text('{"schema_version": 1}')
    done = assay(tmp_path, "serve", "--port", "0", "--bundle-directory", "bundles")
    assert done.returncode == 1
    assert "xwiki/damaging" in done.stderr
    assert "Traceback" not in done.stderr
