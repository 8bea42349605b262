"""Faults as sentences: what is wrong where, what it should be, and where it came from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.settings.layers import Given
from assay.settings.limits import MAX_NUMBER
from assay.settings.reading import read

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "count": {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER},
        "port": {"type": "integer", "minimum": 0, "maximum": 65535},
        "share": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1},
        "ratio": {"type": "number", "exclusiveMinimum": 0},
        "least": {"type": "number", "maximum": 5},
        "level": {"enum": ["debug", "info", None]},
        "name": {"type": "string", "pattern": "^[a-z]*$", "description": "use small letters"},
        "code": {"type": "string", "pattern": "^[a-z]*$"},
        "rows": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": False, "properties": {"a": {}}},
        },
        "lanes": {"type": "array", "minItems": 1, "items": {"type": "number"}},
        "flag": {"type": "boolean"},
        "free": True,
        "either": {"type": "object", "anyOf": [{"required": ["new"]}, {"required": ["old"]}]},
        "password": {"type": ["string", "null"]},
        "old": {"type": "string", "x-renamed-to": "name"},
        "part": {
            "type": "object",
            "additionalProperties": False,
            "required": ["text", "more"],
            "properties": {"text": {"type": "string"}, "more": {"type": "string"}},
        },
        "wikis": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z]+$", "description": "is no name for a wiki"},
            "additionalProperties": {"type": "object"},
        },
    },
}


def faults(**flags: Any) -> list[str]:
    return [fault.text for fault in read(Given(flags=flags), SCHEMA).faults]


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"count": 0}, "count: must be a number from 1 on (it is 0, from command line)"),
        ({"count": 2**60}, f"count: must be a number from 1 to {MAX_NUMBER} (it is {2**60}, from command "),
        ({"port": 65536}, "port: must be a number from 0 to 65535 (it is 65536, from command line)"),
        ({"port": -1}, "port: must be a number from 0 to 65535 (it is -1, from command line)"),
        ({"share": 0}, "share: must be a number above 0, up to 1 (it is 0, "),
        ({"share": 1.5}, "share: must be a number above 0, up to 1 (it is 1.5, "),
        ({"share": "x"}, "share: must be a number (it is 'x', "),
        ({"ratio": 0}, "ratio: must be a number above 0 (it is 0, "),
        ({"least": 6}, "least: must be a number up to 5 (it is 6, "),
        ({"level": "loud"}, "level: must be one of debug, info (it is 'loud', "),
        ({"name": "A"}, "name: use small letters (it is 'A', from command line)"),
        ({"code": "A"}, "code: must match ^[a-z]*$ (it is 'A', from command line)"),
        ({"count": "x"}, "count: must be a whole number (it is 'x', from command line)"),
        ({"lanes": 5}, "lanes: must be a list (it is 5, from command line)"),
        ({"flag": 1}, "flag: must be true or false (it is 1, from command line)"),
        ({"either": {}}, "either.new: must be given"),
        ({"lanes": []}, "lanes: must have 1 or more items (it came from command line)"),
        ({"lanes": [1, "x"]}, "lanes.1: must be a number (it is 'x', from command line)"),
        ({"part": []}, "part: must be a section (it came from command line)"),
        ({"rows": [{"a": 1}, {"b": 1}]}, "rows.1: does not fit the schema (additionalProperties) (it came"),
        ({"password": 5}, "password: must be text (it is "),
        ({"part": {}}, "part.text: must be given; part.more: must be given"),
        ({"part": {"more": ""}}, "part.text: must be given"),
        ({"wikis": {"A": {}}}, "wikis: 'A' is no name for a wiki"),
        ({"wikis": 5}, "wikis: must be a section (it is 5, from command line)"),
        ({"ratio": math.nan}, "ratio: must be a number from 0 on, and not nan"),
        ({"lanes": [1, math.inf]}, "lanes: must be a number from 0 on, and not inf"),
        (
            {"part": {"text": "\udcff", "more": ""}},
            r"part.text: must be UTF-8 (it is '\udcff', from command line)",
        ),
        ({"password": "\udcff"}, "password: must be UTF-8 (it is '[redacted]', from command line)"),
    ],
)
def test_a_fault_is_a_sentence(flags: Mapping[str, Any], sentence: str) -> None:
    (fault,) = faults(**flags)
    assert fault.startswith(sentence)
    assert not sentence.endswith("given") or fault == sentence


def test_a_giant_value_and_a_secret_are_not_told_whole() -> None:
    (fault,) = faults(name="A" * 5000)
    assert len(fault) < 200
    (fault,) = faults(password=20160801)
    assert "20160801" not in fault


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"cuont": 1}, "unknown setting cuont; did you mean count?"),
        ({"part": {"txt": 1, "text": "", "more": ""}}, "unknown setting part.txt; did you mean part.text?"),
        ({"part": {"zzz": 1, "text": "", "more": ""}}, "unknown setting part.zzz; there are: more, text"),
    ],
)
def test_what_is_unknown_is_told_with_advice(flags: Mapping[str, Any], sentence: str) -> None:
    assert faults(**flags) == [f"command line: {sentence}"]


def test_where_all_may_stand_nothing_is_unknown() -> None:
    assert faults(free={"any": {"thing": 1}}) == []


def test_an_old_name_is_no_advice() -> None:
    (fault,) = faults(olt=1)
    assert "old" not in fault


def test_what_is_unknown_is_left_out_and_the_last_layer_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('count = 0\nport = 70000\nnone = 1\n[part]\nnone = 1\ntext = "t"\nmore = "m"\n')
    reading = read(Given(files=[file], flags={"count": -1}), SCHEMA)
    assert reading.values == {"count": -1, "port": 70000, "part": {"text": "t", "more": "m"}}
    assert reading.origins == {
        ("count",): "command line",
        **dict.fromkeys((("port",), ("part", "text"), ("part", "more")), str(file)),
    }
    assert {fault.place for fault in reading.faults} == {(), ("count",), ("port",)}
    told = [fault.text for fault in reading.faults]
    assert "count: must be a number from 1 on (it is -1, from command line)" in told
    assert f"port: must be a number from 0 to 65535 (it is 70000, from {file})" in told
