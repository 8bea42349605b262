"""``assay up`` as an operator runs it: a whole cluster, and what is refused before any of it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from precache.edits import WIKI, append, created, history, rev_ids, told
from servers.redis import free_port
from shared_data import ROOT
from waiting import until

TESTS = ROOT / "tests"
EVENT_STREAM = TESTS / "servers" / "event_stream.py"


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
