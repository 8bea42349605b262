"""Takes releases off this machine. They are kept until somebody says so: yesterday's is what one rolls back
to."""

from __future__ import annotations

from assay.errors import ReleaseError, ReleaseNotFound
from assay.releases.hold import unheld
from assay.releases.root import Root
from assay.releases.slots import users_of
from assay.releases.tree import discard


def remove(root: Root, release_id: str) -> None:
    """Raises `ReleaseError` for one that a slot points to or that some process runs from, and
    `ReleaseNotFound`. Whole or not at all: first it is renamed away."""
    with root.lock(f"release-{release_id}"):
        folder, away = root.release(release_id), root.releases / f".{release_id}.removed"
        part = root.releases / f".{release_id}.part"  # of a fetch that was killed
        if users := users_of(root, release_id):
            raise ReleaseError(
                f"{', '.join(users)} still points to {release_id}: activate another release there first"
            )
        discard(away)
        discard(part)
        if not folder.is_dir():
            raise ReleaseNotFound(f"there is no release {release_id} in {root.releases}")
        with unheld(folder):
            folder.rename(away)
        discard(away)
