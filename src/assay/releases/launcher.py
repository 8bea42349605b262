"""How a release's own code is run: a shell script beside it that says all that it must know.

The script names everything by absolute path, so that a process that was started through a slot keeps its
release when the slot's pointer moves on. What it sets is known to the settings of every release; a name that
an older release does not know would keep that from starting.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import orjson

from assay.errors import ConfigurationError, ReleaseError
from assay.releases.manifest import CONFIGURATION

LAUNCHER: Final = "bin/assay"
CODE: Final = "code"
RELEASES: Final = "releases"
NODE_SETTINGS: Final = "node.toml"
"""In the root: settings of this machine alone (addresses, secrets), over those of every release here."""
RUN_LIMIT_S: Final = 600.0


def is_installed(folder: Path) -> bool:
    """Whether the release in `folder` can run: its launcher is written last."""
    return (folder / LAUNCHER).is_file()


def launcher_text(folder: Path, release: str, python: Path) -> bytes:
    """The script for the release in `folder`, run by the interpreter `python`."""
    if ":" in str(folder):
        raise ConfigurationError(f"{folder} has a colon in it, which parts paths: choose another folder")
    settings = {
        "PYTHONPATH": str(folder / CODE),
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ASSAY_RELEASE": release,
        "ASSAY_CONFIG": str(folder / CONFIGURATION),
        "ASSAY_BUNDLE_DIRECTORIES": orjson.dumps([str(folder / "bundles")]).decode(),
        "ASSAY_SHIPPED_BUNDLES": "false",
    }
    lines = [
        "#!/bin/sh",
        f"# Runs the release {release} with its own code, packages, bundles and configuration.",
        "unset PYTHONHOME PYTHONSTARTUP",
        *(f"export {name}={shlex.quote(value)}" for name, value in settings.items()),
        *_with_node_settings(folder),
        f'exec {shlex.quote(str(python))} -m assay.cli "$@"',
    ]
    return "\n".join([*lines, ""]).encode()


def _with_node_settings(folder: Path) -> list[str]:
    """For a release in a root: what this machine alone knows comes last."""
    if folder.parent.name != RELEASES:
        return []
    node = shlex.quote(str(folder.parent.parent / NODE_SETTINGS))
    return [f'if [ -f {node} ]; then export ASSAY_CONFIG="$ASSAY_CONFIG":{node}; fi']


def run_release(
    folder: Path,
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    limit_s: float = RUN_LIMIT_S,
) -> bytes:
    """What the release's own command writes to standard output; what it says on standard error is passed on.

    `environment`: instead of this process's without Assay's and Python's variables (`clean_environment`).
    Raises `ReleaseError` when it ends with another status than 0, or not within `limit_s`.
    """
    command = [str(folder / LAUNCHER), *arguments]
    what = f"`assay {' '.join(arguments[:2])}` of the release in {folder}"
    chosen = clean_environment() if environment is None else dict(environment)
    try:
        done = subprocess.run(command, capture_output=True, env=chosen, timeout=limit_s, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"{what} did not end within {limit_s:g} s") from None
    except OSError as error:
        raise ReleaseError(f"{what} cannot be started: {error.strerror}") from error
    if done.returncode:
        raise ReleaseError(f"{what} failed (status {done.returncode}): {_reason(done.stderr)}")
    sys.stderr.write(done.stderr.decode("utf-8", "replace"))
    return done.stdout


def clean_environment() -> dict[str, str]:
    """This process's environment without what would tell a release of other settings than its own."""
    kept = {"ASSAY_CACHE_DIR"}
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or not name.startswith(("ASSAY_", "PYTHON"))
    }


def _reason(stderr: bytes) -> str:
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return "\n".join(lines[-12:]).removeprefix("assay: ") or "it said nothing"
