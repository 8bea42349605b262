"""Options that stand together in many commands: one parameter instead of several.

Typer takes every option as a parameter of its own, and has no groups. A command that is `grouped` may have
parameters whose type is a dataclass of options; Typer, and so the help, sees the fields in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command as Typer is to see it. Groups are given by keyword; the names of all options differ."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}

    @wraps(command)
    def ungrouped(**given: Any) -> None:
        made = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**given, **made)

    shown = list(_shown(signature(command), hints, groups))
    ungrouped.__signature__ = Signature(shown)  # type: ignore[attr-defined]
    ungrouped.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return ungrouped


def _shown(told: Signature, hints: Mapping[str, Any], groups: Mapping[str, type]) -> Iterator[Parameter]:
    for name, parameter in told.parameters.items():
        if name in groups:
            yield from _options(groups[name])
        else:
            yield parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name])


def _options(group: type) -> Iterator[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for name, parameter in signature(group).parameters.items():
        yield parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name])
