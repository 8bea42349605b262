"""Proves a release: every digest, then that its own code still gives exactly its golden scores here."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import ReleaseError
from assay.releases import environment, golden
from assay.releases.install import folder_faults, installation_faults, lay_out
from assay.releases.launcher import is_installed, run_release
from assay.releases.manifest import GOLDEN, MANIFEST, REQUIREMENTS, ReleaseManifest, is_id
from assay.releases.progress import Report
from assay.releases.root import Root, read_manifest
from assay.releases.tree import discard


def verify(folder: Path, root: Root, report: Report = lambda *_: None) -> list[str]:
    """A sentence for each fault of the release in `folder`; none: it is whole and does what it promises.

    An installed release is proved as it lies there, with its code, launcher and packages; any other is laid
    out in a temporary folder. `root`: where environments lie. Raises `ReleaseNotFound`, or `ReleaseError`
    when the manifest itself is refused.
    """
    report(0, 3, "digests")
    manifest = read_manifest(folder, folder.name if is_id(folder.name) else None)
    found = folder_faults(folder, manifest)
    if is_installed(folder):
        found += installation_faults(folder, manifest)
    if found:
        return found  # what would run is not what was released
    report(1, 3, "golden scores")
    with _runnable(folder, manifest, root) as place:
        return golden_faults(place)


def golden_faults(folder: Path) -> list[str]:
    """Golden scores computed anew by the code of the release that is laid out in `folder`.

    Computed there, compared here: code that is wrong is not asked whether it is right.
    """
    try:
        expected = golden.read(folder / GOLDEN)
        with tempfile.TemporaryDirectory() as place:
            output = Path(place) / GOLDEN
            run_release(
                folder, ["release", "golden", "--input", str(folder / GOLDEN), "--output", str(output)]
            )
            return golden.differences(expected, golden.read(output))
    except ReleaseError as error:
        return [str(error)]


@contextmanager
def _runnable(folder: Path, manifest: ReleaseManifest, root: Root) -> Iterator[Path]:
    if is_installed(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        stage = Path(place) / manifest.id
        for path in (*manifest.files, MANIFEST):
            (stage / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / path, stage / path)
        python = environment.ensure(root, (folder / REQUIREMENTS).read_bytes())
        lay_out(stage, manifest.code.wheel, manifest.id, python)
        try:
            yield stage
        finally:
            discard(stage)
