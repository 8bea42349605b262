"""A Redis of Assay's own on this machine: on loopback, with a password that nobody else can read, bounded."""

from __future__ import annotations

import secrets
import shutil
import socket
from pathlib import Path

from assay.compose.supervisor import Program
from assay.errors import ConfigurationError


def own_redis(folder: Path) -> tuple[Program, dict[str, str]]:
    """The program, its configuration and password written into `folder`; and the environment that leads
    Assay's processes to it. A password that lies there already is kept.

    Raises `ConfigurationError` when there is no redis-server.
    """
    server = shutil.which("redis-server")
    if server is None:
        raise ConfigurationError(
            "there is no redis-server on this machine: install it (on Debian: apt-get install redis-server), "
            "or name one with --redis"
        )
    password_file = folder / "redis-password"
    if not password_file.exists():
        password_file.touch(0o600)
        password_file.write_text(secrets.token_urlsafe(32))
    port = free_port()
    configuration = folder / "redis.conf"
    configuration.touch(0o600)
    configuration.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password_file.read_text().strip()}\n"
        f'dir "{folder}"\nsave ""\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy volatile-lru\n'
    )
    environment = {
        "ASSAY_REDIS__URL": f"redis://127.0.0.1:{port}/0",
        "ASSAY_REDIS__PASSWORD_FILE": str(password_file),
    }
    return Program("redis", (server, str(configuration)), 1), environment


def free_port() -> int:
    """A TCP port on loopback that nobody used a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
