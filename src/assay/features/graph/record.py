"""What a client may put in the place of a whole record, such as a page's past: a JSON object of its fields.

The record's own types say what each field must be, so that a record with one more field needs no word here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from assay.features.graph.injection import boolean, groups, integer, number, string, strings, timestamp
from assay.revisions.types import UNKNOWN, Unknown

_T = TypeVar("_T")
_PLAIN: Final[Mapping[Any, Callable[[Any], Any]]] = {
    bool: boolean,
    int: integer,
    float: number,
    str: string,
    datetime: timestamp,
    frozenset[str]: groups,
    tuple[str, ...]: lambda value: tuple(string(item) for item in strings(value)),
}


def record(kind: Callable[..., _T]) -> Callable[[Any], _T | Unknown]:
    """A converter of JSON objects to `kind`, a named tuple or a dataclass; null is not known.

    Fields with a default may be left out. It raises ValueError naming the field that is wrong.
    """
    return lambda value: UNKNOWN if value is None else _record(kind, value)


def _record(kind: Callable[..., _T], value: Any) -> _T:
    known = _fields(kind)
    if not isinstance(value, Mapping):
        raise ValueError(f"must be an object with {', '.join(known)}")
    if foreign := [name for name in value if name not in known]:
        raise ValueError(f"has no field {foreign[0][:100]}; its fields are {', '.join(known)}")
    if missing := [name for name, (_, is_needed) in known.items() if is_needed and name not in value]:
        raise ValueError(f"lacks {', '.join(missing)}")
    return kind(**{name: _field(name, known[name][0], item) for name, item in value.items()})


def _field(name: str, hint: Any, value: Any) -> Any:
    try:
        return _converted(hint, value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _converted(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        kinds = get_args(hint)
        if value is None and (NoneType in kinds or Unknown in kinds):
            return None if NoneType in kinds else UNKNOWN
        (hint,) = (kind for kind in kinds if kind not in (NoneType, Unknown))
    convert = _PLAIN.get(hint)
    return convert(value) if convert else _record(hint, value)


@lru_cache(maxsize=64)
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Each field's type, and whether it must be given."""
    hints = get_type_hints(kind)
    if is_dataclass(kind):
        needed = {it.name for it in fields(kind) if it.default is MISSING and it.default_factory is MISSING}
    else:
        needed = set(kind._fields) - set(kind._field_defaults)
    return {name: (hint, name in needed) for name, hint in hints.items()}
