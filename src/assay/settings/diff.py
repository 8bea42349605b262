"""What two environments set differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from assay.settings.layers import Place, leaves
from assay.settings.loading import Resolved, plain
from assay.telemetry import is_secret, redacted

NOT_SET: Final = "not set"
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Side:
    """`value`: as JSON, of a secret only whether it is set. `where`: the file it came from, or ``default``;
    empty when there is no value."""

    value: str
    where: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting, by its dotted name, that has not the same value in both."""

    name: str
    left: Side
    right: Side


def differences(left: Resolved, right: Resolved) -> list[Difference]:
    """Every setting in force that differs, defaults included, by name.

    Raises `ConfigurationError` when one of the two is wrong.
    """
    one, other = _in_force(left), _in_force(right)
    return [
        Difference(
            ".".join(place),
            _side(place, one, other, left.reading.origins),
            _side(place, other, one, right.reading.origins),
        )
        for place in sorted({*one, *other})
        if one.get(place) != other.get(place)
    ]


def _in_force(resolved: Resolved) -> dict[Place, Any]:
    """Values by place; what is none is left out, as what was never set."""
    return {place: value for place, value in leaves(plain(resolved.right())) if value is not None}


def _side(
    place: Place, mine: Mapping[Place, Any], others: Mapping[Place, Any], origins: Mapping[Place, str]
) -> Side:
    if place not in mine:
        return Side(NOT_SET, "")
    return Side(_shown(place[-1], mine[place], others.get(place)), origins.get(place, DEFAULT))


def _shown(key: str, value: Any, other: Any) -> str:
    if is_secret(key):
        return "set" if other is None else "set, differs"
    told = redacted(key, value)
    text = orjson.dumps(told).decode()
    if told == redacted(key, other):
        return f"{text}, what is hidden differs"
    return text
