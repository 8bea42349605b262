"""``assay config``: shown as it is in force, and every fault told."""

from __future__ import annotations

import json
from pathlib import Path

from cli.running import assay
from settings.folders import write, write_release


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


def test_a_flag_cannot_give_a_release_another_name(tmp_path: Path) -> None:
    launched = {"ASSAY_RELEASE": "spring-0123456789ab", "ASSAY_SHIPPED_BUNDLES": "false"}
    done = assay(tmp_path, "web", "--release", "summer", **launched)
    assert done.returncode == 1
    assert "--release cannot be given to the release spring-0123456789ab" in done.stderr


def test_borrowed_bundles_must_exist(tmp_path: Path) -> None:
    wikis = '{"mywiki": {"source": "x.xml", "bundles": "enwikki"}}'
    done = assay(tmp_path, "config", "check", ASSAY_WIKIS=wikis)
    assert done.returncode == 1
    assert "no bundles of 'enwikki' for mywiki" in done.stderr
    assert "there is no file x.xml of mywiki" in done.stderr


def test_a_wikis_file_must_exist(tmp_path: Path) -> None:
    done = assay(tmp_path, "config", "check", ASSAY_WIKIS='{"mywiki": {"source": "absent.xml"}}')
    assert done.returncode == 1
    assert "there is no file absent.xml of mywiki: check the path" in done.stderr


def test_the_schema_is_json_schema(tmp_path: Path) -> None:
    schema = json.loads(assay(tmp_path, "config", "schema").stdout)
    assert schema["type"] == "object"
    assert "pool" in schema["properties"]
    assert schema["additionalProperties"] is False


FOLDER = {
    "config/base.toml": "[pool]\nprocesses = 3\n",
    "config/staging.toml": "",
    "config/production.toml": "[server]\nport = 81\n",
    "config/broken.toml": "[sevrer]\n",
    "config/secrets/production/redis.password": "hunter2",
}


def test_an_environment_is_shown_and_checked(tmp_path: Path) -> None:
    write(tmp_path, FOLDER)
    done = assay(tmp_path, "config", "show", "--environment", "production", "--config-folder", "config")
    shown = json.loads(done.stdout)
    assert (shown["pool"]["processes"], shown["server"]["port"]) == (3, 81)
    assert "hunter2" not in done.stdout
    variables = {"ASSAY_ENVIRONMENT": "broken", "ASSAY_CONFIG_FOLDER": "config"}
    done = assay(tmp_path, "config", "check", **variables)
    assert done.returncode == 1
    assert "config/broken.toml: unknown setting sevrer; did you mean server?" in done.stderr


def test_diff_ends_as_diff_does(tmp_path: Path) -> None:
    write(tmp_path, FOLDER)
    same = assay(tmp_path, "config", "diff", "staging", "staging", "--config-folder", "config")
    assert (same.returncode, same.stdout) == (0, "")
    other = assay(tmp_path, "config", "diff", "staging", "production", ASSAY_CONFIG_FOLDER="config")
    assert other.returncode == 1
    assert other.stdout.splitlines() == [
        "redis.password",
        "  staging     not set",
        "  production  set  (config/secrets/production/redis.password)",
        "server.port",
        "  staging     8080  (default)",
        "  production  81  (config/production.toml)",
    ]
    for names in (("staging", "broken"), ("staging", "prodution"), ("staging",)):
        broken = assay(tmp_path, "config", "diff", *names, "--config-folder", "config")
        assert (broken.returncode, broken.stdout) == (2, "")
        assert "Traceback" not in broken.stderr


def test_this_machines_variables_are_not_compared(tmp_path: Path) -> None:
    write(tmp_path, FOLDER)
    done = assay(
        tmp_path, "config", "diff", "staging", "staging", "--config-folder", "config", ASSAY_SERVER__PORT="x"
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_all_releases_are_checked_with_this_code(tmp_path: Path) -> None:
    schema = json.loads(assay(tmp_path, "config", "schema").stdout)
    write_release(tmp_path / "root", "new-222222222222", slot="blue", schema=schema)
    done = assay(tmp_path, "config", "check", "--releases", "root", ASSAY_POOL__PROCESSES="3")
    assert done.returncode == 0, done.stderr
    assert "good for this code, and for:\n  release new-222222222222 (live in slot blue)" in done.stdout
    del schema["properties"]["pool"]
    write_release(tmp_path / "root", "old-111111111111", schema=schema)
    write(tmp_path, {"schema.json": json.dumps(schema)})
    done = assay(
        tmp_path,
        "config",
        "check",
        "--releases",
        "root",
        "--schema",
        "schema.json",
        ASSAY_POOL__PROCESSES="3",
        ASSAY_SERVER__PORT="eighty",
    )
    assert done.returncode == 1
    for line in (
        "  server.port: must be a whole number (it is 'eighty', from ASSAY_SERVER__PORT)",
        "  release old-111111111111 (rollback target) could not read this configuration, by root/releases/",
        "  release new-222222222222 (live in slot blue) could not read this configuration, by root/releas",
        "  schema.json could not read this configuration",
        "ASSAY_POOL__PROCESSES: unknown setting pool",
    ):
        assert line in done.stderr


def test_a_wiki_that_is_named_twice_is_an_error(tmp_path: Path) -> None:
    done = assay(tmp_path, "serve", "--wiki", "cywiki=a.xml", "--wiki", "cywiki=b.xml")
    assert done.returncode == 1
    assert "--wiki names cywiki twice, a.xml and b.xml: keep one of them" in done.stderr
