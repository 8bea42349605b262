"""The JSON Schema of the configuration: what the loader accepts, in a form that other releases can read.

The loader judges documents by this very schema, so the two cannot say different things. Beyond it the loader
refuses what a schema cannot say: see `assay.settings.loading`.

Machines differ in their number of cores, so no defaults stand in it: equal code gives an equal schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from typing import Any, Final, Literal, get_args, get_origin

from assay.settings.limits import COUNT, LIMITS, SECONDS, Limits, limits_of
from assay.settings.renames import RENAMES, SCHEMA_VERSION, Rename, settled
from assay.settings.sections import ANY_NAME, hints, is_mapping, is_optional, required
from assay.settings.tree import Settings

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
VERSION_KEY: Final = "x-schema-version"
RENAMES_KEY: Final = "x-renames"
RENAMED_KEY: Final = "x-renamed-to"
ITEM: Final = "<item>"


def json_schema(
    renames: Sequence[Rename] = RENAMES, version: int = SCHEMA_VERSION, settings: type = Settings
) -> dict[str, Any]:
    """JSON Schema (2020-12) of the configuration that this code reads.

    ``x-schema-version`` is the schema version, ``x-renames`` lists all renames there ever were. Old names
    that are still read stand in it as ``deprecated``, with ``x-renamed-to``.
    """
    schema = {
        "$schema": DIALECT,
        "title": "Configuration of Assay",
        VERSION_KEY: version,
        RENAMES_KEY: [asdict(rename) for rename in renames],
        **_section(settings, ""),
    }
    for rename in settled(renames):
        if rename.is_accepted(version):
            _allow_old_name(schema, rename)
    return schema


@cache
def own_schema() -> Mapping[str, Any]:
    """That of this code, made once; not to be changed."""
    return json_schema()


def renames_of(schema: Mapping[str, Any]) -> tuple[Rename, ...]:
    """Those that a schema tells."""
    return tuple(Rename(item["old"], item["new"], item["since"]) for item in schema.get(RENAMES_KEY, ()))


def version_of(schema: Mapping[str, Any]) -> int:
    """0 for a schema that tells none."""
    version = schema.get(VERSION_KEY, 0)
    return version if isinstance(version, int) else 0


def _section(section: type, prefix: str) -> dict[str, Any]:
    kinds = hints(section)
    needed = [f.name for f in fields(section) if f.default is MISSING and f.default_factory is MISSING]
    return {
        "type": "object",
        "properties": {name: _value(kind, f"{prefix}{name}") for name, kind in kinds.items()},
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }


def _value(kind: Any, name: str) -> dict[str, Any]:
    """Of a value of this type under this dotted name."""
    if is_optional(kind):
        return _or_null(_value(required(kind), name))
    if isinstance(kind, type) and is_dataclass(kind):
        return _section(kind, f"{name}.")
    if is_mapping(kind):
        item = f"{name}.{ANY_NAME}"
        names = LIMITS.get(item, Limits()).keywords()
        within = _value(get_args(kind)[1], item)
        return {
            "type": "object",
            "additionalProperties": within,
            **({"propertyNames": names} if names else {}),
        }
    if get_origin(kind) is tuple:
        item_kind, ellipsis_ = get_args(kind)
        assert ellipsis_ is ..., f"{name}: a tuple of any length is what a setting can be"
        return {"type": "array", "items": _value(item_kind, f"{name}.{ITEM}"), **_keywords(name)}
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    return _plain(kind, name)


def _plain(kind: Any, name: str) -> dict[str, Any]:
    if kind is bool:
        return {"type": "boolean"}
    if kind is int:
        return {"type": "integer", **limits_of(name, COUNT).keywords()}
    if kind is float:
        return {"type": "number", **limits_of(name, SECONDS).keywords()}
    if kind is str:
        # a mapping's line in the table is for the items' names, not for the items
        return {"type": "string", **({} if name.endswith(ANY_NAME) else _keywords(name))}
    raise TypeError(f"{name}: {kind} is no type for a setting: teach it to assay.settings.schema")


def _keywords(name: str) -> dict[str, Any]:
    return LIMITS.get(name, Limits()).keywords()


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def _allow_old_name(schema: dict[str, Any], rename: Rename) -> None:
    """Let the old name stand where the new one may, marked as deprecated."""
    *above, last = rename.old.split(".")
    *new_above, new_last = rename.new.split(".")
    new_parent = _descend(schema, new_above)
    if new_parent is None or new_last not in new_parent.get("properties", {}):
        raise ValueError(f"{rename.new} is no setting, so {rename.old} cannot be renamed to it")
    old_parent = _make(schema, above)
    old_parent["properties"][last] = {
        **deepcopy(new_parent["properties"][new_last]),
        "deprecated": True,
        RENAMED_KEY: rename.new,
    }
    if new_last in new_parent.get("required", ()):
        if above != new_above:
            raise ValueError(f"{rename.new} must be given, so it can be renamed within its section only")
        new_parent["required"] = [name for name in new_parent["required"] if name != new_last]
        either = [{"required": [name]} for name in (new_last, last)]
        new_parent.setdefault("allOf", []).append({"anyOf": either})


def _descend(node: Any, parts: Sequence[str]) -> dict[str, Any] | None:
    for part in parts:
        node = node.get("additionalProperties") if part == ANY_NAME else node.get("properties", {}).get(part)
        if not isinstance(node, dict):
            return None
    assert isinstance(node, dict)
    return node


def _make(node: dict[str, Any], parts: Sequence[str]) -> dict[str, Any]:
    """The section there, made where it is no more."""
    for part in parts:
        gone = {"type": "object", "additionalProperties": False, "deprecated": True}
        if part != ANY_NAME:
            node = node.setdefault("properties", {}).setdefault(part, gone)
        else:
            node["additionalProperties"] = node["additionalProperties"] or gone
            node = node["additionalProperties"]
    node.setdefault("properties", {})
    return node


def deprecated_names(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted old names that the schema still allows."""
    for name, node in schema.get("properties", {}).items():
        if RENAMED_KEY in node:
            yield f"{prefix}{name}"
        else:
            yield from deprecated_names(node, f"{prefix}{name}.")
    if isinstance(within := schema.get("additionalProperties"), Mapping):
        yield from deprecated_names(within, f"{prefix}{ANY_NAME}.")
