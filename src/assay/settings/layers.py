"""What an operator gives, layer for layer, before anybody judges it.

A layer is read by the JSON Schema of the code that is to run with it (this code, or another release), because
only the schema tells whether the text of an environment variable means a number or a password of digits.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from assay.settings.environments import Environment
from assay.telemetry import is_secret

PREFIX: Final = "ASSAY_"
NESTED: Final = "__"
FROM_FILE: Final = "_FILE"
CONFIG: Final = "ASSAY_CONFIG"
"""Files, separated by ``:``, that are read before all others; a release's launcher sets it."""
ENVIRONMENT: Final = "ASSAY_ENVIRONMENT"
CONFIG_FOLDER: Final = "ASSAY_CONFIG_FOLDER"
WHERE_TO_READ: Final = frozenset({CONFIG, ENVIRONMENT, CONFIG_FOLDER})
"""Variables that are no settings, but say where settings are."""

MAX_FILE_BYTES: Final = 1024 * 1024
_TRUTHS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on", "y", "t"), True),
    **dict.fromkeys(("false", "0", "no", "off", "n", "f"), False),
}

Place = tuple[str, ...]
"""Of a value: the keys that lead to it."""

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """`where`: its file, its variable or ``command line``. `values`: nested, under the names as given."""

    where: str
    values: Mapping[str, Any]
    is_variable: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """Where settings come from, each over the one before: `before`, an environment's files and secrets,
    `files`, `variables`, `flags`. `before`: a release's own files, which ``ASSAY_CONFIG`` names."""

    before: Sequence[Path] = ()
    files: Sequence[Path] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, Any] = field(default_factory=dict)
    environment: Environment | None = None

    def layers(self, schema: Schema, faults: list[str]) -> list[Layer]:
        """Read as code with this schema reads them. What cannot be read is told in `faults`."""
        environment = self.environment
        files = [*self.before, *(environment.files() if environment else ()), *self.files]
        layers = list(_files(files, faults))
        if environment:
            layers += _secrets(environment.secrets(), schema, faults)
        variables = list(_variables(self.variables, schema, faults))
        faults.extend(_given_twice(variables))
        layers += [*variables, Layer("command line", self.flags)]
        faults.extend(_secrets_given_twice(layers))
        return layers


def leaves(values: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """All values that are no sections, with their places."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from leaves(value, (*place, str(key)))
    else:
        yield place, values


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, section for section."""
    both = dict(below)
    for key, value in above.items():
        old = both.get(key)
        joins = isinstance(old, Mapping) and isinstance(value, Mapping)
        both[key] = merged(old, value) if joins else value  # type: ignore[arg-type]
    return both


def nested(place: Place, value: Any) -> dict[str, Any]:
    """A tree that holds this value alone."""
    for part in reversed(place):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def read_document(path: Path) -> dict[str, Any]:
    """A configuration file. Raises OSError or ValueError that says what is wrong."""
    try:
        return tomllib.loads(read_text(path))
    except RecursionError:
        raise ValueError("is nested too deep to be a configuration file") from None


def read_text(path: Path) -> str:
    """Raises OSError or ValueError."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"is larger than {MAX_FILE_BYTES} bytes: is it a configuration file?")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None


def node_at(schema: Schema, place: Place) -> Schema | None:
    """The part of the schema that describes what stands there; None: nothing may stand there."""
    node: Any = schema
    for part in place:
        within = node.get("properties", {})
        node = within[part] if part in within else node.get("additionalProperties")
        if not isinstance(node, Mapping):
            return None
    return node  # type: ignore[no-any-return]


def _files(paths: Iterable[Path], faults: list[str]) -> Iterator[Layer]:
    for path in paths:
        try:
            yield Layer(str(path), read_document(path))
        except (OSError, ValueError) as error:
            faults.append(f"{path}: {_reason(error)}")


def _secrets(paths: Iterable[Path], schema: Schema, faults: list[str]) -> Iterator[Layer]:
    """Files that are named as the setting whose value they hold, such as ``redis.password``."""
    for path in paths:
        try:
            place = tuple(path.name.split("."))
            yield Layer(str(path), nested(place, _decoded(_secret(path), node_at(schema, place))))
        except (OSError, ValueError) as error:
            faults.append(f"{path}: {_reason(error)}")


def _variables(variables: Mapping[str, str], schema: Schema, faults: list[str]) -> Iterator[Layer]:
    """``ASSAY_POOL__PROCESSES=4`` as ``{"pool": {"processes": 4}}``."""
    for name, text in sorted(variables.items()):
        if not name.startswith(PREFIX) or name in WHERE_TO_READ:
            continue
        try:
            place = _place(name)
            if node_at(schema, place) is None and name.endswith(FROM_FILE):
                place, text = _place(name.removesuffix(FROM_FILE)), _secret(_named(text))
            yield Layer(name, nested(place, _decoded(text, node_at(schema, place))), is_variable=True)
        except (OSError, ValueError) as error:
            faults.append(f"{name}: {_reason(error)}")


def _place(variable: str) -> Place:
    return tuple(variable.removeprefix(PREFIX).lower().split(NESTED))


def _named(text: str) -> Path:
    """The file that a variable names. Raises ValueError."""
    if not text:
        raise ValueError("is empty: name the file that holds the value, or leave the variable out")
    return Path(text)


def _secret(path: Path) -> str:
    """The file's text without the line end that editors add. Raises OSError or ValueError."""
    text = read_text(path).rstrip("\n")  # whichever it was: they are read as one
    if not text:
        raise ValueError(f"{path} is empty: write the value into it")
    return text


def _decoded(text: str, node: Schema | None) -> Any:
    """The value that the text means where the schema wants a number, a truth value, a list or a section.

    Elsewhere, and where it means none, the text itself, for the schema to judge. Raises ValueError for broken
    JSON.
    """
    types = set(_types(node or {}))
    if types & {"object", "array"} and text[:1] in ("[", "{"):
        return _json(text)
    if "boolean" in types:
        return _TRUTHS.get(text.lower(), text)
    for name, kind in (("integer", int), ("number", int), ("number", float)):
        if name in types:
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def _types(node: Schema) -> Sequence[str]:
    types = node.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def _json(text: str) -> Any:
    """JSON in which no key comes twice."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(items)
        if len(values) < len(items):
            raise ValueError("a key comes twice in the JSON: keep one")
        return values

    try:
        return json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON ({error.msg} at character {error.pos})") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None


def _given_twice(variables: Sequence[Layer]) -> Iterator[str]:
    """``X`` beside ``X_FILE``, or one setting alone and within JSON: which wins would be chance."""
    first: dict[Place, str] = {}
    for layer in variables:
        for place, _ in leaves(layer.values):
            other = first.setdefault(place, layer.where)
            if other != layer.where:
                yield f"{other} and {layer.where} both set {'.'.join(place)}: keep one of them"


def _secrets_given_twice(layers: Sequence[Layer]) -> Iterator[str]:
    """A secret that overrides another is how a stale one gets in force on one host."""
    first: dict[Place, tuple[Layer, Any]] = {}
    for layer in layers:
        for place, value in leaves(layer.values):
            if not is_secret(place[-1]):
                continue
            other, before = first.setdefault(place, (layer, value))
            if before != value and not (other.is_variable and layer.is_variable):
                yield f"{other.where} and {layer.where} give different values to {'.'.join(place)}: keep one"


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
