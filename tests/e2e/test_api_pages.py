"""Swagger UI in a browser without any other host: each version's page shows its routes and tries them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from e2e.conftest import Visit
from servers.asgi import Served, serving
from small_app import SmallApp

READY = "#swagger[aria-busy=false] .opblock"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(SmallApp().build().asgi) as started:
        yield started


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("/v1/", "/v1/scores/{wiki}/{model}/{rev_id}/"),
        ("/v2/", "/v2/scores/{wiki}/{model}/{rev_id}/"),
        ("/v3", "/v3/scores/{wiki}/{rev_id}/{model}/"),
        ("/docs", "/api/{wiki}/revisions/{rev_id}"),
    ],
)
def test_a_page_shows_its_versions_routes(open_page: Visit, served: Served, page: str, path: str) -> None:
    shown = open_page(served.url + page, ready=READY)
    expect(shown.locator(f'.opblock-summary-path[data-path="{path}"]').first).to_be_visible()


def test_a_request_can_be_tried_out(open_page: Visit, served: Served) -> None:
    page = open_page(f"{served.url}/v3/", ready=READY)
    block = page.locator('.opblock-get:has([data-path="/v3/scores/{wiki}/{rev_id}/{model}/"])')
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    for name, value in (("wiki", "testwiki"), ("rev_id", "974623"), ("model", "revid")):
        block.locator(f'tr[data-param-name="{name}"] input').fill(value)
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
    expect(block.locator(".live-responses-table")).to_contain_text("0.32")


def test_a_reader_who_mistyped_gets_a_page(open_page: Visit, served: Served) -> None:
    page = open_page(f"{served.url}/v3/scorse", ready="main")
    expect(page.get_by_role("heading")).to_have_text("Nothing here")
