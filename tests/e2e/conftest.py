"""Debian's Chromium without a screen, driven as a reader would; it may talk to this machine only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from lacking import lacking
from servers.asgi import Served, serving

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PATIENCE_MS = 15_000
"""How long a page may take to become as expected; machines that run tests are busy."""

Visit = Callable[..., Page]
"""Opens an address as one kind of reader: ``visit(url)``, ``visit(url, "dark")``. A page is there when what
``ready`` selects is."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each module: Playwright keeps an event loop running, which asynchronous tests cannot bear."""
    if not CHROMIUM.exists():
        lacking(f"needs Chromium in {CHROMIUM}: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stand_in() -> Iterator[Served]:
    from e2e.stand_in_api import app

    with serving(app()) as served:
        yield served


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> dict[str, BrowserContext]:
    """Kinds of readers. Shared by all tests, as the page stores nothing: a new one would cost a second."""
    desk = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
    kinds: dict[str, dict[str, Any]] = {
        "light": desk,
        "dark": desk | {"color_scheme": "dark"},
        "forced": desk | {"color_scheme": "dark", "forced_colors": "active"},
        "phone": desk | {"viewport": {"width": 360, "height": 740}, "has_touch": True},
    }
    return {kind: browser.new_context(**options) for kind, options in kinds.items()}


@pytest.fixture
def open_page(contexts: dict[str, BrowserContext]) -> Iterator[Visit]:
    """Pages that are closed at the end, and had neither a script error nor a request to another host."""
    pages: list[Page] = []
    errors: list[str] = []
    strangers: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            strangers.append(request.url)

    def visit(url: str, kind: str = "light", ready: str = "#result[aria-busy=false]") -> Page:
        page = contexts[kind].new_page()
        pages.append(page)
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
        page.goto(url)
        page.wait_for_selector(ready)
        return page

    yield visit
    for page in pages:
        page.close()
    # A refused request is written to the console by the browser itself; tests of refusals assert on it.
    assert [e for e in errors if not e.startswith("Failed to load resource")] == []
    assert strangers == []
