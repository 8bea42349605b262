"""A release made ready to run: its code unpacked and its launcher written, beside what was fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from assay.durable import sync_folder, write_durably
from assay.errors import ReleaseError, reason_of
from assay.releases import environment
from assay.releases.launcher import CODE, LAUNCHER, is_installed, launcher_text
from assay.releases.manifest import MANIFEST, REQUIREMENTS, FileEntry, ReleaseManifest
from assay.releases.root import Root
from assay.releases.slots import expect_restarts
from assay.releases.tree import discard, entry_of, entry_of_bytes, faults, make_read_only, plain_files
from assay.releases.wheel import contents, unpack

INSTALLED: Final = "installed.json"
"""Which interpreter runs it, where, and by what launcher; all else that is installed is proved against the
wheel."""
_PARTS: Final = frozenset({f".{CODE}.part", f".{INSTALLED}.part"})
"""What a kill may leave of these."""
WRITTEN_BY_INSTALL: Final = frozenset({CODE, "bin", INSTALLED}) | _PARTS


@dataclass(frozen=True, slots=True)
class _Record:
    """What `INSTALLED` says. The launcher is proved by it, not written anew and compared: another Assay than
    the one that installed it may write launchers differently, and must still be able to go back to it."""

    python: Path
    folder: Path
    launcher: FileEntry


def install(root: Root, release_id: str) -> bool:
    """Make the fetched release ready to run. False: it was ready before.

    Everything is proved first. An interpreter that lost its packages since, since they were another's to
    upgrade, is replaced. A kill at any moment leaves a release that is not installed, or one that is; running
    it again finishes the work. Raises `ReleaseError` or `ReleaseNotFound`.
    """
    with root.lock(f"release-{release_id}"):
        manifest = root.manifest(release_id)
        folder = root.release(release_id)
        check(folder_faults(folder, manifest), release_id)
        if not is_installed(folder):
            python = environment.ensure(root, (folder / REQUIREMENTS).read_bytes())
            expect_restarts(root, release_id)  # taken away by hand: what runs is what it was
            lay_out(folder, manifest.code.wheel, release_id, python)
            return True
        record = _record(folder)
        check(_own_faults(folder, manifest, record), release_id)
        if record is None or not _interpreter_faults(folder, record):
            return False
        python = environment.ensure(root, (folder / REQUIREMENTS).read_bytes())
        expect_restarts(root, release_id)
        _write_launcher(folder, release_id, python)  # beside the code, which may be running
        return True


def lay_out(folder: Path, wheel: str, release: str, python: Path) -> None:
    """Write `code/`, `installed.json` and the launcher into the release at `folder`."""
    code, part = folder / CODE, folder / f".{CODE}.part"
    for leftover in (part, code):
        discard(leftover)
    unpack(folder / wheel, part)
    make_read_only(part)
    part.rename(code)
    _write_launcher(folder, release, python)


def folder_faults(folder: Path, manifest: ReleaseManifest) -> list[str]:
    """A sentence for each file of the release that is missing, foreign or altered; none: it is whole."""
    own = FileEntry(sha256=manifest.digest, size_bytes=len(manifest.to_bytes()))
    return list(faults(folder, {**manifest.files, MANIFEST: own}, besides=WRITTEN_BY_INSTALL))


def installation_faults(folder: Path, manifest: ReleaseManifest) -> list[str]:
    """The same for what `install` wrote: code against the wheel, the launcher against what was written, the
    interpreter's packages against the pins."""
    record = _record(folder)
    found = _own_faults(folder, manifest, record)
    return found if record is None else found + _interpreter_faults(folder, record)


def check(found: list[str], release_id: str) -> None:
    """Raises `ReleaseError` naming the faults, if there are any."""
    if found:
        more = f"\n  and {len(found) - 10} more" if len(found) > 10 else ""
        raise ReleaseError(
            f"the release {release_id} is damaged; remove it, and fetch and install it again:\n  "
            + "\n  ".join(found[:10])
            + more
        )


def _write_launcher(folder: Path, release: str, python: Path) -> None:
    """Last of all, and what is said of it before."""
    text = launcher_text(folder, release, python)
    record = {"python": str(python), "folder": str(folder), "launcher": entry_of_bytes(text).model_dump()}
    (folder / LAUNCHER).unlink(missing_ok=True)
    write_durably(folder / INSTALLED, orjson.dumps(record))
    os.sync()  # hundreds of small files: the launcher must not outlive a crash that they do not
    write_durably(folder / LAUNCHER, text, mode=0o755)
    sync_folder(folder)


def _own_faults(folder: Path, manifest: ReleaseManifest, record: _Record | None) -> list[str]:
    """Of all but the packages, which are not the release's own."""
    if record is None:
        return [f"{INSTALLED} is missing or damaged"]
    if links := [name for name in (CODE, "bin", INSTALLED) if (folder / name).is_symlink()]:
        return [f"{name} is a link: a release holds plain files only" for name in links]
    expected = {
        path: entry_of_bytes(content) for path, content in contents(folder / manifest.code.wheel).items()
    }
    found = [f"{CODE}/{fault}" for fault in faults(folder / CODE, expected)]
    return [*found, *_launcher_faults(folder, record)]


def _interpreter_faults(folder: Path, record: _Record) -> list[str]:
    return environment.faults(record.python, (folder / REQUIREMENTS).read_bytes())


def _launcher_faults(folder: Path, record: _Record) -> Iterator[str]:
    if not _is_same(record.folder, folder):
        yield f"it was installed in {record.folder}, whose code {LAUNCHER} runs"
    try:
        if entry_of(folder / LAUNCHER) != record.launcher:
            yield f"{LAUNCHER} was altered"
    except OSError as error:
        yield f"{LAUNCHER} cannot be read: {reason_of(error)}"
    try:
        foreign = sorted(set(plain_files(folder / "bin")) - {"assay"})
    except ReleaseError as error:
        yield str(error)
    except OSError as error:
        yield f"{error.filename or 'bin'} cannot be read: {reason_of(error)}"
    else:
        yield from (f"bin/{path} is foreign: nothing says that it should be there" for path in foreign)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _record(folder: Path) -> _Record | None:
    try:
        fields: Any = orjson.loads((folder / INSTALLED).read_bytes())
        launcher = FileEntry.model_validate(fields["launcher"])
        return _Record(Path(fields["python"]), Path(fields["folder"]), launcher)
    except (OSError, ValueError, KeyError, TypeError):
        return None
