"""``assay preflight`` as an operator types it; what it proves of a node is in ``tests/preflight``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.cli import app
from assay.errors import ConfigurationError
from cli.running import assay
from servers.redis import free_port


def preflight(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return assay(folder, "preflight", *words, COLUMNS="150", **more)


def test_a_configuration_that_cannot_be_read_is_a_check_that_failed(tmp_path: Path) -> None:
    (tmp_path / "assay.toml").write_text("[redsi]\n")
    done = preflight(tmp_path, "--config", "assay.toml", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    assert told["ok"] is False
    assert {check["outcome"] for check in told["checks"]} == {"failed", "skipped"}
    assert "redsi" in done.stdout


def test_a_node_without_redis_is_told_in_a_table_and_within_its_patience(tmp_path: Path) -> None:
    """And without a secret: what a library says of an address may hold it."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    words = ["--redis", url, "--release", "r7", "--patience", "0.2", "--workers", "2", "--without-golden"]
    words += ["--url", f"http://127.0.0.1:{free_port()}/", "--wiki", "w=none.jsonl"]
    done = preflight(tmp_path, *words, ASSAY_REDIS__PASSWORD="hunter2", ASSAY_SHIPPED_BUNDLES="true")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for told in ("r7", url.removeprefix("redis://"), "failed", "none.jsonl", "web."):
        assert told in done.stdout, done.stdout
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "http://me:secret@host/"])
def test_an_address_that_is_none_is_told_at_once(url: str) -> None:
    done = CliRunner().invoke(app, ["preflight", "--url", url])
    assert isinstance(done.exception, ConfigurationError)
    assert str(done.exception) == (
        "--url: write it as http://HOST:PORT, without user name, password or query"
    )
