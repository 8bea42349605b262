"""Renamed settings: read under both names for two schema versions, in every layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assay import settings
from assay.errors import ConfigurationError
from assay.settings import RENAMES, SCHEMA_VERSION, Rename, Resolved, Settings, given, json_schema, resolve
from assay.settings.renames import settled
from assay.settings.schema import deprecated_names

TABLE = (
    Rename("redis.address", "redis.url", 2),
    Rename("wikis.<name>.sauce", "wikis.<name>.source", 2),
    Rename("scoring_systems", "pool", 2),
    Rename("queue_length", "pool.queue_jobs", 2),
    Rename("redis.location", "redis.url", 3),
)


def _resolved(version: int, *files: Path, flags: Any = None, **variables: str) -> Resolved:
    """As code of a schema version with `TABLE` would."""
    known = [rename for rename in TABLE if rename.since <= version]
    return resolve(given(files, variables, flags), json_schema(known, version))


def _load(version: int, *files: Path, flags: Any = None, **variables: str) -> Settings:
    return _resolved(version, *files, flags=flags, **variables).right()


def _file(folder: Path, text: str, name: str = "a.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_the_old_name_is_read_for_two_versions_with_a_warning(version: int, tmp_path: Path) -> None:
    file = _file(tmp_path, '[redis]\naddress = "redis://file/0"\n')
    resolved = _resolved(version, file)
    assert resolved.right().redis.url == "redis://file/0"
    (warning,) = resolved.reading.warnings
    assert warning.startswith(f"{file}: redis.address is now called redis.url; the old name is read up to")
    assert f"schema version 3 (this is {version})" in warning


def test_then_it_is_an_error_that_names_the_new_one(tmp_path: Path) -> None:
    file = _file(tmp_path, '[redis]\naddress = "redis://file/0"\n')
    with pytest.raises(
        ConfigurationError, match=r"redis\.address is called redis\.url since schema version 2"
    ):
        _load(4, file)
    with pytest.raises(ConfigurationError, match=r"unknown setting redis\.address"):
        _load(1, file)


def test_the_new_name_needs_no_word() -> None:
    resolved = _resolved(2, ASSAY_REDIS__URL="redis://new/0")
    assert resolved.right().redis.url == "redis://new/0"
    assert resolved.reading.warnings == ()


def test_variables_and_flags_may_use_the_old_name(tmp_path: Path) -> None:
    secret = _file(tmp_path, "redis://secret/0\n", "address")
    assert _load(2, ASSAY_REDIS__ADDRESS="redis://variable/0").redis.url == "redis://variable/0"
    assert _load(2, ASSAY_REDIS__ADDRESS_FILE=str(secret)).redis.url == "redis://secret/0"
    assert _load(2, flags={"redis": {"address": "redis://flag/0"}}).redis.url == "redis://flag/0"


def test_an_upper_layers_old_name_overrides_a_lower_layers_old_name(tmp_path: Path) -> None:
    file = _file(tmp_path, '[redis]\naddress = "redis://file/0"\n')
    assert _load(2, file, ASSAY_REDIS__ADDRESS="redis://up/0").redis.url == "redis://up/0"


def test_a_whole_section_and_a_key_of_named_items_may_be_renamed(tmp_path: Path) -> None:
    text = '[wikis.cywiki]\nsauce = "cy.xml"\nbundles = "enwiki"\n[scoring_systems]\nqueue_jobs = 7\n'
    loaded = _load(
        2, _file(tmp_path, text), ASSAY_SCORING_SYSTEMS__PROCESSES="3", ASSAY_POOL__QUEUE_BYTES="9"
    )
    assert (loaded.wikis["cywiki"].source, loaded.wikis["cywiki"].bundles) == ("cy.xml", "enwiki")
    assert (loaded.pool.queue_jobs, loaded.pool.processes, loaded.pool.queue_bytes) == (7, 3, 9)


@pytest.mark.parametrize("within_one_file", [True, False])
def test_both_names_must_say_the_same(tmp_path: Path, within_one_file: bool) -> None:
    """As puppet did a week after the outage: both names, so that old and new code find theirs."""
    old, new = 'address = "redis://a/0"\n', 'url = "redis://a/0"\n'

    def files(new: str) -> list[Path]:
        if within_one_file:
            return [_file(tmp_path, f"[redis]\n{old}{new}")]
        return [_file(tmp_path, f"[redis]\n{old}"), _file(tmp_path, f"[redis]\n{new}", "b.toml")]

    assert _load(2, *files(new)).redis.url == "redis://a/0"
    with pytest.raises(
        ConfigurationError, match="under its old and its new name, with different values"
    ) as caught:
        _load(2, *files('url = "redis://:hunter2@b/0"\n'))
    assert "redis.address" in str(caught.value)
    assert "redis.url" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        {"scoring_systems": 5, "pool": {"processes": 2}},
        {"scoring_systems": 5, "pool": {}},
        {"scoring_systems": {}, "pool": None},
        {"scoring_systems": {"processes": {}}, "pool": {"processes": 2}},
        {"scoring_systems": {"processes": True}, "pool": {"processes": 1}},
        {"scoring_systems": {"allowed": [True]}, "pool": {"allowed": [1]}},
        {"scoring_systems": {"allowed": [1]}, "pool": {"allowed": [1, 2]}},
        {"wikis": {"cywiki": {"sauce": {}, "source": "cy.xml"}}},
        {"queue_length": 5, "pool": 7},
        {"queue_length": 5, "pool": None},
    ],
)
def test_what_the_other_name_would_hide_is_told(document: Mapping[str, Any]) -> None:
    """A plain value beside a section, and true beside 1: one of them would silently be lost."""
    (fault, *_) = _resolved(2, flags=document).faults
    assert "are one setting under its old and its new name, with different values" in fault


@pytest.mark.parametrize(
    "document",
    [
        {"scoring_systems": {}, "pool": {"processes": 2}},
        {"scoring_systems": {"processes": 2.0}, "pool": {"processes": 2}},
        {"queue_length": 5, "pool": {"queue_jobs": 5, "processes": 2}},
        {"queue_length": 5, "scoring_systems": {"processes": 2}},
    ],
)
def test_what_both_names_say_alike_is_right(document: Mapping[str, Any]) -> None:
    assert _load(2, flags=document).pool.processes == 2


def test_faults_under_the_old_name_are_told() -> None:
    with pytest.raises(
        ConfigurationError, match=r"pool\.processes: must be a whole number \(it is 'x', from ASSAY_S"
    ):
        _load(2, ASSAY_SCORING_SYSTEMS__PROCESSES="x")
    with pytest.raises(
        ConfigurationError, match=r"unknown setting pool\.proces; did you mean pool\.processes"
    ):
        _load(2, ASSAY_SCORING_SYSTEMS__PROCES="3")


def test_a_required_setting_may_be_given_under_either_name() -> None:
    with pytest.raises(ConfigurationError, match=r"wikis\.cywiki\.source: must be given"):
        _load(2, flags={"wikis": {"cywiki": {}}})


def test_a_name_that_changed_twice_leads_to_the_last() -> None:
    chain = (Rename("a.x", "b.y", 1), Rename("b", "c", 2), Rename("c.y", "c.z", 3))
    assert [rename.new for rename in settled(chain)] == ["c.z", "c", "c.z"]


def test_a_name_that_only_begins_alike_is_another() -> None:
    first, _ = settled((Rename("a", "b.yes", 1), Rename("b.y", "c", 2)))
    assert first.new == "b.yes"


def test_old_names_stand_in_the_schema_as_deprecated() -> None:
    schema = json_schema(TABLE[:4], 3)
    assert schema["x-schema-version"] == 3
    assert set(deprecated_names(schema)) == {
        "redis.address",
        "wikis.<name>.sauce",
        "scoring_systems",
        "queue_length",
    }
    old: Mapping[str, Any] = schema["properties"]["redis"]["properties"]["address"]
    assert old == {"type": "string", "deprecated": True, "x-renamed-to": "redis.url"}
    assert set(deprecated_names(json_schema(TABLE, 4))) == {"redis.location"}


def test_a_rename_must_lead_to_a_setting() -> None:
    with pytest.raises(ValueError, match=r"redis\.adress is no setting"):
        json_schema([Rename("redis.url2", "redis.adress", 1)], 1)


def test_the_table_of_this_code_is_sound() -> None:
    """Old names are not names of today, the oldest stands first, and no rename is of a later version."""
    current = set(settings.names())
    assert not {rename.old for rename in RENAMES} & current
    assert [rename.since for rename in RENAMES] == sorted(rename.since for rename in RENAMES)
    assert all(1 < rename.since <= SCHEMA_VERSION for rename in RENAMES)
    assert json_schema()["x-schema-version"] == SCHEMA_VERSION
