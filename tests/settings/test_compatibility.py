"""A node's configuration against every release that runs there or may have to run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.settings import Given, Rename, incompatible, json_schema
from settings.folders import without, write, write_release

OLD, NEW, THIRD = "old-111111111111", "new-222222222222", "third-333333333333"
RENAME = Rename("redis.address", "redis.url", 2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def _before(schema: dict[str, Any], rename: Rename) -> dict[str, Any]:
    """What the release before a rename reads: the old name alone."""
    old = without(schema, "redis", "url")
    old["properties"]["redis"]["properties"]["address"] = {"type": "string"}
    return {**old, "x-schema-version": 1, "x-renames": []}


def test_what_every_release_reads_is_good(root: Path) -> None:
    write_release(root, OLD)
    write_release(root, NEW, slot="blue")
    found = incompatible(Given(variables={"ASSAY_POOL__PROCESSES": "3"}), root)
    assert found.faults == ()
    assert found.checked == (f"release {NEW} (live in slot blue)", f"release {OLD} (rollback target)")


def test_a_setting_that_a_live_release_does_not_know_is_an_error_that_names_all(
    root: Path, tmp_path: Path
) -> None:
    schema = without(json_schema(), "queue", "heartbeat_s")
    old = write_release(root, OLD, slot="blue", schema=schema)
    write_release(root, THIRD, slot="green", schema=schema)
    write_release(root, NEW)
    file = write(tmp_path, {"shared.toml": "[queue]\nheartbeat_s = 2\n"}) / "shared.toml"
    faults = incompatible(Given(files=[file], variables={"ASSAY_QUEUE__HEARTBEAT_S": "2"}), root).faults
    assert len(faults) == 4
    assert (
        f"release {OLD} (live in slot blue) could not read this configuration, by "
        f"{old / 'configuration.schema.json'}: {file}: unknown setting queue.heartbeat_s; there are: "
        in faults[0]
    )
    assert "ASSAY_QUEUE__HEARTBEAT_S: unknown setting" in faults[1]
    assert all(f"release {THIRD} (live in slot green)" in fault for fault in faults[2:])


@pytest.mark.parametrize("first", ["code", "configuration"])
def test_the_founding_outage_is_told_before_it_happens(root: Path, first: str) -> None:
    """A key renamed in place: with either order, one of the two releases could not run."""
    renamed = json_schema([RENAME], 2)
    write_release(root, OLD, slot="blue", schema=_before(json_schema(), RENAME))
    write_release(root, NEW, slot="green", schema=renamed)
    old_name, new_name = "ASSAY_REDIS__ADDRESS", "ASSAY_REDIS__URL"
    name = old_name if first == "code" else new_name
    faults = incompatible(Given(variables={name: "redis://h/0"}), root).faults
    if first == "code":  # both read the old name, so this order is safe
        assert faults == ()
    else:
        (fault,) = faults
        assert fault.startswith(f"release {OLD} (live in slot blue) could not read this")
        assert "ASSAY_REDIS__URL: unknown setting redis.url" in fault


def test_a_rollback_target_that_no_longer_reads_an_old_name_is_told(root: Path) -> None:
    write_release(root, OLD, schema=json_schema([RENAME], 4))
    (fault,) = incompatible(Given(variables={"ASSAY_REDIS__ADDRESS": "redis://h/0"}), root).faults
    assert "(rollback target)" in fault
    assert "redis.address is called redis.url since schema version 2: rename it" in fault


def test_values_are_read_as_that_release_reads_them(root: Path) -> None:
    """A time in whole seconds there, any number here."""
    schema = json_schema()
    schema["properties"]["claims"]["properties"]["ttl_s"] = {"type": "integer", "minimum": 1, "maximum": 9}
    write_release(root, OLD, schema=schema)
    assert incompatible(Given(variables={"ASSAY_CLAIMS__TTL_S": "3"}), root).faults == ()
    (fault,) = incompatible(Given(variables={"ASSAY_CLAIMS__TTL_S": "3.5"}), root).faults
    assert "claims.ttl_s: must be a whole number (it is '3.5', from ASSAY_CLAIMS__TTL_S)" in fault


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"type": "number", "maximum": 2}, "claims.ttl_s: must be a number up to 2 (it is 3,"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "claims.ttl_s: does not fit the schema (anyOf)"),
        ({"type": "number", "multipleOf": 2}, "claims.ttl_s: does not fit the schema (multipleOf)"),
        (False, "unknown setting claims.ttl_s"),
    ],
)
def test_another_codes_schema_may_use_other_words(root: Path, node: Any, message: str) -> None:
    schema = json_schema()
    schema["properties"]["claims"]["properties"]["ttl_s"] = node
    write_release(root, OLD, schema=schema)
    (fault,) = incompatible(Given(flags={"claims": {"ttl_s": 3}}), root).faults
    assert message in fault


def test_a_releases_own_configuration_is_merged_below_the_nodes(root: Path) -> None:
    text = '[wikis.cywiki]\nsource = "cy.xml"\n[queue]\nheartbeat_s = 0\n'
    write_release(root, OLD, configuration=text)
    variables = {"ASSAY_WIKIS__CYWIKI__BUNDLES": "enwiki", "ASSAY_QUEUE__HEARTBEAT_S": "2"}
    assert incompatible(Given(variables=variables), root).faults == ()


def test_a_releases_own_configuration_must_be_readable_here(root: Path) -> None:
    schema = json_schema()
    schema["properties"]["bygone"] = {"type": "boolean"}
    folder = write_release(
        root, OLD, configuration='bygone = true\n[redis]\nurl = "no:address"\n', schema=schema
    )
    faults = incompatible(Given(), root).faults
    start = f"this code could not read the configuration of release {OLD} (rollback target), "
    assert all(fault.startswith(start + str(folder / "configuration.toml")) for fault in faults)
    assert len(faults) == 2
    assert "unknown setting bygone" in faults[0]
    assert "the Redis URL cannot be read" in faults[1]


def test_what_is_wrong_anyway_is_not_told_of_each_release(root: Path) -> None:
    write_release(root, OLD)
    faults = incompatible(Given(variables={"ASSAY_POOL__PROCESSES": "x"}), root).faults
    assert len(faults) == 1
    assert faults[0].startswith("release")


def test_what_a_launcher_sets_is_not_the_nodes(root: Path) -> None:
    """Run through one release's launcher, the check is still about all of them."""
    own = write_release(root, NEW, slot="blue", configuration="bad = 1\n") / "configuration.toml"
    schema = json_schema()
    del schema["properties"]["shipped_bundles"]  # of a release from before that setting
    old = write_release(root, OLD, schema=schema) / "configuration.schema.json"
    variables = {"ASSAY_RELEASE": NEW, "ASSAY_BUNDLE_DIRECTORIES": "[]", "ASSAY_SHIPPED_BUNDLES": "false"}
    node = Given(before=[own], variables={**variables, "ASSAY_CONFIG": str(own)})
    faults = incompatible(node, root, [old]).faults
    assert not any(OLD in fault for fault in faults)
    assert any(NEW in fault and "bad" in fault for fault in faults)


