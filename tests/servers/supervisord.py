"""A real supervisord with one group of programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from servers.processes import Process, running

START_LIMIT_S = 30.0


@contextmanager
def supervisord(
    folder: Path, group: str, programs: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, Process]]:
    """Its address, and its process. Programs (name to command) are not started by themselves."""
    socket = folder / "s.sock"
    sections = "\n".join(
        f"[program:{name}]\ncommand={' '.join(command)}\nautostart=false\nstartsecs=0\nstartretries=1\n"
        f"stopwaitsecs=5\nstdout_logfile={folder / name}.log\nredirect_stderr=true\n"
        for name, command in programs.items()
    )
    configuration = folder / "supervisord.conf"
    configuration.write_text(
        f"[supervisord]\nnodaemon=true\nlogfile={folder / 'supervisord.log'}\npidfile={folder / 's.pid'}\n"
        f"[unix_http_server]\nfile={socket}\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        f"[group:{group}]\nprograms={','.join(programs)}\n{sections}"
    )
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(configuration)]
    process = Process("supervisord", command, folder, {})
    with running(process):
        try:
            process.until(socket.exists, START_LIMIT_S)
            yield f"unix://{socket}", process
        finally:
            process.terminate()
            process.wait()
