"""supervisord's configuration: which programs run on this machine, in which order they start and end.

The supervisor starts what ends, ends all in an orderly way, the last started first, and keeps one log for
each program in one folder.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_DRAIN_S: Final = 40
"""Seconds before a process that was told to end is killed: more than a request and a job together take."""


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


def write(folder: Path, programs: Sequence[Program]) -> Path:
    """The configuration in `folder`, which only its owner may enter, with a folder for logs; its path."""
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / "supervisord.conf"
    path.touch(0o600)
    path.write_text(render(folder, programs))
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


def supervisor_url(folder: Path) -> str:
    """Where the supervisor of that folder takes orders (XML-RPC)."""
    return f"unix://{folder / 'supervisor.sock'}"


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
serverurl={_value(supervisor_url(folder))}

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
    environment = ",".join(f'{name}="{_value(value)}"' for name, value in program.environment.items())
    return f"""\
[program:{program.name}]
command={_value(shlex.join(program.command))}
environment={environment}
priority={program.priority}
autostart={"true" if program.starts_itself else "false"}
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
