"""``assay config``: shown as it is in force, and every fault told."""

from __future__ import annotations

import json
from pathlib import Path

from cli.running import assay


def test_what_is_in_force_is_shown(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[pool]\nprocesses = 3\n")
    done = assay(tmp_path, "config", "show", "--config", "a.toml", ASSAY_SERVER__PORT="81")
    shown = json.loads(done.stdout)
    assert (shown["pool"]["processes"], shown["server"]["port"]) == (3, 81)


def test_a_good_configuration_is_called_good(tmp_path: Path) -> None:
    done = assay(tmp_path, "config", "check")
    assert done.returncode == 0, done.stderr
    assert "good" in done.stdout


def test_all_faults_are_told_without_a_traceback(tmp_path: Path) -> None:
    done = assay(tmp_path, "config", "check", ASSAY_POOL__PROCESES="3", ASSAY_SERVER__PORT="eighty")
    assert done.returncode == 1
    assert "did you mean pool.processes?" in done.stderr
    assert "server.port" in done.stderr
    assert "Traceback" not in done.stderr


def test_borrowed_bundles_must_exist(tmp_path: Path) -> None:
    wikis = '{"mywiki": {"source": "x.xml", "bundles": "enwikki"}}'
    done = assay(tmp_path, "config", "check", ASSAY_WIKIS=wikis)
    assert done.returncode == 1
    assert "no bundles of 'enwikki' for mywiki" in done.stderr


def test_a_wikis_file_must_exist(tmp_path: Path) -> None:
    done = assay(tmp_path, "config", "check", ASSAY_WIKIS='{"mywiki": {"source": "absent.xml"}}')
    assert done.returncode == 1
    assert "there is no file absent.xml of mywiki: check the path" in done.stderr


def test_the_schema_is_json_schema(tmp_path: Path) -> None:
    schema = json.loads(assay(tmp_path, "config", "schema").stdout)
    assert schema["type"] == "object"
    assert "pool" in schema["properties"]
