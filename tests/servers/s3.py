"""A server that speaks S3, as a process of its own: moto's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.processes import Process, running, status
from servers.redis import free_port

START_LIMIT_S = 60.0
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "assay-test",
    "AWS_SECRET_ACCESS_KEY": "a-secret-that-no-log-may-hold",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def s3_server(log_folder: Path) -> Iterator[tuple[str, Process]]:
    """Its address, and the process, whose log has a line for each request."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = Process("s3", command, log_folder, CREDENTIALS)
    with running(process):
        process.until(lambda: status(port, "/moto-api/") == 200, START_LIMIT_S)
        yield f"http://127.0.0.1:{port}", process
