"""The real data beside the project: found, or the test says what is missing."""

from __future__ import annotations

import os
from pathlib import Path

from lacking import lacking

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def shared(relative: str) -> Path:
    """The path of a shared file. Absent: the test is skipped with the reason, or fails when ``CI=true``."""
    path = SHARED / relative
    if not path.exists():
        lacking(f"needs the real data in {os.path.relpath(path, ROOT)}, which is not beside this checkout")
    return path
