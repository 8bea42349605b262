"""Swagger UI in a browser without any other host: each version's page shows its routes and tries them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from assay.serving.pages.site import PageOptions
from e2e.conftest import Visit
from servers.asgi import Served, serving
from small_app import SmallApp

READY = "#swagger[aria-busy=false] .opblock"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(SmallApp(page=PageOptions(("smallwiki",), {}, "test")).build().asgi) as started:
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


def test_versions_are_a_table_in_the_frame(open_page: Visit, served: Served) -> None:
    page = open_page(f"{served.url}/versions/", ready="main table")
    expect(page.get_by_role("row", name="smallwiki/damaging")).to_contain_text("1.2.3")
    expect(page.get_by_role("navigation")).to_be_visible()


GADGET = """<!DOCTYPE html><title>wiki</title><link rel="icon" href="data:,">
<p id="script"></p><p id="fetch"></p><p id="refused"></p>
<script>function show(data) { document.getElementById("script").textContent = Object.keys(data); }</script>
<script src="BASE/scores/testwiki/revid/?revids=12|13&callback=show"></script>
<script>
async function ask(place, path) {
  const answer = await fetch("BASE" + path);
  const text = answer.headers.get("X-Request-Id").length > 0 ? await answer.text() : "no id";
  document.getElementById(place).textContent = answer.status + " " + text;
}
ask("fetch", "/v2/scores/testwiki/revid/12/?format=json");
ask("refused", "/v3/scores/nowiki/?format=json");
</script>"""
"""A page of another site, as gadgets on wikis are."""


@pytest.fixture(scope="module")
def wiki(served: Served) -> Iterator[Served]:
    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(GADGET.replace("BASE", served.url))

    with serving(Starlette(routes=[Route("/", page)])) as started:
        yield started


def test_a_gadget_on_another_site_reads_scores_by_script_and_by_fetch(open_page: Visit, wiki: Served) -> None:
    page = open_page(wiki.url, ready="#script:not(:empty)")
    expect(page.locator("#script")).to_have_text("12,13")
    expect(page.locator("#fetch")).to_contain_text('200 {"scores": {"testwiki": {"revid": ')
    expect(page.locator("#refused")).to_contain_text("404 ")
    expect(page.locator("#refused")).to_contain_text("No scorers available for nowiki")
