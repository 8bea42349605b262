"""Pages that describe the API: all of it from here, nothing inline."""

from __future__ import annotations

import re

import pytest

from servers.asgi import Served
from small_app import ask

PAGES = {"/v1/": "/v1/spec/", "/v2/": "/v2/spec/", "/v3": "/v3/spec/", "/docs": "/openapi.json"}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_its_document_and_files_that_are_there(inline: Served, page: str) -> None:
    reply = ask(inline, page)
    assert reply.headers["content-type"].startswith("text/html")
    text = reply.body.decode()
    assert f'data-spec="{PAGES[page]}"' in text
    assert ask(inline, PAGES[page]).status == 200
    named = re.findall(r'(?:src|href)="(/docs/[^"]+)"', text)
    assert len(named) == 3
    for name in named:
        assert ask(inline, name).status == 200
    assert "http" not in text


@pytest.mark.parametrize("page", [*PAGES, "/versions/", "/nothing-here"])
def test_a_page_allows_nothing_inline_and_nothing_from_elsewhere(paged: Served, page: str) -> None:
    policy = ask(paged, page, headers={"Accept": "text/html"}).headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "default-src 'none'" in policy


def test_a_file_is_sent_once(inline: Served) -> None:
    first = ask(inline, "/docs/start.js")
    assert first.headers["content-type"].startswith("text/javascript")
    again = ask(inline, "/docs/start.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("name", ["core.py", "redoc.standalone.js", "..%2Fcore.py", "__init__.py"])
def test_other_files_are_not_sent(inline: Served, name: str) -> None:
    assert ask(inline, f"/docs/{name}").error[:2] == (404, "not found")
