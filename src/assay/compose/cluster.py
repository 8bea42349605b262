"""A whole cluster on one machine: which processes, and the supervisor's configuration that runs them.

The supervisor is supervisord: it starts what ends, ends all in an orderly way, web processes first, and
keeps one log for each process in one folder.
"""

from __future__ import annotations

import secrets
import shlex
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from assay.errors import ConfigurationError

_DRAIN_S: Final = 40
"""Seconds before a process that was told to end is killed: more than a request and a job together take."""


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """`web`, `workers`: processes. `processes`: scoring processes of each worker. One more worker, of one
    process, takes interactive jobs only, so that bulk work never makes a person wait. `redis_url`: None: a
    Redis of its own. `redis_password`: of that, as all processes are configured; None: one is made up.
    `arguments`: for web and workers alike (wikis, bundles, configuration)."""

    folder: Path
    host: str
    port: int
    web: int = 2
    workers: int = 1
    processes: int = 1
    redis_url: str | None = None
    redis_password: str | None = field(default=None, repr=False)
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """One process of the cluster. `priority`: the lower starts earlier and ends later."""

    name: str
    command: tuple[str, ...]
    priority: int
    environment: Mapping[str, str] = field(default_factory=dict)


def prepare(options: ClusterOptions) -> Path:
    """Write the supervisor's configuration, and Redis's password, into the folder; the configuration's path.

    Raises `ConfigurationError` when there is no redis-server to start.
    """
    folder = options.folder.resolve()
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    environment: dict[str, str] = {}
    programs: list[Program] = []
    if options.redis_url is None:
        program, environment = _own_redis(folder, options.redis_password)
        programs.append(program)
    else:
        environment["ASSAY_REDIS__URL"] = options.redis_url
    programs += _assay_programs(options, environment)
    path = folder / "supervisord.conf"
    path.write_text(render(folder, programs))
    path.chmod(0o600)
    return path


def supervisor_command(configuration: Path) -> list[str]:
    """Runs in the foreground until it is told to end."""
    return [
        sys.executable,
        "-m",
        "supervisor.supervisord",
        "--nodaemon",
        "--configuration",
        str(configuration),
    ]


def render(folder: Path, programs: Sequence[Program]) -> str:
    """The configuration of supervisord for these programs."""
    head = f"""\
[supervisord]
nodaemon=true
directory={_value(str(folder))}
logfile={_value(str(folder / "logs" / "supervisord.log"))}
pidfile={_value(str(folder / "supervisord.pid"))}
silent=true

[unix_http_server]
file={_value(str(folder / "supervisor.sock"))}
chmod=0700

[supervisorctl]
serverurl=unix://{_value(str(folder / "supervisor.sock"))}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    return "\n".join([head, *(_section(folder, program) for program in programs)])


def _section(folder: Path, program: Program) -> str:
    environment = ",".join(f'{name}="{_value(value)}"' for name, value in program.environment.items())
    return f"""\
[program:{program.name}]
command={_value(shlex.join(program.command))}
environment={environment}
priority={program.priority}
autorestart=true
startsecs=1
startretries=1000
stopsignal=TERM
stopwaitsecs={_DRAIN_S}
killasgroup=true
redirect_stderr=true
stdout_logfile={_value(str(folder / "logs" / f"{program.name}.log"))}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


def _value(text: str) -> str:
    """supervisord expands % expressions in values."""
    return text.replace("%", "%%")


def _assay_programs(options: ClusterOptions, environment: Mapping[str, str]) -> list[Program]:
    assay = (sys.executable, "-m", "assay.cli")
    worker = (*assay, "worker", *options.arguments, "--processes")
    web = (*assay, "web", "--host", options.host, "--port", str(options.port), "--reuse-port")
    return [
        Program("worker-people", (*worker, "1", "--lane", "interactive"), 10, environment),
        *(
            Program(f"worker-{number}", (*worker, str(options.processes)), 10, environment)
            for number in range(1, options.workers + 1)
        ),
        *(
            Program(f"web-{number}", (*web, *options.arguments), 20, environment)
            for number in range(1, options.web + 1)
        ),
    ]


def _own_redis(folder: Path, password: str | None) -> tuple[Program, dict[str, str]]:
    """A Redis of this cluster: on loopback, with a password that nobody else can read, bounded. `password`:
    the configured one; None: a new one, which the processes are told by a file."""
    server = shutil.which("redis-server")
    if server is None:
        raise ConfigurationError(
            "there is no redis-server on this machine: install it (on Debian: apt-get install redis-server), "
            "or name one with --redis"
        )
    port = _free_port()
    environment = {"ASSAY_REDIS__URL": f"redis://127.0.0.1:{port}/0"}
    if password is None:
        password_file = folder / "redis-password"
        if not password_file.exists():
            password_file.touch(0o600)
            password_file.write_text(secrets.token_urlsafe(32))
        password = password_file.read_text().strip()
        environment["ASSAY_REDIS__PASSWORD_FILE"] = str(password_file)
    configuration = folder / "redis.conf"
    configuration.touch(0o600)
    configuration.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {_quoted(password)}\n"
        f'dir "{folder}"\nsave ""\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy volatile-lru\n'
    )
    return Program("redis", (server, str(configuration)), 1), environment


def _quoted(password: str) -> str:
    """As redis.conf reads any bytes."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in password.encode()) + '"'


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
