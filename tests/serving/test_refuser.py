"""What is answered where there is nothing, or not by that method: to programs, and to readers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assay.serving.pages.site import PageOptions
from assay.telemetry import ERRORS
from servers.asgi import Served, serving
from small_app import SmallApp, ask

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NOTHING = (404, "not found", "Nothing found at this location.")


@pytest.fixture(scope="module")
def app() -> SmallApp:
    return SmallApp(page=PageOptions(("smallwiki",), {}, "test"))


@pytest.fixture(scope="module")
def served(app: SmallApp) -> Iterator[Served]:
    with serving(app.build().asgi) as served:
        yield served


def test_a_reader_who_mistyped_gets_a_page_that_says_where(served: Served) -> None:
    reply = ask(served, "/modles/%3Cb%3E", headers={"Accept": BROWSER})
    assert reply.status == 404
    assert reply.headers["content-type"].startswith("text/html")
    assert b"no page at <code>/modles/&lt;b&gt;</code>" in reply.body


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html;q=0.5"])
def test_a_program_gets_json(served: Served, accept: str | None) -> None:
    reply = ask(served, "/nowhere", headers={"Accept": accept} if accept else None)
    assert reply.error == NOTHING


def test_a_thing_that_is_missing_is_no_mistyped_address(served: Served) -> None:
    """Who looks at the API with a browser sees its answers."""
    for path, code in (("/v3/scores/nowiki/1", "not found"), ("/api/nowiki/revisions/1", "unknown_wiki")):
        assert ask(served, path, headers={"Accept": BROWSER}).error[:2] == (404, code)


def test_without_pages_a_reader_gets_json_too() -> None:
    with serving(SmallApp().build().asgi) as served:
        assert ask(served, "/nowhere", headers={"Accept": BROWSER}).error == NOTHING


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v3/scores/smallwiki/", "GET, HEAD, POST"),  # a route of its own for each method
        ("PUT", "/api/smallwiki/text", "POST"),
        ("POST", "/readyz", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_which_are_right(served: Served, method: str, path: str, allowed: str) -> None:
    reply = ask(served, path, method=method, headers={"Accept": BROWSER})
    assert reply.error[0] == 405
    assert reply.error[2].rstrip(".").endswith(f"{method} cannot be used here; use {allowed}")
    assert reply.headers["allow"] == allowed


def test_each_refusal_is_counted_by_its_code(app: SmallApp, served: Served) -> None:
    codes = ("not found", "method not allowed")
    before = [app.metrics.value(ERRORS, code) for code in codes]
    ask(served, "/nowhere")
    ask(served, "/nowhere", headers={"Accept": BROWSER})
    ask(served, "/readyz", method="POST")
    assert [app.metrics.value(ERRORS, code) - old for code, old in zip(codes, before, strict=True)] == [2, 1]
