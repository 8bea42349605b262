"""What operators give, layer for layer, by a small schema: how text becomes a value, and what is a fault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.settings.layers import MAX_FILE_BYTES, Given, Layer, leaves, merged, node_at, read_document

SCHEMA: Mapping[str, Any] = {
    "properties": {
        "part": {
            "type": "object",
            "properties": {
                "count": {"type": "integer"},
                "share": {"type": ["number", "null"]},
                "flag": {"type": "boolean"},
                "names": {"type": "array"},
                "text": {"type": "string"},
                "kind": {"enum": ["a", "1"]},
                "ca_file": {"type": "string"},
            },
        },
        "wikis": {"additionalProperties": {"properties": {"edits": {"type": "integer"}}}},
        "password": {"type": "string"},
        "closed": {"additionalProperties": False},
    }
}

trees = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
).filter(lambda tree: isinstance(tree, dict))


def layers(**given: Any) -> tuple[list[Layer], list[str]]:
    faults: list[str] = []
    return Given(**given).layers(SCHEMA, faults), faults


def value_of(variable: str, text: str) -> Any:
    """What the variable's text means."""
    (layer, _), faults = layers(variables={variable: text})
    assert not faults
    assert layer.where == variable
    ((_, value),) = leaves(layer.values)
    return value


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("ASSAY_PART__COUNT", "-12", -12),
        ("ASSAY_PART__COUNT", "1.5", "1.5"),
        ("ASSAY_PART__SHARE", "1.5", 1.5),
        ("ASSAY_PART__SHARE", "9007199254740993", 9007199254740993),
        ("ASSAY_PART__SHARE", "half", "half"),
        ("ASSAY_PART__FLAG", "Off", False),
        ("ASSAY_PART__FLAG", "1", True),
        ("ASSAY_PART__FLAG", "perhaps", "perhaps"),
        ("ASSAY_PART__NAMES", '["a", 1]', ["a", 1]),
        ("ASSAY_PART__NAMES", "a, b", "a, b"),
        ("ASSAY_PART__TEXT", "12", "12"),
        ("ASSAY_PART__TEXT", "[]", "[]"),
        ("ASSAY_PART__KIND", "1", "1"),
        ("ASSAY_PART__NONE", "1", "1"),
        ("ASSAY_WIKIS__ENWIKI__EDITS", "7", 7),
        ("ASSAY_PART__CA_FILE", "/etc/ca.pem", "/etc/ca.pem"),
    ],
)
def test_text_means_what_the_schema_wants_there(variable: str, text: str, value: Any) -> None:
    found = value_of(variable, text)
    assert (found, type(found)) == (value, type(value))


def test_a_section_may_be_given_as_json_and_no_part_of_it_twice() -> None:
    section = {"ASSAY_PART": '{"text": "x", "names": []}'}
    (layer, _), faults = layers(variables=section)
    assert (layer.values, faults) == ({"part": {"text": "x", "names": []}}, [])
    assert layers(variables={**section, "ASSAY_PART__COUNT": "1"})[1] == []
    assert layers(variables={**section, "ASSAY_PART__TEXT": "x"})[1] == [
        "ASSAY_PART and ASSAY_PART__TEXT both set part.text: keep one of them"
    ]


def test_only_variables_of_ours_that_are_settings_are_read() -> None:
    variables = dict.fromkeys(("ASSAY_CONFIG", "ASSAY_ENVIRONMENT", "ASSAY_CONFIG_FOLDER", "HOME"), "x")
    assert layers(variables=variables) == ([Layer("command line", {})], [])


def test_each_layer_comes_over_the_one_before(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.toml" for name in "ab"]
    for file in files:
        file.write_text(f'password = "p"\n[part]\ntext = "{file.name}"\n')
    found, faults = layers(
        before=files[:1], files=files[1:], variables={"ASSAY_PART__TEXT": "v"}, flags={"part": {"text": "f"}}
    )
    assert faults == []
    assert [layer.where for layer in found] == [*map(str, files), "ASSAY_PART__TEXT", "command line"]
    assert [layer.is_variable for layer in found] == [False, False, True, False]


def test_a_secrets_file_loses_the_ends_of_lines_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" a b \t\r\n\n")
    assert layers(variables={"ASSAY_PASSWORD_FILE": str(file)})[0][0].values == {"password": " a b \t"}
    file.write_text("\r\n")
    assert layers(variables={"ASSAY_PASSWORD_FILE": str(file)})[1] == [
        f"ASSAY_PASSWORD_FILE: {file} is empty: write the value into it"
    ]
    assert layers(variables={"ASSAY_PASSWORD_FILE": ""})[1] == [
        "ASSAY_PASSWORD_FILE: is empty: name the file that holds the value, or leave the variable out"
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'text = "\xff"', "is not UTF-8"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "is nested too deep to be a configuration file"),
        (b"a = 1\na = 2\n", "Cannot overwrite a value"),
        (b"#" * (MAX_FILE_BYTES + 1), f"is larger than {MAX_FILE_BYTES} bytes: is it a configuration file?"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_spoils_no_other(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    bad, good = tmp_path / "bad.toml", tmp_path / "good.toml"
    bad.write_bytes(data)
    good.write_bytes(b"#" * MAX_FILE_BYTES)
    found, (fault,) = layers(files=[bad, good])
    assert fault.startswith(f"{bad}: {reason}")
    assert [layer.where for layer in found] == [str(good), "command line"]
    assert read_document(good) == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1", "is no JSON (Expecting ',' delimiter at character 2)"),
        ("[" * 100_000, "is nested too deep"),
        ('[{"a": 1, "a": 1}]', "a key comes twice in the JSON: keep one"),
    ],
)
def test_json_that_is_broken_is_told_with_its_variable(text: str, reason: str) -> None:
    assert layers(variables={"ASSAY_PART__NAMES": text})[1] == [f"ASSAY_PART__NAMES: {reason}"]


def test_a_secret_in_two_layers_is_a_fault_when_it_differs(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('password = "one"\n[part]\ntext = "one"\n')
    same = {"password": "one", "part": {"text": "two"}}
    assert layers(files=[file], flags=same)[1] == []
    other = {"password": "two"}
    assert layers(files=[file], flags=other)[1] == [
        f"{file} and command line give different values to password: keep one"
    ]


def test_a_secret_in_two_variables_is_one_fault(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one")
    both = {"ASSAY_PASSWORD": "two", "ASSAY_PASSWORD_FILE": str(file)}
    assert layers(variables=both)[1] == [
        "ASSAY_PASSWORD and ASSAY_PASSWORD_FILE both set password: keep one of them"
    ]


@given(trees, trees)
def test_what_is_above_is_in_force_and_the_rest_stays(below: dict[str, Any], above: dict[str, Any]) -> None:
    both = merged(below, above)
    assert merged({}, above) == above
    assert merged(both, above) == both
    for place, value in leaves(above):
        assert _at(both, place) == value
    for place, value in leaves(below):
        if not any(_at(above, place[:n]) is not None for n in range(1, len(place) + 1)):
            assert _at(both, place) == value


def test_the_schema_says_what_may_stand_where() -> None:
    assert node_at(SCHEMA, ("part", "count")) == {"type": "integer"}
    assert node_at(SCHEMA, ("wikis", "any", "edits")) == {"type": "integer"}
    for nowhere in (("part", "none"), ("part", "count", "more"), ("none",), ("closed", "x", "y")):
        assert node_at(SCHEMA, nowhere) is None


def _at(tree: Any, place: tuple[str, ...]) -> Any:
    for part in place:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree
