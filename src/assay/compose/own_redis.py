"""A Redis of Assay's own on this machine: on loopback, with a password that nobody else can read, bounded."""

from __future__ import annotations

import secrets
import shutil
import socket
from pathlib import Path

from assay.compose.supervisor import Program
from assay.errors import ConfigurationError


def own_redis(folder: Path, password: str | None = None) -> tuple[Program, dict[str, str]]:
    """The program, its configuration written into `folder`; and the environment that leads Assay's processes
    to it. `password`: the configured one; None: a new one, which lies in the folder, is kept there for the
    next time, and is told to the processes by its file.

    Raises `ConfigurationError` when there is no redis-server.
    """
    server = shutil.which("redis-server")
    if server is None:
        raise ConfigurationError(
            "there is no redis-server on this machine: install it (on Debian: apt-get install redis-server), "
            "or name one with --redis"
        )
    port = free_port()
    environment = {"ASSAY_REDIS__URL": f"redis://127.0.0.1:{port}/0"}
    if password is None:
        password_file = folder / "redis-password"
        password_file.touch(0o600)
        password = password_file.read_text().strip()
        if not password:  # new, or left by a process that was killed: an empty one would let anybody in
            password = secrets.token_urlsafe(32)
            password_file.write_text(password)
        environment["ASSAY_REDIS__PASSWORD_FILE"] = str(password_file)
    configuration = folder / "redis.conf"
    configuration.touch(0o600)
    configuration.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {_quoted(password)}\ndir {_quoted(str(folder))}\n"
        'save ""\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy volatile-lru\n'
    )
    return Program("redis", (server, str(configuration)), 1), environment


def _quoted(text: str) -> str:
    """As redis.conf reads any bytes."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode("utf-8", "surrogateescape")) + '"'


def free_port() -> int:
    """A TCP port on loopback that nobody used a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
