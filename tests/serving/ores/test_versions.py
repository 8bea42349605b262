"""What runs here."""

from __future__ import annotations

import platform
import re

import pytest

from assay import __version__
from servers.asgi import Served
from small_app import ask

BROWSER = {"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"}


def test_a_reader_gets_a_table(paged: Served) -> None:
    reply = ask(paged, "/versions/", headers=BROWSER)
    assert reply.headers["content-type"].startswith("text/html")
    rows = dict(re.findall(r"<th[^>]*>(.*?)</th><td>(.*?)</td>", reply.body.decode()))
    assert rows["assay"] == __version__
    assert rows["smallwiki/damaging"] == "1.2.3"
    assert ask(paged, "/versions").body == reply.body


def test_without_pages_a_reader_gets_json(inline: Served) -> None:
    assert ask(inline, "/versions/", headers=BROWSER).json["assay"] == __version__


@pytest.mark.parametrize(("query", "accept"), [("?format=json", "*/*"), ("", "application/json")])
def test_whoever_asks_for_json_gets_it(inline: Served, query: str, accept: str) -> None:
    told = ask(inline, f"/versions/{query}", headers={"Accept": accept}).json
    assert told["assay"] == __version__
    assert told["python"] == platform.python_version()
    assert {"lightgbm", "numpy", "scipy", "release", "testwiki/revid"} <= set(told)