def test_schemas_may_be_given_by_themselves(tmp_path: Path) -> None:
    text = json.dumps(without(json_schema(), "queue", "heartbeat_s"))
    path = write(tmp_path, {"schema.json": text}) / "schema.json"
    found = incompatible(Given(flags={"queue": {"heartbeat_s": 2}}), schemas=[path])
    assert found.checked == (str(path),)
    assert f"{path} could not read this configuration" in found.faults[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"type": 5}', "is no JSON Schema"),
        ("{}", "is no schema of Assay's configuration"),
        ("true", "is no schema of Assay's configuration"),
        ('{"x-schema-version": 1, "$ref": "https://example.org/"}', "is no schema of Assay's configuration"),
    ],
)
def test_a_schema_that_cannot_be_read_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, {"schema.json": text}) / "schema.json"
    (fault,) = incompatible(Given(), schemas=[path]).faults
    assert str(path) in fault
    assert message in fault


def test_a_schema_that_is_no_file_is_told_once_in_words(tmp_path: Path) -> None:
    absent = tmp_path / "absent.json"
    faults = incompatible(Given(), schemas=[absent, tmp_path]).faults
    assert faults == (f"{absent}: No such file or directory", f"{tmp_path}: Is a directory")


def test_a_broken_root_is_told(root: Path) -> None:
    (fault,) = incompatible(Given(), root).faults
    assert "there are no releases in" in fault
    folder = write_release(root, OLD, slot="blue")
    (root / "slots" / "green").symlink_to("../releases/gone")
    (folder / "configuration.toml").unlink()
    write_release(root, ".being-made")
    faults = incompatible(Given(), root).faults
    assert f"{root / 'slots' / 'green'}: points to no release" in faults[0]
    assert f"there is no file {folder / 'configuration.toml'}" in faults[1]
    assert "there are no releases in" in faults[2]
