"""A real OpenSSH server on loopback: an ordinary process with keys and configuration of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lacking import lacking
from servers.processes import Process, running
from servers.redis import free_port

START_LIMIT_S = 30.0


@dataclass(frozen=True)
class Sshd:
    """`folder`: its keys and those of clients."""

    folder: Path
    port: int

    def prefix(
        self, *operators: str, key: str = "client", known: str = "known_hosts", port: int = 0
    ) -> list[str]:
        """ssh to this server, with an operator's options. `key`, `known`: files of the folder."""
        return [
            *("ssh", "-F", "none", "-p", str(port or self.port)),
            *("-o", f"UserKnownHostsFile={self.folder / known}", "-o", "GlobalKnownHostsFile=none"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes"),
            *("-i", str(self.folder / key)),
            *operators,
            f"{getpass.getuser()}@127.0.0.1",
        ]

    def trust(self, known: str, key: str, port: int) -> None:
        """Take the key of that file for this host's, at a port."""
        public = (self.folder / f"{key}.pub").read_text()
        (self.folder / known).write_text(f"[127.0.0.1]:{port} {public}")


def sshd_program() -> str:
    """Skips where there is none; in CI its absence is a failure."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("sshd", path=f"{beside}:/usr/sbin:/usr/local/sbin")
    if found is None or shutil.which("ssh") is None:
        lacking("sshd or ssh is not there: run tools/setup.sh dev")
    return found


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """Lets in whoever runs the tests, by the key ``client``; there is another one, ``stranger``."""
    program = sshd_program()
    for key in ("host", "client", "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(folder / key)]
        subprocess.run(command, check=True)
    (folder / "authorized_keys").write_bytes((folder / "client.pub").read_bytes())
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # its part before login is locked in
    server = Sshd(folder, free_port())
    server.trust("known_hosts", "host", server.port)
    server.trust("other_hosts", "stranger", server.port)
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {server.port}\nHostKey {folder / 'host'}\nPidFile none\n"
        f"AuthorizedKeysFile {folder / 'authorized_keys'}\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    process = Process("sshd", [program, "-D", "-e", "-f", str(folder / "sshd_config")], folder, {})
    with running(process):
        process.until(lambda: "Server listening" in process.text(), START_LIMIT_S)
        yield server
