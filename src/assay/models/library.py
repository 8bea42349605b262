"""All bundles that this installation has: the shipped ones, and those in an operator's own folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from assay.errors import BundleError
from assay.models.facts import read_manifest
from assay.models.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Found:
    """A bundle by its place and its manifest; the trees are not loaded."""

    path: Path
    manifest: Manifest


@dataclass(frozen=True)
class Library:
    """Every readable bundle by wiki and model, and what was refused.

    `refused`: path and reason of each bundle that could not be used; whoever starts a server must tell
    them, for a wiki without its model is no success.
    """

    found: Mapping[str, Mapping[str, Found]]
    refused: Mapping[Path, BundleError] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Found]:
        return (found for models in self.found.values() for found in models.values())


def shipped_folder() -> Path:
    """Where Assay's own bundles lie."""
    return Path(str(files("assay") / "bundles"))


def search(*folders: Path) -> Library:
    """Bundles in ``<folder>/<wiki>/<model>`` (or ``.zip``); a later folder's replace earlier ones.

    Reads manifests only. A bundle whose place and manifest disagree is refused, too.
    """
    found: dict[str, dict[str, Found]] = {}
    refused: dict[Path, BundleError] = {}
    for path in (path for folder in folders for path in _candidates(folder)):
        try:
            manifest = read_manifest(path)
            _check_place(path, manifest)
            found.setdefault(manifest.wiki, {})[manifest.model] = Found(path, manifest)
        except BundleError as error:
            refused[path] = error
    ordered = {wiki: MappingProxyType(dict(sorted(found[wiki].items()))) for wiki in sorted(found)}
    return Library(MappingProxyType(ordered), MappingProxyType(refused))


def _candidates(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise BundleError(f"there is no folder of bundles at {folder}: mend the setting, or make the folder")
    for wiki in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        yield from sorted(
            entry
            for entry in wiki.iterdir()
            if not entry.name.startswith((".", "__")) and (entry.is_dir() or entry.suffix == ".zip")
        )


def _check_place(path: Path, manifest: Manifest) -> None:
    place = f"{path.parent.name}/{path.name.removesuffix('.zip')}"
    if place != manifest.id:
        raise BundleError(
            f"it is {manifest.id} by its manifest but lies in {place}: move it to {manifest.id}"
        )
