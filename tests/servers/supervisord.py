"""A real supervisord with one group of programs."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from assay.releases.supervisor import SupervisorAddress
from servers.processes import Process, running

START_LIMIT_S = 30.0


@contextmanager
def supervisord(
    folder: Path,
    group: str,
    programs: Mapping[str, Sequence[str]],
    *,
    port: int | None = None,
    account: tuple[str, str] | None = None,
    start_s: int = 0,
) -> Iterator[tuple[SupervisorAddress, Process]]:
    """Its address, and its process. Programs (name to command) are not started by themselves. `port`: it
    listens there, too, and the address is that one. `account`: user name and password that it asks for.
    `start_s`: seconds that a program must live to count as started."""
    place = folder / "s.sock"
    sections = "\n".join(
        f"[program:{name}]\ncommand={' '.join(command)}\nautostart=false\nstartsecs={start_s}\n"
        f"startretries=1\nstopwaitsecs=5\nstdout_logfile={folder / name}.log\nredirect_stderr=true\n"
        for name, command in programs.items()
    )
    login = f"username={account[0]}\npassword={account[1].replace('%', '%%')}\n" if account else ""
    inet = f"[inet_http_server]\nport=127.0.0.1:{port}\n{login}" if port is not None else ""
    configuration = folder / "supervisord.conf"
    configuration.write_text(
        f"[supervisord]\nnodaemon=true\nlogfile={folder / 'supervisord.log'}\npidfile={folder / 's.pid'}\n"
        f"[unix_http_server]\nfile={place}\n{login}{inet}"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        f"[group:{group}]\nprograms={','.join(programs)}\n{sections}"
    )
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(configuration)]
    process = Process("supervisord", command, folder, {})
    with running(process):
        try:
            process.until(lambda: _listens(place), START_LIMIT_S)
            url = f"unix://{place}" if port is None else f"http://127.0.0.1:{port}"
            yield _address(folder, url, account), process
        finally:
            process.terminate()
            process.wait()


def _listens(place: Path) -> bool:
    """It is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as asking:
        return asking.connect_ex(str(place)) == 0


def _address(folder: Path, url: str, account: tuple[str, str] | None) -> SupervisorAddress:
    if account is None:
        return SupervisorAddress(url)
    secret = folder / "password"
    secret.touch(0o600)
    secret.write_text(account[1] + "\n")
    return SupervisorAddress(url, account[0], str(secret))
