"""The code of a release as a wheel: built from a source tree, read, and unpacked. Nothing in it is
executed."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
import zipfile
import zlib
from email.parser import BytesParser
from pathlib import Path, PurePosixPath
from typing import Any, Final

from assay.errors import ConfigurationError, ReleaseError, reason_of
from assay.releases.manifest import MAX_FILE_BYTES

MAX_UNPACKED_BYTES: Final = 1024 * 1024 * 1024
MAX_UNPACKED_FILES: Final = 20_000
_DISTRIBUTION: Final = "assay"
_SHIPPED_BUNDLES: Final = "/src/assay/bundles"
_DAMAGE: Final = (OSError, ValueError, EOFError, RuntimeError, KeyError, zipfile.BadZipFile, zlib.error)


def build_wheel(source: Path, folder: Path) -> Path:
    """Build the wheel of the source tree at `source` into `folder`, without the shipped bundles.

    A release brings the bundles that it needs, and counts no others. The same tree gives the same bytes:
    hatchling writes no times. Raises `ConfigurationError` when there is no such tree, or no hatchling.
    """
    try:
        from hatchling.builders.wheel import WheelBuilder
    except ImportError as error:
        raise ConfigurationError(
            "building a wheel needs hatchling: install it, or give a built wheel with --wheel"
        ) from error
    project = _project(source)
    project["tool"]["hatch"]["build"]["targets"]["wheel"].setdefault("exclude", []).append(_SHIPPED_BUNDLES)
    try:
        (built,) = WheelBuilder(str(source), config=project).build(
            directory=str(folder), versions=["standard"]
        )
    except Exception as error:  # a build backend raises what it likes
        raise ConfigurationError(f"{source} cannot be built into a wheel: {error}") from error
    return Path(built)


def version_of(wheel: Path) -> str:
    """The version in the wheel's metadata. Raises `ReleaseError` when it is no wheel of Assay's code."""
    with _opened(wheel) as packed:
        names = [name for name in packed.namelist() if name.endswith(".dist-info/METADATA")]
        if len(names) != 1:
            raise _refused(wheel, "it has no metadata")
        metadata = BytesParser().parsebytes(_read(wheel, packed, packed.getinfo(names[0])))
        if metadata["Name"] != _DISTRIBUTION:
            raise _refused(wheel, f"it is a wheel of {metadata['Name']}, not of {_DISTRIBUTION}")
        return str(metadata["Version"])


def contents(wheel: Path) -> dict[str, bytes]:
    """Every file by path. Raises `ReleaseError`: no zip, compiled parts, paths that lead out, too large."""
    with _opened(wheel) as packed:
        entries = packed.infolist()
        if len(entries) > MAX_UNPACKED_FILES or sum(e.file_size for e in entries) > MAX_UNPACKED_BYTES:
            raise _refused(wheel, "it unpacks to too much")
        found: dict[str, bytes] = {}
        for entry in entries:
            if entry.is_dir():
                continue
            if fault := _path_fault(entry.filename) or ("is there twice" if entry.filename in found else ""):
                raise _refused(wheel, f"{entry.filename!r:.120} {fault}")
            found[entry.filename] = _read(wheel, packed, entry)
    return found


def unpack(wheel: Path, folder: Path) -> None:
    """Write every file below `folder`, which must not exist. Raises as `contents`."""
    for name, content in contents(wheel).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def patched_copy(source: Path, target: Path, changes: dict[str, bytes]) -> Path:
    """A copy at `target` of what is needed of a source tree to build its wheel, with some files changed.

    `changes`: new contents by path in the tree. For drills and for hot fixes that are not yet in the tree.
    """
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)
    ignored = shutil.ignore_patterns("__pycache__", "bundles", "*.index.sqlite*")
    shutil.copytree(source / "src" / "assay", target / "src" / "assay", ignore=ignored)
    for name, content in changes.items():
        (target / name).write_bytes(content)
    return target


def build_patched_wheel(source: Path, folder: Path, changes: dict[str, bytes]) -> Path:
    """`build_wheel` of a `patched_copy`, about a third of a second."""
    with tempfile.TemporaryDirectory() as place:
        return build_wheel(patched_copy(source, Path(place) / "source", changes), folder)


def _project(source: Path) -> dict[str, Any]:
    path = source / "pyproject.toml"
    try:
        project: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({reason_of(error)}): give a source tree of Assay with --source, "
            "or a --wheel"
        ) from error
    section = project
    for part in ("tool", "hatch", "build", "targets", "wheel"):
        section = section.setdefault(part, {})
    if project.get("project", {}).get("name") != _DISTRIBUTION:
        raise ConfigurationError(f"{source} is no source tree of Assay: its project is named differently")
    return project


def _opened(wheel: Path) -> zipfile.ZipFile:
    try:
        if wheel.stat().st_size > MAX_FILE_BYTES:
            raise _refused(wheel, "it is too large")
        return zipfile.ZipFile(wheel)
    except _DAMAGE as error:
        raise _refused(wheel, f"it is no wheel, or damaged ({reason_of(error)})") from error


def _read(wheel: Path, packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Never more than the zip's own list announces: its sum was checked."""
    try:
        with packed.open(entry) as stream:
            return stream.read(entry.file_size)
    except _DAMAGE as error:
        raise _refused(wheel, f"{entry.filename!r:.120} cannot be unpacked ({error})") from error


def _path_fault(name: str) -> str:
    path = PurePosixPath(name)
    if (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or "\\" in name
        or ":" in name
        or name != str(path)
    ):
        return "leads out of the wheel's folder"
    if path.parts[0].endswith(".data") or path.suffix in (".so", ".pyd", ".dll", ".pth"):
        return "is not plain Python"
    if "__pycache__" in path.parts:
        return "is compiled: only sources are taken"
    return ""


def _refused(wheel: Path, reason: str) -> ReleaseError:
    return ReleaseError(f"the wheel {wheel.name} is refused: {reason}")
