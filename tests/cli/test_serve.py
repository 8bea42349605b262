"""``assay serve`` as an operator runs it: ready, asked, told to stop."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from cli.running import ASSAY, assay, environment


@contextmanager
def _serving(folder: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that the server tells, and its process."""
    command = (*ASSAY, "serve", "--port", "0", "--processes", "1", *arguments)
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment(folder), cwd=folder
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
            for line in process.stderr:
                if "startup complete" in line:
                    break
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


def test_a_damaged_bundle_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    bundle = tmp_path / "bundles" / "xwiki" / "damaging"
    bundle.mkdir(parents=True)
    (bundle / "manifest.json").write_text('{"schema_version": 1}')
    done = assay(tmp_path, "serve", "--port", "0", "--bundle-directory", "bundles")
    assert done.returncode == 1
    assert "xwiki/damaging" in done.stderr
    assert "Traceback" not in done.stderr
