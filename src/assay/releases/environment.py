"""The packages that a release's code needs: pinned with hashes, made once for all releases that pin the same.

When the interpreter that runs already has exactly the pinned versions, it is used, and nothing is installed:
on a machine without any package index a release of the same pins still installs in a second.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from assay.durable import write_durably
from assay.errors import ReleaseError
from assay.releases.root import Root
from assay.releases.tree import discard

INSTALL_LIMIT_S: Final = 900.0
MAX_REQUIREMENTS_BYTES: Final = 4 * 1024 * 1024
_DIGEST_DIGITS: Final = 16
_READY: Final = "ready"
"""Written last into an environment that was made here."""
_ELSEWHERE: Final = "python"
"""A file instead of packages: it names the interpreter that has them."""


def ensure(root: Root, requirements: bytes) -> Path:
    """An interpreter that has exactly the pinned versions; made now if there is none.

    Several processes may ask at once. Raises `ReleaseError` when the pins are not pins, or cannot be
    installed.
    """
    pins = parse_pins(requirements)
    folder = root.environments / hashlib.sha256(requirements).hexdigest()[:_DIGEST_DIGITS]
    if python := _found(folder, pins):
        return python
    with root.lock(f"environment-{folder.name}", INSTALL_LIMIT_S):
        if python := _found(folder, pins):
            return python
        if (folder / _READY).exists():
            raise ReleaseError(
                f"packages in {folder} were changed after they were installed, or their interpreter is gone: "
                "end what runs from it, remove the folder, and install the release again"
            )
        if not differences(pins, installed()):
            write_durably(folder / _ELSEWHERE, f"{sys.executable}\n".encode())
            return Path(sys.executable)
        return _make(folder, requirements)


def faults(python: Path, requirements: bytes) -> list[str]:
    """A sentence for each package that this interpreter has not as pinned."""
    if not python.is_file():
        return [f"the interpreter {python} is gone: install the release again"]
    return differences(parse_pins(requirements), _installed_for(python))


def parse_pins(requirements: bytes) -> dict[str, str]:
    """Version by canonical name, of the requirements whose markers hold here.

    Raises `ReleaseError` for what is no exact pin with a hash: it could be another package tomorrow.
    """
    if len(requirements) > MAX_REQUIREMENTS_BYTES:
        raise ReleaseError(f"the requirements have more than {MAX_REQUIREMENTS_BYTES} bytes")
    pins: dict[str, str] = {}
    for line in requirements.decode("utf-8", "replace").replace("\\\n", " ").splitlines():
        text = line.partition(" #")[0].strip()
        if text and not text.startswith("#") and (pin := _pin(text)):
            pins[pin[0]] = pin[1]
    if not pins:
        raise ReleaseError("the requirements pin nothing: make them with `make lock`, or as pip-compile does")
    return pins


def differences(pins: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """A sentence for each pin that `found` (version by canonical name) does not meet; more packages do no
    harm."""
    return [
        f"{name} is {found.get(name, 'not installed')}, and {version} is pinned"
        for name, version in pins.items()
        if found.get(name) != version
    ]


def installed(folders: Iterable[str] | None = None) -> dict[str, str]:
    """Version by canonical name of what is installed in these folders; None: for the running interpreter."""
    found = metadata.distributions() if folders is None else metadata.distributions(path=list(folders))
    versions: dict[str, str] = {}
    for distribution in found:
        if distribution.metadata["Name"]:
            versions.setdefault(canonicalize_name(distribution.metadata["Name"]), distribution.version)
    return versions


def _pin(text: str) -> tuple[str, str] | None:
    """None: the marker does not hold here."""
    if text.startswith("-") or " --hash=sha256:" not in text:
        raise ReleaseError(
            f"the requirement {text[:80]!r} is no pin with a hash: make requirements with hashes"
        )
    try:
        requirement = Requirement(text.partition("--hash=")[0].strip())
    except InvalidRequirement as error:
        raise ReleaseError(f"the requirement {text[:80]!r} cannot be understood: {error}") from error
    specifiers = list(requirement.specifier)
    if requirement.url or len(specifiers) != 1 or specifiers[0].operator != "==" or "*" in str(specifiers[0]):
        raise ReleaseError(f"the requirement {text[:80]!r} is no exact pin: write name==version")
    if requirement.marker is not None and not requirement.marker.evaluate():
        return None
    return canonicalize_name(requirement.name), specifiers[0].version


def _found(folder: Path, pins: Mapping[str, str]) -> Path | None:
    """The interpreter of an environment that is there and right."""
    python = _named(folder)
    return python if python and python.is_file() and not differences(pins, _installed_for(python)) else None


def _named(folder: Path) -> Path | None:
    if (folder / _READY).is_file():
        return folder / "bin" / "python"
    try:
        return Path((folder / _ELSEWHERE).read_text("utf-8").strip())
    except OSError:
        return None


def _installed_for(python: Path) -> dict[str, str]:
    """Empty, too, for one that does not run, as after an upgrade of the system: a new one is found then."""
    if str(python) == sys.executable:
        return installed()
    script = "import sys; sys.stdout.write('\\n'.join(sys.path))"
    try:
        done = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return installed(done.stdout.splitlines()) if done.returncode == 0 else {}


def _make(folder: Path, requirements: bytes) -> Path:
    """Marked as ready only when all is there: an interpreter's own place is written into it, so that it
    cannot be made elsewhere and moved. After an error nothing is left: the disk may be full of it."""
    discard(folder)
    try:
        python = _filled(folder, requirements)
    except Exception:
        discard(folder)
        raise
    os.sync()  # thousands of files: what says that they are there must not outlive a crash that they do not
    write_durably(folder / _READY, b"")
    return python


def _filled(folder: Path, requirements: bytes) -> Path:
    folder.mkdir(parents=True)
    pinned = folder / "requirements.txt"
    pinned.write_bytes(requirements)
    python = folder / "bin" / "python"
    _run([sys.executable, "-m", "venv", str(folder)], "an environment cannot be made")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install"]
    _run(
        [*pip, "--require-hashes", "--no-deps", "--requirement", str(pinned)], "packages cannot be installed"
    )
    if missing := differences(parse_pins(requirements), _installed_for(python)):
        raise ReleaseError(
            f"packages were installed, but not where they belong: {'; '.join(missing)[:800]}; is pip told of "
            "another place, as by PIP_TARGET?"
        )
    return python


def _run(command: list[str], fault: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, env=environment, timeout=INSTALL_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ReleaseError(
            f"{fault}: not done within {INSTALL_LIMIT_S:g} s; is the package index slow?"
        ) from None
    if done.returncode:
        reason = " ".join(" ".join(done.stderr.splitlines()[-5:]).split())
        raise ReleaseError(f"{fault}: {reason[-800:]}")
