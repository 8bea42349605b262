"""``assay serve`` as a process of its own, ready to be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from servers.processes import ASSAY, Process, running, status
from servers.redis import free_port

READY_LIMIT_S: Final = 60.0
ANSWER_LIMIT_S: Final = 60.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    document: dict[str, Any]


@dataclass(frozen=True)
class AssayServer:
    port: int
    process: Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_LIMIT_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, json.loads(response.read()))
        finally:
            connection.close()

    def cell(self, wiki: str, rev_id: int, model: str) -> dict[str, Any]:
        """One score or error, as v3 gives it with codes."""
        document = self.get(f"/v3/scores/{wiki}/{rev_id}/{model}?error_codes").document
        cell: dict[str, Any] = document[wiki]["scores"][str(rev_id)][model]
        return cell


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[AssayServer]:
    """Ready with one scoring process; ended afterwards whatever happens. `folder`: logs and indexes."""
    port = free_port()
    command = [*ASSAY, "serve", "--port", str(port), "--processes", "1", *arguments]
    process = Process("assay", command, folder, {"ASSAY_CACHE_DIR": str(folder)})
    with running(process):
        process.until(lambda: status(port, "/readyz") == 200, READY_LIMIT_S)
        yield AssayServer(port, process)
