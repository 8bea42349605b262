"""The golden scores of the release that this process runs from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import assay
from assay.compose.bundles import choose
from assay.compose.models import load_chosen
from assay.compose.releases import prove_golden
from assay.errors import AssayError
from assay.preflight.bundles import Golden
from assay.releases.manifest import GOLDEN, MANIFEST
from assay.settings import Settings


def own_release() -> Path:
    """The folder above the code that runs: a release's, if it is one (``<folder>/code/assay``)."""
    return Path(assay.__file__).resolve().parents[2]


def golden_of(settings: Settings, folder: Path | None = None) -> Golden | None:
    """None when this process does not run from the release that the settings name.

    `folder`: where to look; None: `own_release`.
    """
    folder = folder or own_release()
    if folder.name != settings.release or not (folder / MANIFEST).is_file():
        return None
    return ReleaseGolden(settings, folder / GOLDEN)


@dataclass(frozen=True)
class ReleaseGolden:
    """Golden scores in `file`, computed anew with this process's code and the bundles of its settings."""

    settings: Settings
    file: Path

    def prove(self) -> Sequence[str]:
        """A file that is missing or damaged, or that leaves out a model, is a difference too."""
        try:
            models = load_chosen(choose(self.settings), with_trees=True)
            return prove_golden(self.settings, models, self.file)
        except AssayError as error:
            return [str(error)]
