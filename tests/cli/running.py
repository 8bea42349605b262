"""Runs the real command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ASSAY = (sys.executable, "-m", "assay.cli")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The process's own, without settings of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return {**kept, "ASSAY_CACHE_DIR": str(folder / "cache"), **more}


def assay(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """``assay ARGUMENTS`` in `folder`; `more`: environment variables."""
    return subprocess.run(
        (*ASSAY, *arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment(folder, **more),
        cwd=folder,
    )
