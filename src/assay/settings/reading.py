"""Layers judged by a schema: one tree of values, with every fault in a sentence.

The same function reads for this code and for any other release, whose schema is all that is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from assay.errors import is_utf8
from assay.settings.layers import Given, Place, Schema, leaves, merged
from assay.settings.limits import MAX_NUMBER
from assay.settings.renames import renamed
from assay.settings.schema import RENAMED_KEY, renames_of, version_of
from assay.telemetry import redacted

_TYPES: Final = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a section",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """`place`: of the value that is to blame; empty when it is no value's fault."""

    text: str
    place: Place = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """`values`: merged, under the new names, without what is unknown; faulty ones are still in it.
    `origins`: the file or variable that gave each leaf. `warnings`: names that will not be read for ever."""

    values: Mapping[str, Any]
    origins: Mapping[Place, str]
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]


def read(given: Given, schema: Schema) -> Reading:
    """What code with this schema makes of it."""
    told: list[str] = []
    renaming = renamed(given.layers(schema, told), renames_of(schema), version_of(schema))
    told += renaming.faults
    values: dict[str, Any] = {}
    origins: dict[Place, str] = {}
    for layer in renaming.layers:
        unknown = dict(_unknown(layer.values, schema))
        told.extend(f"{layer.where}: {text}" for text in unknown.values())
        known = _without(layer.values, unknown)
        values = merged(values, known)
        origins.update((place, layer.where) for place, _ in leaves(known))
    faults = [*map(Fault, told), *judged(values, schema, origins)]
    return Reading(values, origins, tuple(dict.fromkeys(faults)), tuple(dict.fromkeys(renaming.warnings)))


def judged(values: Mapping[str, Any], schema: Schema, origins: Mapping[Place, str]) -> Iterator[Fault]:
    """What the schema has against these values; and numbers and texts that JSON does not have."""
    for error in Draft202012Validator(schema).iter_errors(values):
        place = tuple(map(str, error.absolute_path))
        yield Fault(_sentence(error, place, origins), place)
    for place, value in leaves(values):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, float) and not math.isfinite(item):
                yield Fault(f"{'.'.join(place)}: must be a number from 0 on, and not {item}", place)
            if isinstance(item, str) and not is_utf8(item):
                yield Fault(f"{'.'.join(place)}: must be UTF-8{_told(item, place, origins)}", place)


def _unknown(values: Mapping[str, Any], node: Schema, place: Place = ()) -> Iterator[tuple[Place, str]]:
    known = node.get("properties", {})
    within = node.get("additionalProperties", True)
    for key, value in values.items():
        inner = known.get(key, within)
        here = (*place, key)
        if inner is False:
            yield here, _advice(key, place, [name for name in known if _is_current(known[name])])
        elif isinstance(inner, Mapping) and isinstance(value, Mapping):
            yield from _unknown(value, inner, here)


def _is_current(node: Any) -> bool:
    """Whether a setting may be given, and not only under this old name of its."""
    return isinstance(node, Mapping) and RENAMED_KEY not in node


def _advice(key: str, place: Place, known: Sequence[str]) -> str:
    path = "".join(f"{part}." for part in place)
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    advice = f"did you mean {path}{near[0]}?" if near else f"there are: {', '.join(sorted(known))}"
    return f"unknown setting {path}{key}; {advice}"


def _without(values: Mapping[str, Any], places: Mapping[Place, str], place: Place = ()) -> dict[str, Any]:
    return {
        key: _without(value, places, (*place, key)) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if (*place, key) not in places
    }


def _sentence(error: ValidationError, place: Place, origins: Mapping[Place, str]) -> str:
    if missing := _missing(error):
        return "; ".join(f"{'.'.join((*place, name))}: must be given" for name in missing)
    name = ".".join(place) or "settings"
    if "propertyNames" in error.absolute_schema_path:
        return f"{name}: {error.instance!r:.80} {_rule(error)}"
    return f"{name}: {_rule(error)}{_told(error.instance, place, origins)}"


def _missing(error: ValidationError) -> list[str]:
    """Names of settings that must be given: of a renamed one the new name, which stands first. Empty for
    other faults."""
    wanted: Any = error.validator_value
    given: Any = error.instance
    if error.validator == "required":
        return [name for name in wanted if name not in given]
    if error.validator == "anyOf":
        return [name for either in wanted[:1] for name in either.get("required", ())]
    return []


def _rule(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    keyword, node = error.validator, error.schema
    assert isinstance(node, Mapping)
    if keyword == "type":
        types = [wanted] if isinstance(wanted, str) else [kind for kind in wanted if kind != "null"]
        return f"must be {' or '.join(_TYPES.get(kind, kind) for kind in types)}"
    if keyword in ("minimum", "maximum", "exclusiveMinimum"):
        return f"must be a number {_range(node, tells_end=keyword == 'maximum')}"
    if keyword == "enum":
        return f"must be one of {', '.join(str(value) for value in wanted if value is not None)}"
    if keyword == "pattern":
        return str(node.get("description", f"must match {wanted}"))
    if keyword == "minItems":
        return f"must have {wanted} or more items"
    return f"does not fit the schema ({keyword})"


def _range(node: Schema, *, tells_end: bool) -> str:
    """``from 1 on``, ``from 0 to 65535``, ``above 0, up to 1``. The greatest number of all is not told unless
    it was exceeded (`tells_end`)."""
    end = node.get("maximum", MAX_NUMBER)
    if not tells_end and end >= MAX_NUMBER:
        return (
            f"above {node['exclusiveMinimum']}"
            if "exclusiveMinimum" in node
            else f"from {node['minimum']} on"
        )
    if "exclusiveMinimum" in node:
        return f"above {node['exclusiveMinimum']}, up to {end}"
    return f"from {node['minimum']} to {end}" if "minimum" in node else f"up to {end}"


def _told(value: Any, place: Place, origins: Mapping[Place, str]) -> str:
    """The faulty value, unless it may hold a secret, and where it came from."""
    where = next((origins[place[:n]] for n in range(len(place), 0, -1) if place[:n] in origins), "")
    came = f"from {where}" if where else ""
    if isinstance(value, Mapping | list):
        return f" (it came {came})" if came else ""
    shown = f"it is {redacted('.'.join(place), value)!r:.80}"
    return f" ({', '.join(filter(None, (shown, came)))})"
