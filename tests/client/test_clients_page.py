"""The programs of docs/how-to/clients.md say the same of the same revisions, and do as Retry-After says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright._impl._driver import compute_driver_executable
from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.files import program
from doc_examples import examples, fits
from sample_app import sample_app
from servers.asgi import Served, serving
from shared_data import ROOT

PAGE: Final = "how-to/clients.md"
PROGRAMS: Final = dict(
    re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "docs" / PAGE).read_text("utf-8"), re.DOTALL | re.MULTILINE)
)


class Busy:
    """Refuses the first request, as an overloaded server does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.refused = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.refused:
            await self._app(scope, receive, send)
            return
        self.refused = True
        await send({"type": "http.response.start", "status": 503, "headers": [(b"retry-after", b"0")]})
        await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Busy:
    return Busy(sample_app(tmp_path_factory.mktemp("index")))


@pytest.fixture(scope="module")
def site(busy: Busy) -> Iterator[Served]:
    with serving(busy) as served:
        yield served


def interpreter(language: str) -> str:
    """PHP must be installed; Node comes with Playwright."""
    if language == "php":
        return program("php")
    return sys.executable if language == "python" else str(compute_driver_executable()[0])


def test_a_request_is_answered_as_written(busy: Busy, site: Served) -> None:
    busy.refused = True
    (example,) = examples(PAGE)
    assert [fits(json.loads(example.ask(site).body), written) for written in example.answers] == [True]


@pytest.mark.parametrize("language", ["python", "js", "php"])
def test_a_program_tells_scores_and_errors(language: str, busy: Busy, site: Served, tmp_path: Path) -> None:
    busy.refused = False
    file = tmp_path / f"scores.{language}"
    file.write_text(PROGRAMS[language].replace("http://127.0.0.1:8080", site.url), "utf-8")
    done = subprocess.run(
        [interpreter(language), str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert busy.refused
    chances = {
        rev_id: cells["damaging"]["score"]["probability"]["true"]
        for rev_id, cells in json.loads(
            site.ask("/v3/scores/samplewiki/?models=damaging&revids=1259%7C1260").body
        )["samplewiki"]["scores"].items()
    }
    assert done.stdout.splitlines() == [
        *(f"{rev_id} {chance:.3f}" for rev_id, chance in chances.items()),
        "999999 revision_not_found never",
    ]
