"""The home page over the real application: what it shows is what the product computes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

import pytest
from playwright.sync_api import Locator, Page, expect

from assay.revisions.files.compressed import open_stream
from assay.revisions.files.export import read_export
from assay.revisions.record import Record, TextState
from e2e.audit import contrast_faults, structure_faults, unnamed_controls
from e2e.conftest import Visit
from e2e.real_app import EXPORT, real_app
from servers.asgi import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(real_app(tmp_path_factory.mktemp("index"))) as served:
        yield served


@pytest.fixture(scope="module")
def records() -> list[Record]:
    with open_stream(EXPORT) as stream:
        return list(read_export(stream, EXPORT))


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("article", name=title, exact=True)


def show(open_page: Visit, served: Served, rev: int, kind: str = "light") -> Page:
    page = open_page(f"{served.url}/?wiki=samplewiki&rev={rev}", kind)
    expect(page.locator(".eyebrow")).to_have_text(f"samplewiki · revision {rev}")
    return page


def test_from_a_recent_edit_to_a_moved_score(open_page: Visit, served: Served) -> None:
    page = open_page(served.url)
    page.get_by_role("button", name="A recent edit").click()
    expect(page.locator("#edit-title")).to_have_text("Halvick Lighthouse")
    expect(page.get_by_role("table")).to_contain_text("30 September 1983")
    damaging = card(page, "Damaging")
    first = damaging.locator(".figure").inner_text()

    damaging.get_by_label(re.compile("Value of: Characters after the edit")).fill("5")
    expect(damaging.locator(".was")).to_contain_text(first)
    expect(damaging.locator(".figure")).not_to_have_text(first)
    expect(card(page, "Good faith").locator(".was")).to_be_visible()

    damaging.get_by_role("button", name="Reset values").click()
    expect(damaging.locator(".figure")).to_have_text(first)


def test_an_unknown_group_can_be_assumed(open_page: Visit, served: Served) -> None:
    """A dump does not tell who is an administrator: the value is missing, and may be supposed."""
    page = show(open_page, served, 1290)
    damaging = card(page, "Damaging")
    damaging.get_by_role("button", name="Show all").click()
    field = damaging.get_by_label("Value of: The author is an administrator")
    expect(field.locator("option:checked")).to_have_text("unknown")
    with page.expect_response(lambda r: r.request.method == "POST") as answer:
        field.select_option("yes")
    assert answer.value.status == 200
    expect(damaging.get_by_role("button", name="Reset values")).to_be_enabled()
    expect(page.get_by_role("alert")).to_be_empty()


def test_a_value_of_the_wrong_kind_is_refused_in_words(open_page: Visit, served: Served) -> None:
    page = show(open_page, served, 1260)
    damaging = card(page, "Damaging")
    damaging.get_by_role("button", name="Show all").click()
    damaging.get_by_label("Value of: Longest new run of one character").fill("1.5")
    expect(page.get_by_role("status")).to_have_text("Enter a whole number.")


def test_an_unknown_revision_is_told(open_page: Visit, served: Served) -> None:
    page = open_page(f"{served.url}/?wiki=samplewiki&rev=99999999")
    expect(page.get_by_role("alert")).to_have_text(
        "Could not find revision 99999999. Check the wiki and the id."
    )


def test_scripts_in_wiki_text_stay_text(open_page: Visit, served: Served, records: list[Record]) -> None:
    attack = next(r for r in records if r.text and b"<script>" in r.text)
    page = show(open_page, served, attack.rev_id)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    expect(page.locator(".line-added .diff-text").first).to_contain_text("<script>alert(")
    page.locator(".diff").hover()
    assert page.locator("#edit script, #edit img, #edit b[onmouseover]").count() == 0
    assert dialogs == []


@pytest.mark.parametrize("kind", ["hidden", "css", "json"])
def test_what_cannot_be_scored_says_why(
    open_page: Visit, served: Served, records: list[Record], kind: str
) -> None:
    found = next(
        r
        for r in records
        if r.content_model == kind or (kind == "hidden" and r.text_state is TextState.HIDDEN)
    )
    page = show(open_page, served, found.rev_id)
    reason = page.locator(".notice:visible")
    expect(reason).to_have_text(re.compile(r"^No scores\."))
    expect(reason).to_contain_text("hidden" if kind == "hidden" else kind)


def test_one_edit_of_every_page_is_shown(open_page: Visit, served: Served, records: list[Record]) -> None:
    """Every language, namespace and kind of text, without an error in the page."""
    page = show(open_page, served, 1290)
    for title, revisions in groupby(records, key=lambda r: r.title):
        page.get_by_label("Revision id").fill(str(list(revisions)[-1].rev_id))
        page.keyboard.press("Enter")
        expect(page.locator("#edit-title")).to_have_text(title)
        expect(page.locator(".score:visible, .failures:visible").first).to_be_visible()
        expect(page.get_by_role("alert")).to_be_empty()


@pytest.mark.parametrize("kind", ["light", "dark", "phone"])
def test_it_is_readable_for_everybody(open_page: Visit, served: Served, kind: str) -> None:
    page = show(open_page, served, 1277, kind)
    assert contrast_faults(page) == []
    assert structure_faults(page) == []
    assert unnamed_controls(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
