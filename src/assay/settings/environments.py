"""Environments (local, staging, production …): a folder with what all share, what each has of its own, and
its secrets apart.

::

    base.toml                          for all
    <environment>.toml                 over it
    secrets/<environment>/<setting>    one value each, such as redis.password
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assay.errors import ConfigurationError

BASE: Final = "base"
SECRETS: Final = "secrets"


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment of a folder."""

    folder: Path
    name: str

    def files(self) -> tuple[Path, Path]:
        return self.folder / f"{BASE}.toml", self.folder / f"{self.name}.toml"

    def secrets(self) -> list[Path]:
        """Its secret files, in order; none when it has no folder of them. Hidden ones are left out, because
        Kubernetes keeps its own there; a folder or a link to nowhere is not, lest its secret be missed."""
        folder = self.folder / SECRETS / self.name
        if not folder.is_dir():
            return []
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def environments_of(folder: Path) -> list[str]:
    """Names of all environments of the folder, in order. Hidden files are an editor's."""
    return sorted(path.stem for path in folder.glob("[!.]*.toml") if path.stem != BASE)


def environment_of(folder: Path, name: str) -> Environment:
    """Raises `ConfigurationError` when there is no such environment."""
    _check_folder(folder)
    known = environments_of(folder)
    if name not in known:
        raise ConfigurationError(
            f"there is no environment {name!r} in {folder}; there are: {', '.join(known) or 'none'}"
        )
    return Environment(folder, name)


def chosen(
    folder: Path | None,
    name: str | None,
    variables: Mapping[str, str],
    *,
    folder_variable: str,
    name_variable: str,
) -> Environment | None:
    """The environment that flags, or else variables, name; None when neither does.

    Raises `ConfigurationError` when only the half is said.
    """
    if folder is None and (text := variables.get(folder_variable)):
        folder = Path(text)
    name = name if name is not None else variables.get(name_variable) or None
    if folder is None and name is None:
        return None
    if folder is None:
        raise ConfigurationError(
            f"the environment {name!r} needs its folder: give --config-folder or {folder_variable}"
        )
    if name is None:
        _check_folder(folder)
        known = ", ".join(environments_of(folder)) or "none"
        raise ConfigurationError(
            f"say which environment of {folder} this is: give --environment or {name_variable}; "
            f"there are: {known}"
        )
    return environment_of(folder, name)


def _check_folder(folder: Path) -> None:
    """Raises `ConfigurationError`."""
    if not folder.is_dir():
        raise ConfigurationError(
            f"there is no folder {folder}: give --config-folder a folder with {BASE}.toml"
        )
