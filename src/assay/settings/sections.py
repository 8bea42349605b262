"""What the tree of settings is made of, read from its dataclasses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from assay.settings.tree import Settings

ANY_NAME: Final = "<name>"
"""Stands in a dotted name for an item of a mapping: ``wikis.<name>.source``."""


@cache
def hints(section: type) -> dict[str, Any]:
    """The types of a section's keys."""
    types = get_type_hints(section)
    return {item.name: types[item.name] for item in fields(section)}


def is_optional(kind: Any) -> bool:
    """Whether a key may be none."""
    return get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind)


def required(kind: Any) -> Any:
    """The type of a key that may be none, when it is not; of another key, its type."""
    if not is_optional(kind):
        return kind
    (only,) = (part for part in get_args(kind) if part is not NoneType)
    return only


def is_mapping(kind: Any) -> bool:
    """Whether a key holds named items, as `wikis` does, or may hold some."""
    origin = get_origin(required(kind))
    return isinstance(origin, type) and issubclass(origin, Mapping)


def section_of(kind: Any) -> type | None:
    """The dataclass that a section, or each item of a mapping, is made of; None for a plain value."""
    kind = required(kind)
    candidate = get_args(kind)[1] if is_mapping(kind) else kind
    return candidate if isinstance(candidate, type) and is_dataclass(candidate) else None


def names(section: type = Settings, prefix: str = "") -> Iterator[str]:
    """Dotted names of all settings (``pool.processes``, ``wikis.<name>.source``), in order."""
    for name, kind in hints(section).items():
        inner = section_of(kind)
        if inner is None:
            yield f"{prefix}{name}"
        else:
            yield from names(inner, f"{prefix}{name}." + (f"{ANY_NAME}." if is_mapping(kind) else ""))
