"""Runs the real command in a process of its own, or several in one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def assay_each(folder: Path, commands: Sequence[Sequence[str]]) -> list[Ran]:
    """One command after the other, all in one process: a start of Python takes longer than most of them."""
    done = subprocess.run(
        (sys.executable, "-c", _EACH),
        input=json.dumps([list(command) for command in commands]),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env=environment(folder),
        cwd=folder,
    )
    return [Ran(*ran) for ran in json.loads(done.stdout)]


_EACH = """
import contextlib, io, json, sys
from assay.cli import main

found = []
for command in json.load(sys.stdin):
    out, err, status = io.StringIO(), io.StringIO(), 0
    sys.argv = ["assay", *command]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    found.append((status, out.getvalue(), err.getvalue()))
json.dump(found, sys.stdout)
"""
