"""A real systemd for one test: a container that boots this machine's own files, to which nothing is written.

    with machine(folder, files) as booted:
        booted.run("systemctl", "start", "assay-web@8080")

Its root is an overlay: what it writes lies in memory and goes with it. Its network is its own loopback.
Controllers of the version 1 cgroup hierarchy are not given to containers, so `MemoryMax=` may do nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lacking import lacking
from servers.processes import Ended, Process, children, running
from servers.redis import missing
from shared_data import ROOT

START_LIMIT_S: Final = 60.0
CALL_LIMIT_S: Final = 60.0
ASSAY: Final = "/opt/assay/.venv/bin/assay"
_NAMESPACES: Final = ("--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--cgroup")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_ENDS_WITH_US: Final = (
    *("setpriv", "--pdeathsig=KILL"),
    *("unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
"""Before a command: however the tests end, neither its processes nor its mounts stay. To kill systemd-nspawn
alone would leave the machine running; as the first of its own process ids, it takes all others along."""
_OVERLAY: Final = """
mkdir memory root
mount -t tmpfs tmpfs memory
mkdir memory/work
cp -r --preserve=mode files memory/upper
mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/memory/upper,workdir=$PWD/memory/work" root
exec "$@"
"""


class Machine:
    """`container`: its child is systemd-nspawn, whose child is the machine's systemd."""

    def __init__(self, container: Process) -> None:
        self._container = container

    def prefix(self) -> list[str]:
        """What comes before a command to run it there."""
        return ["nsenter", f"--target={self.leader()}", *_NAMESPACES]

    def run(self, *command: str, check: bool = True) -> str:
        """Its output on both streams. With `check`, an AssertionError with that when it fails."""
        done = subprocess.run(
            [*self.prefix(), *command],
            env={"PATH": _PATH, "LANG": "C.UTF-8", "TERM": "dumb"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=CALL_LIMIT_S,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout

    def is_up(self) -> bool:
        return self.run("systemctl", "is-active", "basic.target", check=False) == "active\n"

    def leader(self) -> int:
        """Seen from here; 0, which nobody can enter, before there is one."""
        inner = [pid for nspawn in children(self._container.pid) for pid in children(nspawn)]
        return next((pid for pid in inner if _name(pid) == "systemd"), 0)

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).strip()


def _name(pid: int) -> str:
    """Of a process's program; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@contextmanager
def machine(folder: Path, files: Mapping[str, str]) -> Iterator[Machine]:
    """Booted, with these files besides this machine's own; Assay runs as `ASSAY` for whoever may not read
    homes and temporary folders. The kernel must let root make a container, and boot it."""
    _check_possible()
    for path, text in {**files, **_assay()}.items():
        target = folder / "files" / path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        target.chmod(0o755 if text.startswith("#!") else 0o644)
    nspawn = ["systemd-nspawn", "--quiet", "--directory=root", f"--machine=assay-{os.getpid()}"]
    nspawn += ["--register=no", "--keep-unit", "--private-network", *_bound(), "--boot"]
    command = [*_ENDS_WITH_US, "sh", "-euc", _OVERLAY, "sh", *nspawn, "systemd.unit=basic.target"]
    with running(Process("machine", command, folder, {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})) as container:
        booted = Machine(container)
        try:
            container.until(booted.is_up, START_LIMIT_S)
        except (Ended, TimeoutError) as error:
            lacking(f"a container of systemd does not boot here: {error}")
        yield booted


def units(folder: Path) -> dict[str, str]:
    """The folder's units, with their drop-ins, where systemd looks for them."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {f"/etc/systemd/system/{path.relative_to(folder)}": path.read_text("utf-8") for path in paths}


def _check_possible() -> None:
    if os.geteuid() != 0:
        lacking("only root may boot a machine")
    for program in ("systemd-nspawn", "nsenter", "mount", "setpriv", "curl"):
        if shutil.which(program) is None:
            missing(program)
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        lacking("no container may be made inside this one")


def _bound() -> list[str]:
    """Code, packages and interpreter where every user may read them."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    places = {str(ROOT / "src"): "/opt/assay/src", packages: "/opt/assay/packages"}
    if sys.base_prefix != "/usr":
        places[sys.base_prefix] = "/opt/assay/python"
    return [f"--bind-ro={here}:{there}" for here, there in places.items()]


def _assay() -> dict[str, str]:
    prefix = "/usr" if sys.base_prefix == "/usr" else "/opt/assay/python"
    python = f"{prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    script = f"#!/bin/sh\nexport LD_LIBRARY_PATH={prefix}/lib PYTHONPATH=/opt/assay/src:/opt/assay/packages\n"
    return {ASSAY: f'{script}exec {python} -m assay.cli "$@"\n'}
