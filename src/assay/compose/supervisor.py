"""supervisord's configuration: which programs run on this machine, in which order they start and end.

The supervisor starts what ends, ends all in an orderly way, the last started first, and keeps one log for
each program in one folder.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from assay.errors import ConfigurationError

ASSAY: Final = (sys.executable, "-m", "assay.cli")
"""The command line, run by the code that runs now."""
CONFIGURATION: Final = "supervisord.conf"
_DRAIN_S: Final = 40
"""Seconds before a process that was told to end is killed: more than a request and a job together take."""
_MAX_SOCKET_BYTES: Final = 107
"""Of a socket's path on Linux."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process. `priority`: the lower starts earlier and ends later. `group`: programs that are started
    and ended together, by this name; empty: alone. `starts_itself`: with the supervisor; False: when told."""

    name: str
    command: tuple[str, ...]
    priority: int
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    group: str = ""
    starts_itself: bool = True
    retries: int = 1000
    """How often it is started again when it ends within a second; then it is left for an operator."""


def write(folder: Path, programs: Sequence[Program]) -> Path:
    """The configuration in `folder`, which only its owner may enter, with a folder for logs; its path."""
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / CONFIGURATION
    path.touch(0o600)
    path.write_text(render(folder, programs))
    return path


def check_free(folder: Path) -> None:
    """Raises `ConfigurationError` when a supervisor runs with the configuration in `folder`: what is written
    anew beneath it would count only once something of it is started again, hours later. And when none could:
    its socket lies there."""
    made = f"{_socket(folder)}.{os.getpid()}"  # as supervisord does, which takes this process's place
    if len(os.fsencode(made)) > _MAX_SOCKET_BYTES:
        raise ConfigurationError(f"{folder} is too long a path for the socket in it: name a shorter --folder")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(_socket(folder)))
        except OSError:  # nobody listens there
            return
    raise ConfigurationError(
        f"what runs in {folder} is not to be written over: end it first, or give another --folder"
    )


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


def supervisor_url(folder: Path) -> str:
    """Where the supervisor of that folder takes orders (XML-RPC)."""
    return f"unix://{_socket(folder)}"


def _socket(folder: Path) -> Path:
    return folder / "supervisor.sock"


def render(folder: Path, programs: Sequence[Program]) -> str:
    """The configuration of supervisord for these programs. Raises `ConfigurationError` for a value that
    supervisord would read as another."""
    head = f"""\
[supervisord]
nodaemon=true
directory={_value(str(folder), "the folder")}
logfile={_value(str(folder / "logs" / "supervisord.log"), "the folder")}
pidfile={_value(str(folder / "supervisord.pid"), "the folder")}
silent=true

[unix_http_server]
file={_value(str(_socket(folder)), "the folder")}
chmod=0700

[supervisorctl]
serverurl={_value(supervisor_url(folder), "the folder")}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    groups: dict[str, list[str]] = {}
    for program in programs:
        if program.group:
            groups.setdefault(program.group, []).append(program.name)
    return "\n".join(
        [
            head,
            *(_section(folder, program) for program in programs),
            *(f"[group:{name}]\nprograms={','.join(members)}\n" for name, members in groups.items()),
        ]
    )


def _section(folder: Path, program: Program) -> str:
    once = _value(str(folder / "logs" / f"{program.name}.log"), "the folder")
    log = _value(once, "the folder")  # of all values, supervisord expands this one twice
    return f"""\
[program:{program.name}]
command={_value(shlex.join(program.command), f"the command of {program.name}")}
environment={_environment(program)}
priority={program.priority}
autostart={"true" if program.starts_itself else "false"}
autorestart=true
startsecs=1
startretries={program.retries}
stopsignal=TERM
stopwaitsecs={_DRAIN_S}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


def _environment(program: Program) -> str:
    """supervisord's quotes know no escape, and those at either end of a value are taken off."""
    for name, value in program.environment.items():
        if '"' in value or value != value.strip("'"):
            raise ConfigurationError(_CANNOT_HOLD.format(f"{name} of {program.name}"))
    return ",".join(
        f'{name}="{_value(value, f"{name} of {program.name}")}"'
        for name, value in program.environment.items()
    )


def _value(text: str, what: str) -> str:
    """supervisord expands %, and takes what follows a space and ; or # for a comment."""
    if not text.isprintable() or " ;" in text or " #" in text:
        raise ConfigurationError(_CANNOT_HOLD.format(what))
    return text.replace("%", "%%")


_CANNOT_HOLD: Final = (
    "{}: supervisord cannot hold a value with control characters, with a space before ; or #, or, in the "
    "environment, with \" anywhere or ' at an end; write it in another way (in a URL: percent-encoded)"
)
"""Never quotes the value: it may hold a secret."""
