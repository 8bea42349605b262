"""Whether a node's configuration fits every release that runs on it or may have to run again, both ways.

On 2016-08-01 one configuration was changed for all hosts, and neither the release that ran nor the one
before it could read it. Each release carries the schema of the configuration that it reads; so this can be
known before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from assay.errors import reason_of
from assay.releases.manifest import CONFIGURATION, CONFIGURATION_SCHEMA
from assay.settings.layers import CONFIG, PREFIX, Given, read_text
from assay.settings.loading import resolve
from assay.settings.reading import read
from assay.settings.schema import VERSION_KEY

_OF_A_RELEASE: Final = frozenset(
    {CONFIG, *(f"{PREFIX}{name}" for name in ("RELEASE", "BUNDLE_DIRECTORIES", "SHIPPED_BUNDLES"))}
)
"""Variables that each release's launcher sets for itself, so that they are not the node's."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A release in a release root. `role`: what it is there for, in words."""

    name: str
    role: str
    schema: Path
    configuration: Path

    def __str__(self) -> str:
        return f"release {self.name} ({self.role})"


@dataclass(frozen=True, slots=True)
class Incompatible:
    """`checked`: the releases and schemas that were looked at, in words. `faults`: what does not fit."""

    checked: tuple[str, ...]
    faults: tuple[str, ...]


def incompatible(given: Given, root: Path | None = None, schemas: Sequence[Path] = ()) -> Incompatible:
    """Check the node's shared layers against each schema, and against each release of the root together with
    its own configuration; and each release's own configuration against this code.

    `given`: the node's layers. `root`: a release root, with ``releases/`` and ``slots/``.
    """
    shared = replace(
        given, before=(), variables={k: v for k, v in given.variables.items() if k not in _OF_A_RELEASE}
    )
    faults: list[str] = []
    releases = installed(root, faults) if root else []
    for path in schemas:
        faults.extend(_unreadable_by(str(path), path, shared))
    for release in releases:
        with_its_own = replace(shared, before=(release.configuration,))
        faults.extend(_unreadable_by(str(release), release.schema, with_its_own))
        faults.extend(_unreadable_here(release, shared, with_its_own))
    return Incompatible((*map(str, schemas), *map(str, releases)), tuple(dict.fromkeys(faults)))


def installed(root: Path, faults: list[str]) -> list[Installed]:
    """The releases of a release root by name: live ones, to which slots point, and all others, which a
    rollback may go to. What is broken is told in `faults`, also a root without releases: then nothing would
    be checked."""
    live: dict[str, list[str]] = {}
    for slot in _entries(root / "slots"):
        if not slot.is_dir():
            faults.append(f"{slot}: points to no release: install it, or remove the slot")
        live.setdefault(slot.resolve().name, []).append(slot.name)
    found = []
    for folder in _entries(root / "releases"):
        slots = live.get(folder.name)
        role = f"live in slot {', '.join(slots)}" if slots else "rollback target"
        release = Installed(folder.name, role, folder / CONFIGURATION_SCHEMA, folder / CONFIGURATION)
        if missing := [path for path in (release.schema, release.configuration) if not path.is_file()]:
            faults.extend(f"{release}: there is no file {path}: install it again" for path in missing)
        else:
            found.append(release)
    if not found:
        faults.append(
            f"there are no releases in {root / 'releases'}: name the release root, with slots/ in it"
        )
    return found


def _entries(folder: Path) -> list[Path]:
    """What lies there but hidden files, under which releases are made."""
    return sorted(p for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []


def _unreadable_by(reader: str, path: Path, given: Given) -> Iterator[str]:
    """What the code with this schema would refuse."""
    try:
        schema = _schema(path)
    except (OSError, ValueError) as error:
        yield ": ".join(dict.fromkeys((reader, str(path), reason_of(error))))
        return
    for fault in read(given, schema).faults:
        yield f"{reader} could not read this configuration, by {path}: {fault.text}"


def _unreadable_here(release: Installed, shared: Given, with_its_own: Given) -> Iterator[str]:
    """What this code refuses of the release's own configuration, and not anyway."""
    anyway = set(resolve(shared).faults)
    for fault in resolve(with_its_own).faults:
        if fault not in anyway:
            yield f"this code could not read the configuration of {release}, {release.configuration}: {fault}"


def _schema(path: Path) -> dict[str, Any]:
    """Raises OSError or ValueError that says what is wrong with it."""
    text = read_text(path)
    try:
        schema = json.loads(text)
        Draft202012Validator.check_schema(schema)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from None
    except SchemaError as error:
        raise ValueError(f"is no JSON Schema: {error.message:.200}") from None
    if not isinstance(schema, dict) or VERSION_KEY not in schema or '"$ref"' in text:
        raise ValueError("is no schema of Assay's configuration: `assay config schema` prints one")
    return schema
