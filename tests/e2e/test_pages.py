"""Feed, thresholds, cards and ORES's page in a real browser, step by step as a patroller uses them: shipped
models, sample wiki."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from assay.serving.pages import wording
from assay.serving.pages.site import PageOptions
from e2e.audit import (
    axe_faults,
    contrast_faults,
    drawing_faults,
    focus_is_visible,
    small_targets,
    structure_faults,
    unnamed_controls,
)
from e2e.conftest import Visit
from e2e.shipped_app import ATTACK, HOSTILE, INDEX_URL, Growing, shipped_app
from servers.asgi import Served, serving
from small_app import SmallApp

FEED = "/feed/samplewiki"
DAMAGING = "/models/samplewiki/damaging"
LIKELY = "damaging.likelybad"
KEPT_BACK = 6
AUTHOR_HIDDEN, ARABIC = 1258, 1257
"""Revisions of the sample wiki."""


@pytest.fixture(scope="module")
def wiki_and_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Growing, Served]]:
    asgi, wiki = shipped_app(tmp_path_factory.mktemp("index"), KEPT_BACK)
    with serving(asgi) as served:
        yield wiki, served


@pytest.fixture
def wiki(wiki_and_served: tuple[Growing, Served]) -> Iterator[Growing]:
    yield wiki_and_served[0]
    wiki_and_served[0].answer(is_away=False)


@pytest.fixture
def served(wiki_and_served: tuple[Growing, Served]) -> Served:
    return wiki_and_served[1]


def asked(served: Served, path: str) -> Any:
    answer = served.ask(path)
    assert answer.status == 200, answer.text
    return json.loads(answer.body)


def look(open_page: Visit, served: Served, path: str, kind: str = "light") -> Page:
    return open_page(served.url + path, kind, "main h1")


def watch(open_page: Visit, served: Served, path: str = FEED) -> Page:
    """The feed with a clock that the test moves, so that nothing is asked for behind its back."""
    page = look(open_page, served, path)
    page.clock.install()
    page.reload()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    return page


def entries(page: Page) -> Locator:
    return page.locator("#edits > li:visible")


def look_again(page: Page) -> None:
    with page.expect_response(lambda response: FEED in response.url):
        page.clock.run_for(10_500)


# -- the feed ----------------------------------------------------------------------------------------


def test_the_feed_is_what_the_api_says(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, FEED)
    expect(entries(page)).to_have_count(25)
    told = asked(served, "/api/samplewiki/feed?limit=25")
    assert told["is_complete"]
    titles = page.locator("#edits h2").all_inner_texts()
    assert titles == [edit["revision"]["page"]["title"] for edit in told["edits"]]
    first, shown = told["edits"][0], entries(page).first
    expect(shown).to_contain_text(first["revision"]["actor"]["name"])
    chance = first["scores"]["damaging"]["probability"]["true"]
    expect(page.get_by_text("Times are in UTC.")).to_be_visible()
    expect(shown.locator(".mark").first).to_have_text(re.compile(rf"Damaging\s+{chance * 100:.0f}%"))


def test_it_narrows_to_an_operating_point_with_and_without_scripts(
    open_page: Visit, served: Served, browser: Browser
) -> None:
    points = asked(served, "/api/samplewiki/models/damaging/thresholds")["operating_points"]
    least, most = next(point["range"] for point in points if point["name"] == "likelybad")
    edits = asked(served, "/api/samplewiki/feed?limit=50")["edits"]
    wanted = [
        str(edit["id"])
        for edit in edits
        if "probability" in (cell := edit["scores"]["damaging"])
        and least <= cell["probability"]["true"] <= most
    ]
    assert 0 < len(wanted) < len(edits)

    page = look(open_page, served, f"{FEED}?limit=50")
    page.get_by_label("Show").select_option(LIKELY)
    expect(page.locator("#state")).to_contain_text(f"{len(wanted)} of the latest {len(edits)} edits.")
    assert entries(page).evaluate_all("all => all.map((e) => e.dataset.rev)") == wanted
    assert page.url.endswith(f"?limit=50&show={LIKELY}")

    meaning = page.get_by_role("link", name="What “precision ≥ 0.6” means")
    meaning.click()
    expect(page.get_by_role("heading", name="At threshold")).to_contain_text(f"{least:.3f}")
    assert read_out(page, "precision") >= 0.6
    page.go_back()

    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(page.url)
    expect(plain.get_by_role("link", name="What “precision ≥ 0.6” means")).to_be_visible()
    assert entries(plain).evaluate_all("all => all.map((e) => e.dataset.rev)") == wanted
    expect(plain.get_by_role("button", name="Show", exact=True)).to_be_visible()
    expect(plain.get_by_role("button", name="Pause")).to_be_hidden()
    plain.context.close()


def test_a_filter_of_bad_faith_leads_to_the_label_that_it_cuts(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, FEED)
    page.get_by_label("Show").select_option("goodfaith.maybebad")
    page.get_by_role("link", name="What “recall ≥ 0.9” means").click()
    expect(page.get_by_role("link", name="false", exact=True)).to_have_attribute("aria-current", "page")
    assert 0.9 <= read_out(page, "recall") < 0.92


def test_where_one_wiki_has_a_feed_it_is_shown_at_once(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, "/models/")
    page.get_by_role("navigation").get_by_role("link", name="Feed").click()
    expect(page).to_have_url(f"{served.url}{FEED}")
    expect(entries(page)).to_have_count(25)


def test_of_several_wikis_one_is_chosen(open_page: Visit) -> None:
    with serving(SmallApp(page=PageOptions(("smallwiki", "awaywiki"))).build().asgi) as several:
        for kind in ("light", "dark", "phone"):
            page = look(open_page, several, "/feed/", kind)
            assert contrast_faults(page) == []
            assert structure_faults(page) == []
            assert axe_faults(page) == []
        page.get_by_role("link", name="smallwiki").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Recent edits of smallwiki")


def test_new_edits_come_by_themselves_to_a_reader_at_the_top(
    open_page: Visit, served: Served, wiki: Growing
) -> None:
    page = watch(open_page, served)
    wiki.reveal(1)
    look_again(page)
    expect(page.get_by_role("status")).to_have_text("1 new edit.")
    expect(entries(page)).to_have_count(26)


def test_a_reader_who_reads_keeps_place_and_focus(open_page: Visit, served: Served, wiki: Growing) -> None:
    page = watch(open_page, served)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".whole .score")).to_have_count(3)
    read = page.evaluate("document.activeElement.closest('li').dataset.rev")
    place = page.evaluate("document.activeElement.getBoundingClientRect().top")
    wiki.reveal(2)
    button = page.get_by_role("button", name="Show 2 new edits")
    look_again(page)
    expect(button).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("2 new edits to show.")
    assert page.evaluate("document.activeElement.closest('li').dataset.rev") == read
    moved = page.evaluate("document.activeElement.getBoundingClientRect().top") - place
    assert abs(moved) <= button.evaluate("e => e.offsetHeight + 20")

    page.keyboard.press("n")
    expect(button).to_be_hidden()
    assert page.evaluate("document.activeElement.closest('li').matches(':first-child')")
    expect(page.locator("details.more[open]")).to_have_count(1)


def test_new_edits_are_told_over_a_score_that_stays_in_sight(
    open_page: Visit, served: Served, wiki: Growing
) -> None:
    page = watch(open_page, served)
    entries(page).first.get_by_text("Change and reasons").click()
    damaging = page.get_by_role("article", name="Damaging", exact=True)
    damaging.get_by_text("Why this score?").click()
    damaging.locator(".push").last.evaluate("e => e.scrollIntoView({ block: 'center' })")
    expect(damaging.locator(".figure")).to_be_in_viewport(ratio=1)
    wiki.reveal(1)
    look_again(page)
    expect(page.locator("#arrivals")).to_be_in_viewport(ratio=1)
    assert page.locator("#arrivals").evaluate(
        """(button) => {
          const { left, top, width, height } = button.getBoundingClientRect();
          const points = [[width / 2, 2], [width / 2, height - 2]];
          return points.every(([x, y]) => document.elementFromPoint(left + x, top + y) === button);
        }"""
    )


def test_it_waits_while_paused_and_tells_when_the_wiki_is_away(
    open_page: Visit, served: Served, wiki: Growing
) -> None:
    page = watch(open_page, served)
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    page.clock.run_for(60_000)
    assert asked_for == []

    wiki.answer(is_away=True)
    page.get_by_role("button", name="Pause").click()
    alert = page.get_by_role("alert")
    expect(alert).to_have_text(re.compile(r"The wiki does not answer\. It is asked again in \d+ s\."))
    wiki.answer(is_away=False)
    for _ in range(2):
        page.get_by_role("button", name="Pause").click()
    expect(alert).to_be_empty()


def test_by_keys_alone_an_edit_is_opened_and_its_reasons_read(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, FEED)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    for key in ("j", "j", "k", "j"):
        page.keyboard.press(key)
    here = entries(page).nth(1)
    assert here.evaluate("e => e.contains(document.activeElement)")
    assert focus_is_visible(page)
    page.keyboard.press("Enter")
    expect(here.locator(".diff-table")).to_be_visible()
    damaging = here.get_by_role("article", name="Damaging", exact=True)
    reasons = damaging.locator("summary")
    while not reasons.evaluate("e => e === document.activeElement"):
        page.keyboard.press("Tab")
    assert focus_is_visible(page)
    page.keyboard.press("Enter")
    expect(damaging.locator(".push")).to_have_count(8)
    expect(damaging.locator(".story")).to_contain_text("Knowing nothing of this edit")

    here.locator("article").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".whole .score")).to_have_count(0)


def test_an_edit_is_seen_on_the_wiki_and_the_list_goes_on(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, FEED)
    page.context.route(f"{INDEX_URL}*", lambda route: route.fulfill(body="the wiki"))
    page.keyboard.press("w")
    page.keyboard.press("j")
    here = entries(page).first
    rev = here.get_attribute("data-rev")
    with page.expect_popup() as opened:
        page.keyboard.press("w")
    expect(opened.value).to_have_url(f"{INDEX_URL}?diff=prev&oldid={rev}")
    page.context.unroute(f"{INDEX_URL}*")
    opened.value.close()
    assert len(page.context.pages) == 1, "where no edit has the focus, nothing opens"
    page.keyboard.press("Enter")
    links = here.locator(".more .links").get_by_role("link", name="(new tab)")
    told = asked(served, f"/api/samplewiki/revisions/{rev}")["revision"]
    assert [unquote(str(link.get_attribute("href"))) for link in links.all()] == [
        f"{INDEX_URL}?diff=prev&oldid={rev}",
        f"{INDEX_URL}?action=history&title={told['page']['title']}",
        f"{INDEX_URL}?title=Special:Contributions/{told['actor']['name']}",
    ]
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("see the edit on the wiki, in a new tab")


def test_only_one_edit_is_open_and_a_changed_value_moves_its_scores(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, FEED)
    for place in (0, 1):
        entries(page).nth(place).get_by_text("Change and reasons").click()
        expect(entries(page).nth(place).locator(".whole .score")).to_have_count(3)
    expect(page.locator(".whole .score")).to_have_count(3)
    damaging = page.get_by_role("article", name="Damaging", exact=True)
    damaging.get_by_text("Why this score?").click()
    kind = damaging.get_by_label(re.compile("Kind of author"))
    first = damaging.locator(".figure").inner_text()
    kind.fill("0" if kind.input_value() != "0" else "2")
    expect(damaging.locator(".was")).to_contain_text(first)
    status = page.get_by_role("status")
    expect(status).to_have_text(re.compile(r"^With the changed value: Damaging: \d+%, .* Good faith: "))
    page.route("**/api/**/revisions/*", lambda route: route.abort())
    kind.fill("1")
    expect(damaging.locator(".push-fault:visible")).to_contain_text("The server cannot be reached.")
    expect(status).to_contain_text("The server cannot be reached.")
    damaging.get_by_role("button", name="Reset values").click()
    expect(status).to_have_text("All values are as they were.")
    expect(damaging.locator(".figure")).to_have_text(first)
    expect(damaging.locator(".push-fault:visible")).to_have_count(0)


def test_what_is_opened_is_told_while_it_comes_and_when_it_fails(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, FEED)
    waiting: list[Route] = []
    page.route("**/api/**/revisions/*", lambda route: waiting.append(route))
    with page.expect_request("**/api/**/revisions/*"):
        entries(page).first.get_by_text("Change and reasons").click()
    status = page.get_by_role("status")
    expect(status).to_have_text("Loading …")
    waiting[0].abort()
    expect(status).to_have_text("The server cannot be reached. Check that Assay is running, then try again.")


def test_letters_are_no_keys_where_a_reader_says_so(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, f"{FEED}?limit=5")
    page.keyboard.press("?")
    page.get_by_role("checkbox", name="These letters are keys").uncheck()
    page.keyboard.press("Escape")
    assert page.url.endswith("?limit=5&keys=off")
    for _ in range(2):
        for key in ("j", "p", "n", "?"):
            page.keyboard.press(key)
        expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "false")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(page.get_by_role("list", name="Edits").locator("*:focus")).to_have_count(0)
        page.reload()
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Keys").click()
    assert axe_faults(page) == []
    assert small_targets(page) == []
    page.get_by_role("checkbox", name="These letters are keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.get_by_role("list", name="Edits").get_by_role("article").first).to_be_focused()
    assert page.url.endswith("?limit=5")


def test_right_to_left_words_keep_to_themselves(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, f"{FEED}?limit=50")
    here = page.locator(f"#edit-{ARABIC}")
    direction = "e => getComputedStyle(e).direction"
    assert here.locator(".comment").evaluate(direction) == "rtl"
    assert (
        here.locator("h2 bdi").evaluate(direction) == here.locator(".actor bdi").evaluate(direction) == "rtl"
    )
    assert here.locator("h2").evaluate(direction) == here.locator(".facts").evaluate(direction) == "ltr"
    assert page.locator(".entry .comment").first.evaluate(direction) == "ltr"


def test_what_a_wiki_wrote_is_in_its_language(open_page: Visit, tmp_path: Path) -> None:
    wikis_own = (
        "#edits h2 bdi, #edits .comment, .edit-card h2 bdi, .edit-card .comment:not(.none), .diff-text"
    )
    asgi, _ = shipped_app(tmp_path, name="arzwiki")
    with serving(asgi) as arabic:
        page = look(open_page, arabic, "/feed/arzwiki?limit=5")
        entries(page).first.get_by_text("Change and reasons").click()
        expect(page.locator(".diff-text").first).to_be_visible()
        assert page.locator(wikis_own).count() > 10
        assert set(page.locator(wikis_own).evaluate_all("all => all.map((e) => e.lang)")) == {"arz"}
        assert axe_faults(page) == []
        page.get_by_role("link", name="This edit by itself").click()
        expect(page.locator(".diff-text .unfold").first).to_be_visible()
        assert set(page.locator(wikis_own).evaluate_all("all => all.map((e) => e.lang)")) == {"arz"}
        ours = page.locator(".diff-text .unfold, .diff-text .run > .visually-hidden:first-child")
        assert set(ours.evaluate_all("all => all.map((e) => e.lang)")) == {"en"}


def test_a_long_summary_is_read_whole_in_an_edit_that_is_open(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, FEED, "phone")
    here = entries(page).filter(has=page.locator(".comment")).first
    comment = here.locator(".comment")
    comment.evaluate("e => { e.textContent = 'because '.repeat(60); }")
    hidden = "e => e.scrollHeight - e.clientHeight"
    assert comment.evaluate(hidden) > 50
    here.get_by_text("Change and reasons").click()
    assert comment.evaluate(hidden) == 0


def test_why_an_edit_has_no_scores_is_told_once_where_it_can_be_seen(
    open_page: Visit, served: Served
) -> None:
    page = look(open_page, served, f"{FEED}?limit=50", "phone")
    here = page.locator(f"#edit-{AUTHOR_HIDDEN}")
    reason = here.get_by_text(f"The user of revision {AUTHOR_HIDDEN} is hidden.")
    expect(reason).to_have_text(f"No scores. The user of revision {AUTHOR_HIDDEN} is hidden.")
    expect(here.get_by_role("list", name="Scores").get_by_role("listitem").first).to_have_text(
        re.compile(r"^\s*Damaging\s+–\s*no score\s*$")
    )
    here.get_by_text("Change and reasons").click()
    expect(here.locator(".notice:visible")).to_have_text(
        [f"No scores. The user of revision {AUTHOR_HIDDEN} is hidden."]
    )
    expect(reason.filter(visible=True)).to_have_count(1)
    expect(here.locator(".score:visible")).to_have_count(0)
    assert axe_faults(page) == []


def test_what_a_wiki_wrote_stays_text(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, f"{FEED}?limit=50")
    hostile = page.locator(f"#edit-{HOSTILE}")
    expect(hostile.locator("h2")).to_have_text(ATTACK)
    expect(hostile.locator(".actor")).to_have_text(ATTACK)
    expect(hostile.locator(".comment")).to_have_text(ATTACK)
    hostile.get_by_text("Change and reasons").click()
    expect(hostile.locator(".whole .score")).to_have_count(3)
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("window.stolen") is None


# -- models ------------------------------------------------------------------------------------------


def test_from_the_feed_to_a_card_and_its_thresholds(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, FEED)
    page.get_by_role("navigation").get_by_role("link", name="Models").click()
    page.get_by_role("link", name="Damaging", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Damaging")
    expect(page.get_by_role("img", name=re.compile("^Precision–recall curve.* true:"))).to_be_visible()
    told = asked(served, "/api/samplewiki/models/damaging")["statistics"]["roc_auc"]["labels"]["true"]
    expect(page.get_by_role("row", name=re.compile("^ROC-AUC"))).to_contain_text(f"{told:.3f}")
    page.get_by_role("link", name="Thresholds").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thresholds of Damaging")


def read_out(page: Page, name: str) -> float:
    return float(page.locator(f"#read-{name}").inner_text().split()[0])


def test_the_explorer_begins_where_most_is_caught_and_marks_the_point(
    open_page: Visit, served: Served
) -> None:
    page = look(open_page, served, f"{DAMAGING}/thresholds")
    assert 0.9 <= read_out(page, "recall") < 0.92
    current = page.locator(".points [aria-current=true]")
    expect(current).to_have_count(1)
    expect(current).to_contain_text("May have problems")
    expect(page.locator("#path")).to_contain_text("maximum precision @ recall >= 0.9")
    page.get_by_role("link", name="Likely have problems").first.click()
    expect(page.locator("#path")).to_contain_text("maximum recall @ precision >= 0.6")
    expect(current).to_have_text(re.compile("^Likely have problems"))
    assert read_out(page, "precision") >= 0.6


def test_a_threshold_is_dragged_and_every_figure_follows(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, f"{DAMAGING}/thresholds")
    table = asked(served, "/api/samplewiki/models/damaging/thresholds")["table"]
    box = page.locator("#plot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60, steps=4)
    page.mouse.up()
    slider = page.get_by_role("slider", name="Threshold")
    at = float(slider.input_value())
    assert at == pytest.approx((0.4 * 720 - 56) / 652, abs=0.01)
    row = next(row for row in table if row["threshold"] >= at)
    for name in ("precision", "recall", "filter_rate", "match_rate"):
        assert read_out(page, name) == pytest.approx(row[name], abs=0.0006)
    expect(page.locator("#read-precision small")).to_have_text(re.compile(r"\(0\.\d{3} to 0\.\d{3}\)"))
    assert f"at={at}" in page.url

    expect(slider).to_be_focused()
    page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) == pytest.approx(at + 0.001)
    assert slider.get_attribute("aria-valuetext") == (
        f"{page.locator('#read-threshold').inner_text()}: precision {read_out(page, 'precision'):.3f}, "
        f"recall {read_out(page, 'recall'):.3f}, filter rate {read_out(page, 'filter_rate'):.3f}"
    )


def test_a_finger_chooses_a_threshold(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, f"{DAMAGING}/thresholds", "phone")
    box = page.locator("#plot").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    expect(page.get_by_role("slider")).to_have_value(re.compile(r"0\.4[67]\d"))


def test_on_a_phone_each_row_tells_its_threshold_and_nothing_is_cut(open_page: Visit, served: Served) -> None:
    page = look(open_page, served, f"{DAMAGING}/thresholds", "phone")
    expect(page.locator("#read-precision")).to_have_text(re.compile(r"\(\d\.\d+ to \d\.\d+\)"))
    page.get_by_text("All thresholds as a table").click()
    table = page.get_by_role("table")
    heads = ["Threshold", "Precision", "Recall", "Filter rate", "Match rate"]
    assert table.get_by_role("columnheader").all_inner_texts() == heads
    expect(table.get_by_role("rowheader").first).to_be_visible()
    cut = "all => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)"
    assert page.locator("#read-precision, #table-box .scroll, #table td").evaluate_all(cut) == []


def test_what_is_copied_finds_the_threshold_again(
    open_page: Visit, served: Served, contexts: dict[str, BrowserContext]
) -> None:
    contexts["light"].grant_permissions(["clipboard-read", "clipboard-write"])
    page = look(open_page, served, f"{DAMAGING}/thresholds?at=0.5")
    page.get_by_role("link", name="Likely have problems", exact=False).first.click()
    page.get_by_label("the recall").check()
    recall = read_out(page, "recall")

    page.get_by_role("button", name="Copy").nth(0).click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    query = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"statistics\.thresholds\.true\.'maximum precision @ recall >= 0\.\d+'", query)

    page.get_by_role("button", name="Copy").nth(-1).click()
    address = page.evaluate("navigator.clipboard.readText()")
    assert query in unquote(address)
    told = asked(served, address.removeprefix(served.url))
    (row,) = told["samplewiki"]["models"]["damaging"]["statistics"]["thresholds"]["true"]
    assert row["recall"] >= recall - 0.001
    assert row["precision"] >= read_out(page, "precision") - 0.0006


def test_a_threshold_is_chosen_without_scripts(served: Served, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.url}{DAMAGING}/thresholds?label=true&at=0.25&hold=recall")
    table = asked(served, "/api/samplewiki/models/damaging/thresholds")["table"]
    row = next(row for row in table if row["threshold"] >= 0.25)
    assert read_out(page, "recall") == pytest.approx(row["recall"], abs=0.0006)
    expect(page.locator("#path")).to_contain_text("maximum precision @ recall >=")
    page.get_by_role("button", name="Show this threshold").click()
    expect(page.locator("#read-threshold")).to_have_text(re.compile(r"0\.2\d\d"))
    context.close()


# -- ORES's page -------------------------------------------------------------------------------------


def test_an_address_of_ores_runs_by_itself(open_page: Visit, served: Served) -> None:
    state = "wiki=samplewiki&revids=1280|1279&models=damaging|goodfaith&go=1"
    page = open_page(f"{served.url}/ui/?{state}", "light", "#answer[aria-busy=false] tbody tr")
    heads = page.get_by_role("columnheader").all_inner_texts()
    assert [head.strip() for head in heads] == ["Wiki", "Model", "RevID", "Value", "Score"]
    raw = page.locator("#raw a")
    told = asked(served, quote(str(raw.get_attribute("href")), safe="/?&=|"))["samplewiki"]["scores"]
    cells = page.locator("tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    assert cells == [
        ["samplewiki", model, rev, value, str(chance)]
        for rev in ("1280", "1279")
        for model, cell in told[rev].items()
        for value, chance in cell["score"]["probability"].items()
    ]
    for order in ("ascending", "descending"):
        page.get_by_role("button", name="Score", exact=True).click()
        expect(page.get_by_role("columnheader", name="Score")).to_have_attribute("aria-sort", order)
    figures = [float(text) for text in page.locator("tbody td:last-child").all_inner_texts()]
    assert figures == sorted(figures, reverse=True)


def test_on_a_phone_the_scores_are_in_sight_and_the_head_is_as_on_other_pages(
    open_page: Visit, served: Served
) -> None:
    state = "wiki=samplewiki&revids=1280|99&go=1"
    page = open_page(f"{served.url}/ui/?{state}", "phone", "#answer[aria-busy=false] tbody tr")
    assert page.locator("#answer .scroll").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    expect(page.locator("#table td.fault").first).to_have_text("Could not find revision 99.")
    height = "document.querySelector('header').getBoundingClientRect().height"
    heights = {path: look(open_page, served, path, "phone").evaluate(height) for path in ("/", "/ui/", FEED)}
    assert len(set(heights.values())) == 1, heights


def test_scores_are_asked_for_by_hand(open_page: Visit, served: Served) -> None:
    page = open_page(f"{served.url}/ui/", "light", "#models input")
    page.get_by_role("button", name="Get scores").click()
    expect(page.get_by_label("Up to 50 RevIDs")).to_be_focused()
    expect(page.get_by_text("Enter revision ids")).to_be_visible()
    page.get_by_label("reverted").check()
    page.get_by_label("Up to 50 RevIDs").fill("1280, 99999999")
    page.get_by_role("button", name="Get scores").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody")).to_contain_text("Could not find revision 99999999.")
    assert page.url.endswith("?wiki=samplewiki&revids=1280|99999999&models=reverted&go=1")
    page.get_by_label("Up to 50 RevIDs").fill(", ".join(map(str, range(1, 52))))
    page.get_by_role("button", name="Get scores").click()
    expect(page.get_by_text("51 revisions are too many: give at most 50.")).to_be_visible()


# -- for everybody -----------------------------------------------------------------------------------

PAGES = {
    "edit": "/?wiki=samplewiki&rev=1260",
    "feed": FEED,
    "scores": "/ui/?wiki=samplewiki&revids=1280|5&models=damaging&go=1",
    "models": "/models/",
    "card": DAMAGING,
    "thresholds": f"{DAMAGING}/thresholds",
    "refusal": "/models/samplewiki/none",
}


@pytest.mark.parametrize("name", PAGES)
def test_they_are_readable_for_everybody(open_page: Visit, served: Served, name: str) -> None:
    for kind in ("light", "dark", "phone"):
        page = look(open_page, served, PAGES[name], kind)
        if name == "scores":
            page.wait_for_selector("tbody tr")
        if name == "edit":
            expect(page.locator(".score")).to_have_count(3)
            page.get_by_text("Why this score?").last.click()
        if name == "feed":
            page.get_by_text("Change and reasons").first.click()
            expect(page.locator(".whole .score")).to_have_count(3)
        assert contrast_faults(page) == []
        assert structure_faults(page) == []
        assert small_targets(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        if kind == "phone":
            assert unnamed_controls(page) == []
            assert axe_faults(page) == []


@pytest.mark.parametrize("name", ["feed", "card", "thresholds"])
def test_drawings_are_in_a_readers_own_colours(open_page: Visit, served: Served, name: str) -> None:
    assert drawing_faults(look(open_page, served, PAGES[name], "forced")) == []


def test_words_are_the_same_on_both_sides(open_page: Visit, served: Served) -> None:
    """What Python says in the list, and JavaScript in its parts."""
    page = look(open_page, served, "/models/")
    script = str(page.locator("link[rel=stylesheet]").first.get_attribute("href")).replace(
        "frame.css", "wording.js"
    )
    chances = [0, 0.0004, 0.001, 0.0049, 0.005, 0.0349, 0.123, 0.5, 0.9849, 0.991, 0.9995, 1]
    comments = ["/* היסטוריה */ עוד", "/* 1 تاريخ */ a /* B */", "/* B תל */", "/* 12 */ x"]
    comments += ["/* History */ more", "[[Talk:A|talk]] and [[B]]", "plain", "/* A */", "→ [[a]"]
    names = ["damaging", "goodfaith", "reverted", "articlequality", "draft_quality"]
    changes = [-1234, 0, 56]
    told = page.evaluate(
        """async ([script, chances, comments, names, changes]) => {
          const words = await import(script);
          const titles = names.map((name) => words.modelWords(name).title);
          const sizes = changes.map(words.sizeChange);
          const lists = [1, 2, 3].map((most) => words.listed(names.slice(0, most)));
          return [chances.map(words.percent), comments.map(words.summary), titles, sizes, lists];
        }""",
        [script, chances, comments, names, changes],
    )
    assert told == [
        [wording.percent(chance) for chance in chances],
        [wording.summary(comment) for comment in comments],
        [wording.model_title(name) for name in names],
        [wording.size_change(change) for change in changes],
        [wording.listed(names[:most]) for most in (1, 2, 3)],
    ]
