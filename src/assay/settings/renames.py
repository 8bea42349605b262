"""Settings that have got a new name, and how long the old one is still read.

On 2016-08-01 keys were renamed in place on all hosts, and neither the old nor the new code could run. Here a
renamed setting is read under both names for two schema versions: hosts and releases can follow one after the
other, in any order, and go back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from assay.settings.layers import Layer, Place, merged, nested
from assay.settings.sections import ANY_NAME

SCHEMA_VERSION: Final = 1
"""Of the settings' names and meanings. It rises when a setting is renamed, goes, or means something else; not
when one comes that need not be set."""

ACCEPTED_VERSIONS: Final = 2
"""How many schema versions read the old name, the one that renamed it included."""

_SECTION: Final = object()
"""What `_nodes` tells of a section in place of a value."""


@dataclass(frozen=True, slots=True)
class Rename:
    """`old`, `new`: dotted names of a setting or of a section, with ``<name>`` for any item of a mapping (as
    often in one as in the other). `since`: the schema version that has the new name first."""

    old: str
    new: str
    since: int

    def is_accepted(self, version: int) -> bool:
        """Whether code of this schema version still reads the old name."""
        return version < self.since + ACCEPTED_VERSIONS

    @property
    def last(self) -> int:
        """The last schema version that reads the old name."""
        return self.since + ACCEPTED_VERSIONS - 1


RENAMES: Final[tuple[Rename, ...]] = ()
"""The oldest first. Entries stay when their old names are no longer read, for the error that names the new
ones."""


@dataclass(slots=True)
class Renaming:
    """Layers under the new names, with what is to be told about the old ones. `given`: by new place, the
    names under which a value or a section was given, each with its last file or variable and the value."""

    layers: list[Layer] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    given: dict[Place, dict[str, tuple[str, Any]]] = field(default_factory=dict)

    def note(self, where: str, place: Place, name: str, value: Any) -> None:
        self.given.setdefault(place, {})[name] = (where, value)

    def move(self, old: Place, new: Place) -> None:
        self.given.setdefault(new, {}).update(self.given.pop(old, {}))


def settled(renames: Sequence[Rename]) -> list[Rename]:
    """The same, each leading to the name that is in use now, also where that was renamed later."""
    final = []
    for number, rename in enumerate(renames):
        new = rename.new
        for later in renames[number + 1 :]:
            if new == later.old or new.startswith(f"{later.old}."):
                new = later.new + new.removeprefix(later.old)
        final.append(Rename(rename.old, new, rename.since))
    return final


def renamed(layers: Sequence[Layer], renames: Sequence[Rename], version: int) -> Renaming:
    """What was given under old names, moved to the new ones.

    Told as faults: names that are no longer read, and settings given under both names with different values,
    wherever each stands; one that merely overrode the other would do so for new code and not for old.
    """
    result = Renaming()
    for layer in layers:
        for place, value in _nodes(layer.values):
            result.note(layer.where, place, ".".join(place), value)
        values = layer.values
        for rename in settled(renames):
            values = _moved(layer.where, values, rename, version, result)
        result.layers.append(Layer(layer.where, values, layer.is_variable))
    result.faults.extend(_contradictions(result.given))
    return result


def _moved(
    where: str, values: Mapping[str, Any], rename: Rename, version: int, result: Renaming
) -> Mapping[str, Any]:
    """The layer's values with one rename done."""
    for old, new, value in list(_found(values, rename)):
        old_name, new_name = ".".join(old), ".".join(new)
        values = _without(values, old)
        if not rename.is_accepted(version):
            result.faults.append(
                f"{where}: {old_name} is called {new_name} since schema version {rename.since}: rename it"
            )
            continue
        result.warnings.append(
            f"{where}: {old_name} is now called {new_name}; the old name is read up to schema version "
            f"{rename.last} (this is {version}): rename it once no release needs the old one"
        )
        for tail, _ in _nodes(value):
            result.move((*old, *tail), (*new, *tail))
        for length in range(1, len(new)):  # a value there would be lost to the section that must be there
            result.note(where, new[:length], old_name, _SECTION)
        values = _with(values, new, value, over=_get(values, new))
    return values


def _contradictions(given: Mapping[Place, Mapping[str, tuple[str, Any]]]) -> Iterator[str]:
    for path, by_name in given.items():
        values = [value for _, value in by_name.values()]
        if any(not _is_same(value, values[0]) for value in values[1:]):
            places = " and ".join(f"{name} ({where})" for name, (where, _) in by_name.items())
            yield (
                f"{places} are one setting under its old and its new name, with different values: "
                f"give both the same, or {'.'.join(path)} alone"
            )


def _nodes(values: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """All sections and values, with their places."""
    if not isinstance(values, Mapping):
        yield place, values
        return
    yield place, _SECTION
    for key, value in values.items():
        yield from _nodes(value, (*place, str(key)))


def _is_same(value: Any, other: Any) -> bool:
    """Whether JSON takes both for one: 1 is 1.0 there, and not true."""
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(_is_same, value, other))
    return bool(value == other) and isinstance(value, bool) is isinstance(other, bool)


def _found(values: Mapping[str, Any], rename: Rename) -> Iterator[tuple[Place, Place, Any]]:
    """Each place of the old name, the place under the new one, and what stands there."""
    for place, bound, value in _matches(values, tuple(rename.old.split("."))):
        names = iter(bound)
        yield place, tuple(next(names) if p == ANY_NAME else p for p in rename.new.split(".")), value


def _matches(
    values: Any, parts: Place, place: Place = (), bound: Place = ()
) -> Iterator[tuple[Place, Place, Any]]:
    if not parts:
        yield place, bound, values
    elif isinstance(values, Mapping):
        first, *rest = parts
        for name in values if first == ANY_NAME else [first] if first in values else []:
            yield from _matches(
                values[name], tuple(rest), (*place, name), (*bound, name) if first == ANY_NAME else bound
            )


def _get(values: Any, place: Place) -> Any:
    for part in place:
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def _without(values: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """All but what stands at this place; sections that are left empty go, too."""
    first, *rest = place
    kept = {key: value for key, value in values.items() if key != first}
    if rest and (inner := _without(values[first], tuple(rest))):
        kept[first] = inner
    return kept


def _with(values: Mapping[str, Any], place: Place, value: Any, over: Any) -> dict[str, Any]:
    """`over`: what stands at the place already, which wins where both are sections."""
    if isinstance(over, Mapping) and isinstance(value, Mapping):
        value = merged(value, over)
    elif over is not None:
        value = over
    return merged(values, nested(place, value))
