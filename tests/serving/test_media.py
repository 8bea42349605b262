"""Which kind of answer a client would rather have; and the page for who mistyped an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from assay.serving.media import prefers
from servers.asgi import Served
from small_app import ask

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def asking(accept: str) -> Request:
    headers = [(b"accept", accept.encode("latin-1"))] if accept else []
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/*", True),
        ("TEXT/HTML", True),
        ("application/json;q=0.5, text/html;q=0.6", True),
        ("application/json, text/html", False),
        ("application/json", False),
        ("*/*", False),
        ("text/html;q=0, */*", False),
        ("text/html;q=nonsense", False),
        ("", False),
        (",;,", False),
    ],
)
def test_html_is_preferred_only_when_it_is_asked_for_first(accept: str, html: bool) -> None:
    assert prefers(asking(accept), "text/html", "application/json") is html


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_header_is_understood(accept: str) -> None:
    both = [prefers(asking(accept), *kinds) for kinds in (("a/b", "c/d"), ("c/d", "a/b"))]
    assert not all(both)


def test_a_reader_who_mistyped_gets_a_page_and_a_program_json(paged: Served, inline: Served) -> None:
    page = ask(paged, "/v3/scorse/<b>", headers={"Accept": BROWSER})
    assert page.status == 404
    assert page.headers["content-type"].startswith("text/html")
    assert b"/v3/scorse/&lt;b&gt;" in page.body
    assert ask(paged, "/v3/scorse/", headers={"Accept": "*/*"}).error[:2] == (404, "not found")
    without_pages = ask(inline, "/v3/scorse/", headers={"Accept": BROWSER})
    assert without_pages.error[:2] == (404, "not found")


def test_an_unknown_wiki_is_told_to_readers_as_to_programs(inline: Served) -> None:
    reply = ask(inline, "/v3/scores/nowiki/", headers={"Accept": BROWSER})
    assert reply.error == (404, "not found", "No scorers available for nowiki")
