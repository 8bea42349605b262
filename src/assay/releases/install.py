"""A release made ready to run: its code unpacked and its launcher written, beside what was fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from assay.durable import sync_folder, write_durably
from assay.errors import ReleaseError, reason_of
from assay.releases import environment
from assay.releases.launcher import CODE, LAUNCHER, launcher_text
from assay.releases.manifest import MANIFEST, REQUIREMENTS, FileEntry, ReleaseManifest
from assay.releases.root import Root
from assay.releases.tree import discard, entry_of_bytes, faults, make_read_only, plain_files
from assay.releases.wheel import contents, unpack

INSTALLED: Final = "installed.json"
"""Which interpreter runs it; all else that is installed is proved against the wheel."""
_PARTS: Final = frozenset({f".{CODE}.part", f".{INSTALLED}.part"})
"""What a kill may leave of these."""
WRITTEN_BY_INSTALL: Final = frozenset({CODE, "bin", INSTALLED}) | _PARTS


def install(root: Root, release_id: str) -> bool:
    """Make the fetched release ready to run. False: it was ready before.

    Everything is proved first. A kill at any moment leaves a release that is not installed, or one that is;
    running it again finishes the work. Raises `ReleaseError` or `ReleaseNotFound`.
    """
    with root.lock(f"release-{release_id}"):
        manifest = root.manifest(release_id)
        folder = root.release(release_id)
        check(folder_faults(folder, manifest), release_id)
        if is_installed(folder):
            check(installation_faults(folder, manifest), release_id)
            return False
        python = environment.ensure(root, (folder / REQUIREMENTS).read_bytes())
        lay_out(folder, manifest.code.wheel, release_id, python)
        return True


def is_installed(folder: Path) -> bool:
    """The launcher is written last."""
    return (folder / LAUNCHER).is_file()


def lay_out(folder: Path, wheel: str, release: str, python: Path) -> None:
    """Write `code/`, `installed.json` and the launcher into the release at `folder`."""
    code, part = folder / CODE, folder / f".{CODE}.part"
    for leftover in (part, code):
        discard(leftover)
    unpack(folder / wheel, part)
    make_read_only(part)
    part.rename(code)
    write_durably(folder / INSTALLED, orjson.dumps({"python": str(python)}))
    os.sync()  # hundreds of small files: the launcher must not outlive a crash that they do not
    write_durably(folder / LAUNCHER, launcher_text(folder, release, python), mode=0o755)
    sync_folder(folder)


def folder_faults(folder: Path, manifest: ReleaseManifest) -> list[str]:
    """A sentence for each file of the release that is missing, foreign or altered; none: it is whole."""
    own = FileEntry(sha256=manifest.digest, size_bytes=len(manifest.to_bytes()))
    return list(faults(folder, {**manifest.files, MANIFEST: own}, besides=WRITTEN_BY_INSTALL))


def installation_faults(folder: Path, manifest: ReleaseManifest) -> list[str]:
    """The same for what `install` wrote: code against the wheel, the launcher against what it must be."""
    python = _python(folder)
    if python is None:
        return [f"{INSTALLED} is missing or damaged"]
    expected = {
        path: entry_of_bytes(content) for path, content in contents(folder / manifest.code.wheel).items()
    }
    found = [f"{CODE}/{fault}" for fault in faults(folder / CODE, expected)]
    found += _launcher_faults(folder, manifest, python)
    return found + environment.faults(python, (folder / REQUIREMENTS).read_bytes())


def check(found: list[str], release_id: str) -> None:
    """Raises `ReleaseError` naming the faults, if there are any."""
    if found:
        more = f"\n  and {len(found) - 10} more" if len(found) > 10 else ""
        raise ReleaseError(
            f"the release {release_id} is damaged; remove it, and fetch and install it again:\n  "
            + "\n  ".join(found[:10])
            + more
        )


def _launcher_faults(folder: Path, manifest: ReleaseManifest, python: Path) -> Iterator[str]:
    try:
        if (folder / LAUNCHER).read_bytes() != launcher_text(folder, manifest.id, python):
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


def _python(folder: Path) -> Path | None:
    try:
        record: Any = orjson.loads((folder / INSTALLED).read_bytes())
        return Path(record["python"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
