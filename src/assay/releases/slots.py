"""Slots: named pointers to releases. A slot's processes start with whatever its pointer names then."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from assay.durable import sync_folder, write_durably
from assay.errors import ConfigurationError, ReleaseError
from assay.releases.launcher import is_installed
from assay.releases.manifest import is_id
from assay.releases.root import Root

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


def check_slot(name: str) -> str:
    """`name`, when a slot can have it. Raises `ConfigurationError`."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r:.60} is no name for a slot: use lower-case letters, digits and hyphens, as in blue"
        )
    return name


def slots(root: Root) -> dict[str, str]:
    """The release that each slot points to, by the slot's name."""
    if not root.slots.is_dir():
        return {}
    names = sorted(path.name for path in root.slots.iterdir() if _NAME.fullmatch(path.name))
    return {name: release for name in names if (release := pointed(root, name)) is not None}


def pointed(root: Root, slot: str) -> str | None:
    """The release that the slot points to; None: the slot was never used.

    Raises `ReleaseError` when something else than a pointer of ours lies there.
    """
    path = root.slots / slot
    try:
        target = str(path.readlink())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReleaseError(f"{path} is no pointer to a release ({error.strerror}): move it away") from error
    release = Path(target).name
    if target != f"../releases/{release}" or not is_id(release):
        raise ReleaseError(f"{path} points to {target}, which is no release: remove it")
    return release


def point(root: Root, slot: str, release_id: str) -> bool:
    """Let the slot point to an installed release, in one step. False: it did already.

    Until `restarted` is told, the slot counts as one whose processes may still run the release before, also
    when this process is killed right after. Raises `ReleaseError` when the release is not installed.
    """
    with root.lock(f"release-{release_id}"):  # a removal must not come before the pointer that forbids it
        if not is_installed(root.release(release_id)):
            raise ReleaseError(
                f"the release {release_id} is not installed: assay release install {release_id}"
            )
        if pointed(root, slot) == release_id:
            return False
        expect_restart(root, slot)
        part = root.slots / f".{slot}.part"
        part.unlink(missing_ok=True)
        part.symlink_to(f"../releases/{release_id}")
        part.replace(root.slots / slot)
        sync_folder(root.slots)
        return True


def expect_restart(root: Root, slot: str) -> None:
    """The slot's processes were started with something else than what its pointer leads to now, or soon."""
    write_durably(_unrestarted(root, slot), b"")


def expect_restarts(root: Root, release_id: str) -> None:
    """The same of every slot that points to this release, which is about to be installed anew. What else lies
    among the slots keeps no release from being installed."""
    for path in root.slots.glob("[!.]*"):
        if path.is_symlink() and path.readlink().name == release_id:
            expect_restart(root, path.name)


def needs_restart(root: Root, slot: str) -> bool:
    """Whether the pointer, or what it leads to, changed since its processes were last restarted by us."""
    return _unrestarted(root, slot).exists()


def restarted(root: Root, slot: str) -> None:
    """Every process of the slot was started after the pointer moved."""
    _unrestarted(root, slot).unlink(missing_ok=True)


def users_of(root: Root, release_id: str) -> list[str]:
    """Slots that point to this release."""
    return [slot for slot, release in slots(root).items() if release == release_id]


def _unrestarted(root: Root, slot: str) -> Path:
    return root.slots / f".{slot}.unrestarted"
