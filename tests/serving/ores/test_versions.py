"""What runs here."""

from __future__ import annotations

import platform
import re

import pytest

from assay import __version__
from servers.asgi import Served
from small_app import ask


def test_a_reader_gets_a_table(inline: Served) -> None:
    reply = ask(inline, "/versions/", headers={"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"})
    assert reply.headers["content-type"].startswith("text/html")
    rows = dict(re.findall(r"<td>(.*?)</td><td>(.*?)</td>", reply.body.decode()))
    assert rows["assay"] == __version__
    assert rows["smallwiki/damaging"] == "1.2.3"
    assert ask(inline, "/versions").body == reply.body


@pytest.mark.parametrize(("query", "accept"), [("?format=json", "*/*"), ("", "application/json")])
def test_whoever_asks_for_json_gets_it(inline: Served, query: str, accept: str) -> None:
    told = ask(inline, f"/versions/{query}", headers={"Accept": accept}).json
    assert told["assay"] == __version__
    assert told["python"] == platform.python_version()
    assert {"lightgbm", "numpy", "scipy", "release", "testwiki/revid"} <= set(told)
