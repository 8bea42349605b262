"""A static file server as a process of its own: Python's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.processes import Process, running, status
from servers.redis import free_port

START_LIMIT_S = 20.0


@contextmanager
def file_server(folder: Path, log_folder: Path) -> Iterator[tuple[str, Process]]:
    """Its address, and the process, whose log has a line for each request."""
    port = free_port()
    command = [sys.executable, "-u", "-m", "http.server", str(port)]
    process = Process("files", [*command, "--bind", "127.0.0.1", "--directory", str(folder)], log_folder, {})
    with running(process):
        process.until(lambda: status(port, "/") is not None, START_LIMIT_S)
        yield f"http://127.0.0.1:{port}", process
