"""The home page in a real browser, step by step as a person uses it."""

from __future__ import annotations

import json
import re
from functools import partial
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from assay.features.catalogue import catalogue
from assay.features.graph.node import Feature
from assay.features.lexicon import Lexicons
from assay.models.bundle import load_bundles
from assay.models.library import search, shipped_folder
from e2e.audit import (
    contrast_faults,
    focus_is_visible,
    small_targets,
    structure_faults,
    unnamed_controls,
)
from e2e.conftest import Visit
from e2e.stand_in_api import BUSY, HIDDEN, HOSTILE, HUGE, OBSCURE
from servers.asgi import Served
from shared_data import ROOT

VANDALISM, GROWTH, ARABIC, NEW_PAGE = 1260, 1277, 1257, 1001
"""Revisions of the sample wiki."""


ON_TOP = """(field) => {
  const { left, top, bottom } = field.getBoundingClientRect();
  return [top + 2, bottom - 2].every((y) => document.elementFromPoint(left + 10, y) === field);
}"""


def address(served: Served, rev: int | str = "", wiki: str = "samplewiki") -> str:
    return f"{served.url}/?wiki={wiki}&rev={rev}" if rev else f"{served.url}/"


def score(page: Page, title: str) -> Locator:
    return page.get_by_role("article", name=title, exact=True)


def feature(card: Locator, name: str) -> Locator:
    return card.locator(f'li[data-feature="{name}"]')


def open_all_reasons(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


# -- looking -----------------------------------------------------------------------------------------


def test_a_recent_edit_is_shown_with_its_change_scores_and_reasons(
    open_page: Visit, stand_in: Served
) -> None:
    page = open_page(address(stand_in))
    page.get_by_label("Wiki").select_option("samplewiki")
    page.get_by_role("button", name="A recent edit").click()

    expect(page.get_by_role("heading", name="Halvick Lighthouse")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("Keeper Johan")
    expect(page.locator(".facts time")).to_have_text("3 Nov 2025, 12:10 UTC")
    expect(page.locator(".comment")).to_have_text("the keeper's log ends on 30 September 1983")
    expect(page.get_by_role("table")).to_contain_text("30 September 1983")
    for title in ("Damaging", "Good faith", "Reverted", "Article quality"):
        expect(score(page, title).get_by_role("meter").first).to_be_visible()
    expect(score(page, "Damaging").locator(".push")).to_have_count(8)
    assert query(page) == {"wiki": ["samplewiki"], "rev": ["1290"]}
    expect(page.get_by_role("status")).to_contain_text("Revision 1290 of Halvick Lighthouse. Damaging:")


def test_asking_for_a_recent_edit_again_shows_the_one_before(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    for rev in ("1290", "1289"):
        page.get_by_role("button", name="A recent edit").click()
        expect(page.get_by_label("Revision id")).to_have_value(rev)
        expect(page.locator(".eyebrow")).to_have_text(f"samplewiki · revision {rev}")


def test_an_address_can_be_shared_and_history_walked(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    expect(page.get_by_role("heading", name="River Aldern")).to_be_visible()
    page.get_by_label("Revision id").fill("1286")
    page.get_by_role("button", name="Score it").click()
    expect(page.get_by_role("heading", name="Kite")).to_be_visible()
    assert page.title() == "Kite, revision 1286 · Assay"

    page.go_back()
    expect(page.get_by_role("heading", name="River Aldern")).to_be_visible()
    expect(page.get_by_label("Revision id")).to_have_value(str(VANDALISM))
    page.go_forward()
    expect(page.get_by_role("heading", name="Kite")).to_be_visible()


def test_going_back_to_the_start_takes_the_edit_away(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    page.get_by_role("button", name="A recent edit").click()
    expect(page.locator("#edit-title")).to_be_visible()
    page.go_back()
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#edit-title")).to_have_count(0)


def test_the_change_is_marked_by_sign_and_word_not_by_colour_alone(
    open_page: Visit, stand_in: Served
) -> None:
    page = open_page(address(stand_in, VANDALISM))
    added = page.locator("tr.line-added")
    expect(added.locator(".diff-sign")).to_have_text("+Added line")
    expect(added.locator("ins")).to_have_text("lol who even reads this shit")
    changed = page.locator("tr.line-changed")
    expect(changed.locator("ins")).to_have_text("added:  asdfghjklasdfghjkl; ")
    marks = changed.locator("ins").evaluate("e => getComputedStyle(e, '::before').content")
    assert "+" in marks
    expect(page.locator("tr.gap").first).to_have_text("17 unchanged lines not shown")


def test_long_unchanged_text_is_folded_and_can_be_unfolded(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, GROWTH))
    line = page.locator("tr.line-changed .diff-text")
    before = len(line.inner_text())
    fold = line.get_by_role("button", name=re.compile("Show [0-9,]+ unchanged characters"))
    fold.focus()
    page.keyboard.press("Enter")
    expect(fold).to_have_count(0)
    assert len(line.inner_text()) > before + 200
    assert line.evaluate("e => e === document.activeElement"), "focus must not be lost with the button"


def test_very_many_lines_are_folded(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, HUGE))
    expect(page.locator("tr.line-added")).to_have_count(12)
    expect(page.get_by_text("The change is longer than this")).to_be_visible()
    page.get_by_role("button", name="Show 188 more lines").click()
    expect(page.locator("tr.line-added")).to_have_count(200)


def test_what_nobody_sees_is_shown_where_it_misleads_or_is_all_that_changed(
    open_page: Visit, stand_in: Served
) -> None:
    page = open_page(address(stand_in, OBSCURE))
    lines = page.locator("td.diff-text")
    assert lines.nth(0).inner_text() == "pay U+202Eelbatsnoc U+202C U+0000now".replace("c U", "cU")
    expect(lines.nth(1).locator(".code-point")).to_have_count(0)
    expect(lines.nth(2).locator("ins .code-point")).to_have_text(["U+200B", "U+00AD"])


def test_what_is_shown_inside_other_text_is_what_the_reference_says(words: Page) -> None:
    page = (ROOT / "docs" / "reference" / "pages.md").read_text("utf-8")
    told = page.partition("These are controls")[2].partition("The direction marks")[0]
    spans = re.findall(r"`U\+(\w{4})`(?:\s+to\s+`U\+(\w{4})`)?", told)
    listed = {code for a, b in spans for code in range(int(a, 16), int(b or a, 16) + 1)}
    assert len(spans) == 8
    marked = words.evaluate("""async () => {
      const { shown } = await import('/static/x/unseen.js');
      const codes = [...Array(0x10000).keys()];
      return codes.filter((code) => shown(`a${String.fromCharCode(code)}b`).length > 1);
    }""")
    assert set(marked) == listed
    assert listed.isdisjoint({0x061C, 0x200E, 0x200F})


@pytest.mark.parametrize("unit", ["\u200b", "\u202e", "\u200b\u200c"], ids=["alike", "misleading", "in turn"])
def test_however_many_marks_can_be_seen(words: Page, unit: str) -> None:
    marks = words.evaluate(
        """async (unit) => {
          const { diffSection } = await import('/static/x/diff.js');
          const parts = [{ kind: 'added', text: unit.repeat(150_000) }];
          const hunk = { old_start: 1, new_start: 1, lines: [{ kind: 'added', parts }] };
          const section = diffSection({ hunks: [hunk], added_lines: 1, removed_lines: 0 }, {});
          section.querySelector('.unfold').click();
          const shown = [...section.querySelectorAll('.code-point')].map((mark) => mark.textContent);
          return { count: shown.length, first: shown.slice(0, 3) };
        }""",
        unit,
    )
    names = [f"U+{ord(character):04X}" for character in unit]
    if len(names) == 1:
        counts = ("1,200", "148,710", "90")
        assert marks == {"count": 3, "first": [f"{names[0]} × {count}" for count in counts]}
    else:
        assert marks == {"count": 300_000, "first": [*names, names[0]]}


def test_a_very_long_run_is_cut_and_can_be_seen_whole(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, OBSCURE))
    line = page.locator("td.diff-text").nth(3)
    assert len(line.inner_text()) < 1500
    line.get_by_role("button", name="Show 18,710 added characters").click()
    assert line.inner_text() == "x" * 20_000
    assert line.evaluate("e => e === document.activeElement"), "focus must not be lost with the button"
    removed = page.locator("td.diff-text").nth(4)
    removed.get_by_role("button", name=re.compile("Show 3,[0-9]{3} removed characters")).click()
    expect(removed.locator("del")).to_have_text("removed: " + "word " * 900 + "; ")


def test_a_page_creation_says_so(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, NEW_PAGE))
    expect(page.locator(".facts")).to_contain_text("new page")
    expect(page.get_by_text("This revision created the page.")).to_be_visible()


def test_right_to_left_text_keeps_to_itself(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, ARABIC))
    line = page.locator("tr.line-changed .diff-text")
    assert line.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert page.locator("#edit-title").evaluate("e => getComputedStyle(e).direction") == "ltr"
    expect(page.locator("#edit-title bdi")).to_have_text("واحة تلمين")
    expect(page.locator(".actor bdi")).to_have_text("سلمى النخلي")
    assert page.locator(".comment").evaluate("e => getComputedStyle(e).direction") == "rtl"
    page.goto(address(stand_in, VANDALISM + 8))
    expect(page.locator(".comment:not(.none)")).to_be_visible()
    assert page.locator(".comment").evaluate("e => getComputedStyle(e).direction") == "ltr"


_ARABIC, _HEBREW = "هذه صفحة عن واحة", "הדף הזה על נווה מדבר"


@pytest.mark.parametrize(
    ("parts", "direction"),
    [
        ([("added", _ARABIC), ("equal", f" {_HEBREW}")], "rtl"),
        ([("removed", _HEBREW), ("added", _ARABIC)], "rtl"),
        ([("equal", f"{_ARABIC} " * 40), ("added", _HEBREW)], "rtl"),
        ([("added", f"\u202e{_HEBREW}")], "rtl"),
        ([("added", "A page"), ("equal", f" {_ARABIC}")], "ltr"),
        ([("equal", "a page " * 80), ("added", _HEBREW)], "ltr"),
    ],
    ids=["added first", "removed first", "folded first", "marked first", "Latin first", "Latin folded first"],
)
def test_a_line_has_its_own_texts_direction_whatever_the_page_says_in_it(
    words: Page, parts: list[tuple[str, str]], direction: str
) -> None:
    call = """async (parts) => {
      const { diffSection } = await import('/static/x/diff.js');
      const kind = parts.length > 1 ? 'changed' : 'added';
      const lines = [{ kind, parts: parts.map(([kind, text]) => ({ kind, text })) }];
      const hunks = [{ old_start: 1, new_start: 1, lines }];
      const section = document.body.appendChild(diffSection({ hunks, added_lines: 1, removed_lines: 0 }, {}));
      const found = getComputedStyle(section.querySelector('.diff-text')).direction;
      section.remove();
      return found;
    }"""
    assert words.evaluate(call, parts) == direction


def test_a_live_wikis_edit_links_to_its_diff(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM, "enwiki"))
    link = page.get_by_role("link", name="This edit on the wiki")
    expect(link).to_have_attribute(
        "href", f"https://en.wikipedia.org/w/index.php?diff=prev&oldid={VANDALISM}"
    )
    history = page.get_by_role("link", name="The page's history")
    expect(history).to_have_attribute(
        "href", "https://en.wikipedia.org/w/index.php?title=River+Aldern&action=history"
    )
    author = page.get_by_role("link", name="The author's edits")
    expect(author).to_have_attribute(
        "href", "https://en.wikipedia.org/w/index.php?title=Special%3AContributions%2F203.0.113.154"
    )
    page.goto(address(stand_in, HIDDEN, "enwiki"))
    expect(history).to_be_visible()
    expect(author).to_have_count(0)
    page.goto(address(stand_in, VANDALISM))
    expect(page.locator("#edit-title")).to_be_visible()
    for one in (link, history, author):
        expect(one).to_have_count(0)


def test_classes_are_explained_one_by_one(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, GROWTH))
    card = score(page, "Article quality")
    expect(card.locator(".class-row")).to_have_count(6)
    expect(card.locator(".class-row.chosen")).to_contain_text("FA")
    card.get_by_text("Why this score?").click()
    story = card.locator(".story").inner_text()
    card.get_by_label("What speaks for and against class").select_option("Stub")
    expect(card.locator(".story")).not_to_have_text(story)


def test_all_features_can_be_seen(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    card = score(page, "Damaging")
    card.get_by_role("button", name="Show all 11 features").click()
    expect(card.locator(".push")).to_have_count(11)
    expect(card.locator(".rest")).to_be_hidden()
    card.get_by_role("button", name="Show the top 8").click()
    expect(card.locator(".push")).to_have_count(8)


def test_reasons_are_ordered_by_size_and_signed(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    card = score(page, "Damaging")
    texts = card.locator(".push-text").all_inner_texts()
    values = [float(re.sub(r"[^0-9.−+-]", "", text).replace("−", "-")) for text in texts]
    assert [abs(v) for v in values] == sorted((abs(v) for v in values), reverse=True)
    assert any(v > 0 for v in values)
    assert any(v < 0 for v in values)
    for text, value in zip(texts, values, strict=True):
        assert ("▲" in text) == (value > 0), text
        assert ("▼" in text) == (value < 0), text
    expect(card.locator(".push-words").first).to_have_text("Swear words (English) added minus removed")


def test_a_glance_shows_all_scores_and_leads_to_their_reasons(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    tiles = page.get_by_role("list", name="Scores at a glance").get_by_role("button")
    expect(tiles).to_have_count(4)
    reverted = score(page, "Reverted")
    expect(tiles.nth(2)).to_contain_text(reverted.locator(".figure").inner_text())
    tiles.nth(2).focus()
    page.keyboard.press("Enter")
    expect(reverted.locator("details")).to_have_attribute("open", "")
    expect(reverted.get_by_role("heading")).to_be_focused()
    expect(reverted.get_by_role("heading")).to_be_in_viewport()
    reverted.get_by_label("Value of: Swear words (English) added minus removed").fill("0")
    expect(reverted.locator(".was")).to_be_visible()
    expect(tiles.nth(2)).to_contain_text(reverted.locator(".figure").inner_text())


@pytest.mark.parametrize(("width", "text"), [(1440, "100%"), (1024, "100%"), (1440, "200%")])
def test_no_column_is_left_empty(open_page: Visit, stand_in: Served, width: int, text: str) -> None:
    page = open_page(address(stand_in, NEW_PAGE))
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", text)
    widths = "all => all.map((e) => Math.round(e.getBoundingClientRect().width))"
    assert set(page.locator("#edit, #edit > *, .score").evaluate_all(widths)) == {
        round(page.locator("#edit").evaluate("e => e.getBoundingClientRect().width"))
    }
    for card in page.locator(".score:has(details[open])").all():
        inside, listed = card.bounding_box(), card.locator(".pushes").bounding_box()
        assert inside is not None
        assert listed is not None
        assert listed["width"] > 0.9 * inside["width"]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_on_a_desk_the_score_its_question_and_reasons_stand_side_by_side(
    open_page: Visit, stand_in: Served
) -> None:
    page = open_page(address(stand_in, VANDALISM))
    parts = score(page, "Good faith").locator("h3, .figure, .main-reasons")
    boxes = parts.evaluate_all("all => all.map((e) => e.getBoundingClientRect().toJSON())")
    assert len(boxes) == 3
    for left, right in pairwise(boxes):
        assert left["right"] < right["left"]
        assert left["top"] < right["bottom"]
        assert right["top"] < left["bottom"]


def test_the_main_reasons_are_told_without_opening_the_list(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    card = score(page, "Reverted")
    reasons = card.locator(".main-reasons li")
    assert [" ".join(text.split()) for text in reasons.all_inner_texts()] == [
        "▲ pushes up: Swear words (English) added minus removed: 2",
        "▲ pushes up: The author is not logged in: yes",
        "▼ pushes down: Characters after the edit: 8207",
    ]
    expect(card.get_by_role("list", name="Main reasons")).to_have_count(1)
    expect(card.locator("summary")).to_have_accessible_name("Why this score? Reverted")
    card.get_by_text("Why this score?").click()
    feature(card, "feature.revision.user.is_anon").get_by_role("combobox").select_option("no")
    expect(reasons.nth(1)).to_contain_text("Characters after the edit")
    quality = score(page, "Article quality")
    predicted = quality.locator(".figure").inner_text()
    expect(quality.get_by_text(f"Main reasons for {predicted}")).to_be_visible()


def test_nothing_is_named_as_a_reason_that_moves_nothing(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, HUGE))
    expect(score(page, "Damaging").locator(".main-reasons")).to_be_empty()


def test_of_features_that_count_the_same_one_is_a_main_reason(words: Page) -> None:
    names = words.evaluate("""async () => {
      const { mainFeatures } = await import('/static/x/explanation.js');
      const features = [
        ['a.diff.words_delta_sum', 2], ['a.diff.words_prop_delta_increase', -3], ['b', 0.001],
        ['a.diff.chars_delta_sum', 1], ['c', null],
      ].map(([name, push]) => ({ name, value: 1, contributions: push === null ? {} : { true: push } }));
      const cell = { prediction: false, explanation: { true: {} }, features };
      return mainFeatures(cell, 3).map(({ name, contribution }) => [name, contribution]);
    }""")
    assert names == [["a.diff.words_prop_delta_increase", -3], ["a.diff.chars_delta_sum", 1]]


def test_the_question_steps_back_so_that_a_phone_shows_the_answer(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in), "phone")
    expect(page.locator(".lead")).to_be_visible()
    page.get_by_label("Wiki").select_option("samplewiki")
    page.get_by_label("Revision id").fill(str(VANDALISM))
    page.get_by_role("button", name="Score it").click()
    tiles = page.get_by_role("list", name="Scores at a glance").get_by_role("button")
    expect(tiles.last).to_be_in_viewport(ratio=1)
    expect(page.locator(".lead")).to_be_hidden()
    expect(page.get_by_label("Revision id")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(("kind", "stays"), [("light", True), ("phone", False)])
def test_the_keyboard_of_a_phone_does_not_stay_over_the_answer(
    open_page: Visit, stand_in: Served, kind: str, stays: bool
) -> None:
    page = open_page(address(stand_in), kind)
    field = page.get_by_label("Revision id")
    field.fill("abc")
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    field.fill(str(VANDALISM))
    page.keyboard.press("Enter")
    expect(page.locator("#edit-title")).to_be_visible()
    assert field.evaluate("e => e === document.activeElement") is stays


def test_how_much_an_edit_adds_or_takes_is_told_where_both_sizes_are(
    open_page: Visit, stand_in: Served
) -> None:
    page = open_page(address(stand_in, VANDALISM))
    expect(page.locator(".facts .size")).to_have_text("+48 bytes")
    expect(page.locator(".facts")).to_contain_text("8,227 bytes now")
    page.goto(address(stand_in, HUGE))
    expect(page.locator(".facts")).to_contain_text("7 bytes now")
    expect(page.locator(".facts .size")).to_have_count(0)


# -- what if -----------------------------------------------------------------------------------------


def test_changing_a_feature_moves_the_score_and_reset_takes_it_back(
    open_page: Visit, stand_in: Served
) -> None:
    page = open_page(address(stand_in, VANDALISM))
    card = score(page, "Damaging")
    first = card.locator(".figure").inner_text()
    order = card.locator(".push code").all_inner_texts()
    reset = card.get_by_role("button", name="Reset values")
    expect(reset).to_be_disabled()

    field = card.get_by_label("Value of: Swear words (English) added minus removed")
    field.fill("0")
    expect(card.locator(".was")).to_contain_text(first)
    expect(card.locator(".figure")).not_to_have_text(first)
    after = float(card.locator(".figure").inner_text().rstrip("%"))
    assert after < float(first.rstrip("%"))
    assert card.locator(".push code").all_inner_texts() == order, (
        "rows must not move under the reader's hands"
    )
    expect(page.get_by_role("status")).to_contain_text("With the changed value: Damaging:")
    assert field.evaluate("e => e === document.activeElement")

    reset.click()
    expect(card.locator(".figure")).to_have_text(first)
    expect(card.locator(".was")).to_have_count(0)
    expect(field).to_have_value("2")
    expect(reset).to_be_disabled()


def test_who_resets_by_keys_goes_on_from_there(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    card = score(page, "Damaging")
    first = card.locator(".figure").inner_text()
    card.get_by_label("Value of: Characters after the edit").fill("7")
    expect(card.locator(".was")).to_contain_text(first)
    reset = card.get_by_role("button", name="Reset values")
    reset.focus()
    page.keyboard.press("Enter")
    expect(card.locator(".was")).to_have_count(0)
    expect(reset).to_be_disabled()
    expect(reset).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(score(page, "Good faith").locator("summary")).to_be_focused()


@pytest.mark.parametrize("kind", ["light", "phone"])
def test_the_score_stays_in_sight_while_values_are_changed(
    open_page: Visit, stand_in: Served, kind: str
) -> None:
    page = open_page(address(stand_in, VANDALISM), kind)
    card = score(page, "Damaging")
    card.get_by_role("button", name="Show all 11 features").click()
    last = card.locator(".push-value").last
    last.focus()
    expect(last).to_be_in_viewport()
    expect(card.locator(".figure")).to_be_in_viewport(ratio=1)
    for field in reversed(card.locator(".push-value").all()):
        field.focus()
        assert field.evaluate(ON_TOP), "what has the focus is not covered"


def test_a_changed_value_reaches_every_model_and_every_field(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    damaging, reverted = score(page, "Damaging"), score(page, "Reverted")
    reverted.get_by_text("Why this score?").click()
    before = reverted.locator(".figure").inner_text()
    feature(damaging, "feature.revision.user.is_anon").get_by_role("combobox").select_option("no")
    expect(reverted.locator(".was")).to_contain_text(before)
    twin = feature(reverted, "feature.revision.user.is_anon")
    expect(twin.get_by_role("combobox")).to_have_value("false")
    expect(twin).to_have_class(re.compile("is-changed"))


def test_emptying_a_field_takes_its_change_back(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    card = score(page, "Damaging")
    first = card.locator(".figure").inner_text()
    field = card.get_by_label("Value of: Swear words (English) added minus removed")
    field.fill("9")
    expect(card.locator(".was")).to_contain_text(first)
    field.fill("")
    expect(card.locator(".figure")).to_have_text(first)
    expect(card.locator(".was")).to_have_count(0)


def test_fast_typing_asks_once(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    asked: list[str | None] = []
    page.on("request", lambda r: asked.append(r.post_data) if r.method == "POST" else None)
    card = score(page, "Damaging")
    field = card.get_by_label("Value of: Swear words (English) added minus removed")
    field.select_text()
    page.keyboard.type("12345")
    expect(card.locator(".was")).to_be_visible()
    assert len(asked) == 1
    assert "12345" in str(asked[0])


def test_a_value_that_is_none_is_refused_at_once(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    field = score(page, "Damaging").get_by_label("Value of: Swear words (English) added minus removed")
    field.fill("1.5")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("status")).to_have_text("Enter a whole number.")
    expect(field).to_have_accessible_description("Enter a whole number.")
    expect(score(page, "Damaging").locator(".push-fault:visible")).to_have_text("Enter a whole number.")
    field.fill("1")
    expect(score(page, "Damaging").locator(".push-fault:visible")).to_have_count(0)
    expect(field).to_have_attribute("aria-invalid", "false")


def test_a_value_the_server_refuses_is_told(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    card = score(page, "Damaging")
    first = card.locator(".figure").inner_text()
    card.get_by_label("Value of: Characters after the edit").fill("-1")
    refusal = "feature.wikitext.revision.chars must not be negative."
    expect(page.get_by_role("alert")).to_have_text(refusal)
    expect(card.locator(".push-fault:visible")).to_have_text(refusal)
    card.get_by_role("button", name="Reset values").click()
    expect(page.get_by_role("alert")).to_be_empty()
    expect(card.locator(".push-fault:visible")).to_have_count(0)
    expect(card.locator(".figure")).to_have_text(first)


def test_a_server_that_dies_is_told_where_the_reader_is(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    page.route("**/api/**", partial(_fail, status=0))
    card = score(page, "Damaging")
    field = card.get_by_label("Value of: Characters after the edit")
    field.fill("7")
    told = "The server cannot be reached. Check that Assay is running, then try again."
    expect(card.locator(".push-fault:visible")).to_have_text(told)
    expect(field).to_have_attribute("aria-invalid", "false")
    page.unroute_all()
    field.fill("8")
    expect(card.locator(".was")).to_be_visible()
    expect(card.locator(".push-fault:visible")).to_have_count(0)


# -- when something is wrong -------------------------------------------------------------------------


def test_an_unknown_revision_is_told_and_the_old_one_taken_away(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    page.get_by_label("Revision id").fill("99999999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(
        "Could not find revision 99999999. Check the wiki and the id."
    )
    expect(page.locator("#edit")).to_be_hidden()
    page.get_by_role("button", name="A recent edit").click()
    expect(page.locator("#edit-title")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_empty()


def test_what_is_no_revision_id_is_told_beside_the_field(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    field, error = page.get_by_label("Revision id"), page.locator("#rev-error")
    for text in ("", "abc", "-5", "1.5", "0", "9" * 20, "12 34"):
        field.fill(text)
        page.get_by_role("button", name="Score it").click()
        expect(error).to_have_text(
            "Enter a revision id, a whole number such as 1290, or the address of an edit."
        )
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_be_focused()
    field.fill("1290")
    page.keyboard.press("Enter")
    expect(error).to_be_hidden()
    expect(field).to_have_attribute("aria-invalid", "false")


EDIT_ON_ENWIKI = f"https://en.m.wikipedia.org/w/index.php?title=Kite&diff={VANDALISM}&oldid=1259"


def test_the_address_of_an_edit_may_be_pasted(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    page.get_by_label("Wiki").select_option("samplewiki")
    page.get_by_label("Revision id").fill(EDIT_ON_ENWIKI)
    page.keyboard.press("Enter")
    expect(page.locator("#edit-title")).to_be_visible()
    expect(page.get_by_label("Revision id")).to_have_value(str(VANDALISM))
    assert query(page) == {"wiki": ["enwiki"], "rev": [str(VANDALISM)]}, "the address names its wiki, too"


def test_an_edit_of_another_wiki_is_not_taken_for_one_here(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    page.get_by_label("Wiki").select_option("enwiki")
    page.get_by_label("Revision id").fill("https://de.wikipedia.org/wiki/Special:Diff/1290")
    page.keyboard.press("Enter")
    expect(page.locator("#rev-error")).to_have_text("This server does not score edits of de.wikipedia.org.")
    expect(page.locator("#welcome")).to_be_visible()


def test_the_path_tells_wikis_of_one_host_apart(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    page.get_by_label("Revision id").fill(f"https://farm.example.org/pears/wiki/Special:Diff/{VANDALISM}")
    page.keyboard.press("Enter")
    expect(page.locator("#edit-title")).to_be_visible()
    assert query(page) == {"wiki": ["pearclub"], "rev": [str(VANDALISM)]}


def test_an_address_that_two_wikis_may_have_is_asked_about_once(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    pasted = f"https://farm.example.org/wiki/Special:Diff/{VANDALISM}"
    page.get_by_label("Revision id").fill(pasted)
    page.keyboard.press("Enter")
    expect(page.locator("#rev-error")).to_have_text(
        "This address may be of appleclub or pearclub. "
        "Choose its wiki from the list and press Score it again."
    )
    expect(page.get_by_label("Revision id")).to_have_value(pasted)
    expect(page.get_by_label("Wiki")).to_be_focused()
    expect(page.locator("#welcome")).to_be_visible()
    page.get_by_label("Wiki").select_option("pearclub")
    page.get_by_role("button", name="Score it").click()
    expect(page.locator("#edit-title")).to_be_visible()
    assert query(page) == {"wiki": ["pearclub"], "rev": [str(VANDALISM)]}
    expect(page.locator("#rev-error")).to_be_hidden()


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("https://en.wikipedia.org/wiki/Special:Diff/1", ["en"]),
        ("https://en.m.wikipedia.org/w/index.php?diff=1", ["en"]),
        ("https://farm.org/a/index.php?diff=1", ["a"]),
        ("https://farm.org/a/b/Special:Diff/1", ["b"]),
        ("https://farm.org/a/b/w/index.php?diff=1", ["b"]),
        ("https://farm.org/new/index.php?diff=1", ["new", "again"]),
        ("https://farm.org/ab/index.php?diff=1", []),
        ("https://farm.org/wiki/Special:Diff/1", ["a", "b", "new", "again"]),
        ("https://farm.org/other/index.php/Special:Diff/1", []),
        ("https://farm.org:8443/a/index.php?diff=1", []),
        ("https://alone.org/wiki/Special:Diff/1", ["alone"]),
    ],
)
def test_wikis_of_one_host_are_told_apart_by_the_longest_path(
    words: Page, address: str, names: list[str]
) -> None:
    urls = {
        "en": "https://en.wikipedia.org/w/index.php",
        "a": "https://farm.org/a/index.php",
        "b": "https://farm.org/a/b/w/index.php",
        "new": "https://farm.org/new/index.php",
        "again": "https://farm.org/new/w/index.php",
        "alone": "https://alone.org/mediawiki/index.php",
    }
    wikis = [{"name": name, "indexUrl": url} for name, url in urls.items()]
    call = """async ([address, wikis]) => {
      const { wikisAt } = await import('/static/x/address.js');
      return wikisAt(new URL(address), wikis).map(({ name }) => name);
    }"""
    assert words.evaluate(call, [address, wikis]) == names


@pytest.mark.parametrize(
    ("text", "rev"),
    [
        ("1290", "1290"),
        ("https://w.org/w/index.php?title=A&diff=1290&oldid=1289", "1290"),
        ("https://w.org/w/index.php?oldid=1290&diff=prev", "1290"),
        ("https://w.org/w/index.php?oldid=1290", "1290"),
        ("https://w.org/w/index.php?oldid=1290&diff=next", None),
        ("https://w.org/w/index.php?oldid=1290&diff=cur", None),
        ("https://w.org/wiki/Special:Diff/1290", "1290"),
        ("https://w.org/wiki/Special:Diff/1289/1290", "1290"),
        ("https://w.org/wiki/Special:Diff/1290/prev", "1290"),
        ("https://w.org/wiki/Special:Diff/1290/next", None),
        ("https://w.org/wiki/Special:MobileDiff/1289...1290", "1290"),
        ("https://w.org/w/index.php?title=Special%3APermanentLink%2F1290", "1290"),
        ("https://w.org/wiki/Talk:Elections/1290", None),
        ("javascript:1290", None),
        ("https://w.org/wiki/%ff", None),
    ],
)
def test_addresses_name_a_revision_or_none(words: Page, text: str, rev: str | None) -> None:
    call = "async (text) => (await import('/static/x/address.js')).revisionIn(text)"
    assert words.evaluate(call, text) == rev


def test_an_unknown_wiki_in_the_address_is_told(open_page: Visit, stand_in: Served) -> None:
    page = open_page(f"{stand_in.url}/?wiki=nowiki<b>&rev=1")
    expect(page.get_by_role("alert")).to_have_text(
        "This server does not score nowiki<b>. Choose a wiki from the list."
    )


def test_a_busy_server_is_told(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, BUSY))
    expect(page.get_by_role("alert")).to_have_text("The server is busy; ask again in 1 second.")


def test_a_server_that_is_down_is_told(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    page.get_by_label("Revision id").fill("1290")
    for status, message in (
        (0, "The server cannot be reached. Check that Assay is running, then try again."),
        (502, "The server answered with status 502 and no reason. Try again later."),
        (503, "The server is busy. Try again in a moment."),
    ):
        page.unroute_all()
        page.route("**/api/**", partial(_fail, status=status))
        page.get_by_role("button", name="Score it").click()
        expect(page.get_by_role("alert")).to_have_text(message)
        expect(page.locator("#result")).to_have_attribute("aria-busy", "false")


def _fail(route: Route, status: int) -> None:
    if status:
        route.fulfill(status=status, body="<html>")
    else:
        route.abort()


def test_a_hidden_text_has_no_scores_but_a_reason_which_is_told_once(
    open_page: Visit, stand_in: Served
) -> None:
    page = open_page(address(stand_in, HIDDEN))
    reason = f"No scores. The text of revision {HIDDEN} is hidden."
    expect(page.locator(".notice:visible")).to_have_text([reason])
    expect(page.get_by_role("status")).to_contain_text(f"No scores: The text of revision {HIDDEN} is hidden.")
    expect(page.get_by_role("article")).to_have_count(0)
    expect(page.get_by_role("button", name="no score")).to_have_count(0)
    expect(page.get_by_role("heading", name="Scores")).to_have_count(0)
    expect(page.locator(".facts")).to_contain_text("name hidden")
    expect(page.locator(".diff")).to_contain_text("The change cannot be shown")


def test_models_that_failed_for_one_reason_share_a_notice_and_others_have_their_card(
    open_page: Visit, stand_in: Served
) -> None:
    hidden = {"code": "user_deleted", "message": "The user is hidden.", "retryable": False}
    late = {"code": "overloaded", "message": "Ask again shortly.", "retryable": True}
    document = json.loads(stand_in.ask(f"/api/samplewiki/revisions/{VANDALISM}").body)
    document["revision"]["problems"] = [hidden, {"code": "x", "message": "The comment is hidden."}]
    document["scores"] |= {"damaging": {"error": hidden}, "goodfaith": {"error": hidden}}
    document["scores"] |= {"reverted": {"error": late}}
    page = open_page(address(stand_in))
    page.route("**/api/*/revisions/*", partial(_answer, document=document))
    page.get_by_label("Revision id").fill(str(VANDALISM))
    page.keyboard.press("Enter")
    expect(page.locator(".notice:visible")).to_have_text(
        [
            "The comment is hidden.",
            "No score for Damaging and Good faith. The user is hidden.",
            "No score for Reverted. Ask again shortly. Asking again later may help.",
        ]
    )
    expect(page.get_by_role("article")).to_have_count(1)
    expect(score(page, "Article quality").locator("details")).to_have_attribute("open", "")
    tiles = page.get_by_role("list", name="Scores at a glance")
    expect(tiles.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("status")).to_contain_text(
        "No score for Damaging and Good faith: The user is hidden. No score for Reverted: Ask again shortly."
    )


def test_a_model_that_scores_once_a_value_is_supposed_gets_its_card(
    open_page: Visit, stand_in: Served
) -> None:
    failed = {"error": {"code": "user_deleted", "message": "The user is hidden.", "retryable": False}}
    document = json.loads(stand_in.ask(f"/api/samplewiki/revisions/{VANDALISM}").body)
    scores = document["scores"] | {"reverted": failed}
    page = open_page(address(stand_in))
    page.route("**/api/*/revisions/*", partial(_answer, document=document | {"scores": scores}))
    page.get_by_label("Revision id").fill(str(VANDALISM))
    page.keyboard.press("Enter")
    expect(page.get_by_text("No score for Reverted.")).to_be_visible()
    expect(score(page, "Reverted")).to_be_hidden()
    page.unroute_all()
    feature(score(page, "Damaging"), "feature.revision.user.is_anon").get_by_role("combobox").select_option(
        "no"
    )
    expect(score(page, "Reverted").get_by_role("meter")).to_be_visible()
    expect(page.get_by_text("No score for Reverted.")).to_be_hidden()
    page.get_by_role("list", name="Scores at a glance").get_by_role("button", name="Reverted").click()
    expect(score(page, "Reverted").get_by_role("heading")).to_be_focused()


def test_a_wiki_without_recent_edits_says_so(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    page.get_by_label("Wiki").select_option("enwiki")
    page.get_by_role("button", name="A recent edit").click()
    expect(page.get_by_role("alert")).to_have_text("enwiki has no recent edits. Give a revision id instead.")


def test_a_value_changed_while_another_edit_is_on_its_way_moves_no_score_of_that_one(
    open_page: Visit, stand_in: Served
) -> None:
    page = open_page(address(stand_in, VANDALISM))
    waiting: list[Route] = []
    page.route(f"**/api/samplewiki/revisions/{GROWTH}", lambda route: waiting.append(route))
    page.route(f"**/api/samplewiki/revisions/{VANDALISM}", lambda _: None)  # it is being thought about
    page.get_by_label("Revision id").fill(str(GROWTH))
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_have_attribute("aria-busy", "true")
    field = score(page, "Damaging").get_by_label("Value of: Swear words (English) added minus removed")
    with page.expect_request(lambda request: request.method == "POST"):
        field.fill("9")
    with page.expect_event("requestfailed", lambda request: request.method == "POST"):
        waiting[0].continue_()
    expect(page).to_have_title(re.compile(f"revision {GROWTH} "))
    expect(score(page, "Damaging").locator(".was")).to_have_count(0)


def test_while_loading_the_page_says_so_and_keeps_its_place(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    waiting: list[Route] = []
    page.route("**/api/samplewiki/revisions/1286", lambda route: waiting.append(route))
    top = page.locator(".edit-card").bounding_box()
    page.get_by_label("Revision id").fill("1286")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Loading …")
    expect(page.locator("#result")).to_have_attribute("aria-busy", "true")
    assert page.locator(".edit-card").bounding_box() == top
    expect(page.locator("#edit-title")).to_have_text("River Aldern")
    waiting[0].continue_()
    expect(page.locator("#edit-title")).to_have_text("Kite")


def test_a_slow_answer_is_told_in_words_that_can_be_seen(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    page.clock.install()
    waiting: list[Route] = []
    page.route("**/api/samplewiki/revisions/1286", lambda route: waiting.append(route))
    page.get_by_label("Wiki").select_option("samplewiki")
    page.get_by_label("Revision id").fill("1286")
    page.keyboard.press("Enter")
    status = page.get_by_role("status")
    expect(status).to_have_text("Loading …")
    expect(status).to_have_class("visually-hidden")
    page.clock.fast_forward(5_000)
    expect(status).to_contain_text("Still loading.")
    expect(status).not_to_have_class("visually-hidden")
    waiting[0].continue_()
    expect(page.locator("#edit-title")).to_have_text("Kite")
    expect(status).to_contain_text("Revision 1286 of Kite.")
    expect(status).to_have_class("visually-hidden")


def test_who_follows_a_link_to_an_edit_sees_that_it_comes(
    contexts: dict[str, BrowserContext], stand_in: Served
) -> None:
    """Not the welcome first, which would jump away."""
    page = contexts["light"].new_page()
    waiting: list[Route] = []
    page.route("**/static/*/main.js", lambda route: waiting.append(route))
    page.route("**/api/samplewiki/revisions/*", lambda route: waiting.append(route))
    with page.expect_request("**/static/*/main.js"):
        page.goto(address(stand_in, VANDALISM), wait_until="commit")
    expect(page.locator("#ask-form")).to_be_visible()
    expect(page.locator("#welcome")).to_be_hidden()
    place = page.locator("#ask-form").bounding_box()
    with page.expect_request("**/api/samplewiki/revisions/*"):
        waiting.pop().continue_()
    status = page.get_by_role("status")
    expect(status).to_have_text("Loading …")
    expect(status).not_to_have_class("visually-hidden")
    waiting.pop().continue_()
    expect(page.locator("#edit-title")).to_be_visible()
    expect(status).to_have_class("visually-hidden")
    assert page.locator("#ask-form").bounding_box() == place
    page.close()


@pytest.mark.parametrize("query", ["wiki=samplewiki&rev=abc", "wiki=nowiki&rev=1", "wiki=samplewiki&rev=4"])
def test_where_no_edit_comes_the_page_says_what_it_is_for(
    open_page: Visit, stand_in: Served, query: str
) -> None:
    page = open_page(f"{stand_in.url}/?{query}")
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator(".lead")).to_be_visible()


def test_all_scripts_are_told_at_once(contexts: dict[str, BrowserContext], stand_in: Served) -> None:
    """A module that only another one names would be asked for one answer later."""
    page = contexts["light"].new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith(".js") else None)
    page.goto(address(stand_in, VANDALISM))
    expect(page.locator("#edit-title")).to_be_visible()
    told = page.locator("link[rel=modulepreload], script[type=module]").evaluate_all(
        "all => all.map((e) => e.href || e.src)"
    )
    assert sorted(asked) == sorted(told)
    page.close()


def test_a_wiki_without_models_still_shows_the_change(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    document = json.loads(stand_in.ask(f"/api/samplewiki/revisions/{VANDALISM}").body)
    page.route("**/api/wikis", partial(_answer, document={"wikis": [{"name": "samplewiki", "models": []}]}))
    page.route("**/api/*/revisions/*", partial(_answer, document=document | {"scores": {}}))
    page.get_by_label("Revision id").fill(str(VANDALISM))
    page.keyboard.press("Enter")
    expect(page.get_by_text("No model of this server scores edits of samplewiki.")).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("lol who even reads")
    expect(page.get_by_role("list", name="Scores at a glance")).to_have_count(0)


def _answer(route: Route, document: object) -> None:
    route.fulfill(json=document)


def test_without_scripts_nothing_pretends_to_work(browser: Browser, stand_in: Served) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address(stand_in))
        expect(page.locator("noscript .notice")).to_contain_text("This page needs JavaScript.")
        expect(page.locator("#ask-form")).to_be_hidden()


def test_the_change_comes_before_the_reasons_on_a_phone(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM), "phone")
    tops = page.locator("#edit > *").evaluate_all("all => all.map((e) => e.getBoundingClientRect().top)")
    assert tops == sorted(tops)
    names = page.locator("#edit > *").evaluate_all(
        "all => all.map((e) => e.classList[e.classList.length - 1])"
    )
    assert names == ["edit-card", "diff", "scores"]


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    waiting: list[Route] = []
    page.route("**/api/samplewiki/revisions/1286", lambda route: waiting.append(route))
    field = page.get_by_label("Revision id")
    field.fill("1286")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_have_attribute("aria-busy", "true")
    field.fill(str(VANDALISM))
    page.keyboard.press("Enter")
    expect(page.locator("#edit-title")).to_have_text("River Aldern")
    waiting[0].continue_()
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#edit-title")).to_have_text("River Aldern")


# -- safety ------------------------------------------------------------------------------------------


def test_wiki_text_never_runs_nor_becomes_markup(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, HOSTILE))
    expect(page.locator("#edit-title")).to_contain_text("<script>window.stolen = 1</script>")
    expect(page.locator(".comment")).to_contain_text("<img src=x onerror=")
    expect(page.locator("tr.line-changed .diff-text")).to_contain_text("<script>")
    assert page.evaluate("window.stolen") is None
    assert page.locator("#edit script, #edit img").count() == 0


def test_the_policy_would_stop_markup_that_slipped_in(
    contexts: dict[str, BrowserContext], stand_in: Served
) -> None:
    """The second line of defence, tried by making the mistake on purpose."""
    page = contexts["light"].new_page()
    page.goto(address(stand_in))
    blocked = page.evaluate(
        """() => new Promise((resolve) => {
          document.addEventListener('securitypolicyviolation', (e) => resolve(e.violatedDirective));
          const script = document.createElement('script');
          script.textContent = 'window.stolen = 3';
          document.body.append(script);
        })"""
    )
    assert blocked.startswith("script-src")
    assert page.evaluate("window.stolen") is None
    page.close()


# -- for everybody -----------------------------------------------------------------------------------


def test_everything_can_be_done_with_the_keyboard(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    press = page.keyboard.press
    seen: list[str] = []
    while page.evaluate("document.activeElement.id") != "rev":
        press("Tab")
        assert focus_is_visible(page)
        seen.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
        assert len(seen) < 10
    assert seen[0] == "Skip to the result"
    page.keyboard.type(str(VANDALISM))
    press("Enter")
    expect(page.locator("#edit-title")).to_be_visible()

    steps = 0
    while page.evaluate("document.activeElement.getAttribute('name')") != "feature.revision.user.is_anon":
        press("Tab")
        assert focus_is_visible(page)
        steps += 1
        assert steps < 20
    press("ArrowDown")
    card = score(page, "Damaging")
    expect(card.locator(".was")).to_be_visible()
    while page.evaluate("document.activeElement.textContent") != "Reset values":
        press("Tab")
        assert focus_is_visible(page)
    press("Enter")
    expect(card.locator(".was")).to_have_count(0)

    while page.evaluate("document.activeElement.tagName") != "SUMMARY":
        press("Tab")
    details = score(page, "Good faith").locator("details")
    press("Enter")
    expect(details).to_have_attribute("open", "")


@pytest.mark.parametrize("rev", ["", VANDALISM, HIDDEN, OBSCURE, 99999999])
def test_everybody_can_read_it(open_page: Visit, stand_in: Served, rev: int | str) -> None:
    page = open_page(address(stand_in, rev))
    open_all_reasons(page)
    assert structure_faults(page) == []
    assert unnamed_controls(page) == []
    assert contrast_faults(page) == []
    page.emulate_media(color_scheme="dark")
    assert contrast_faults(page) == []


def test_bars_are_seen_in_a_readers_own_colours(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM), "forced")
    open_all_reasons(page)
    ink = page.evaluate("getComputedStyle(document.body).color")
    for selector in (".tile-bar", ".bar", ".push-fill"):
        grounds = page.locator(selector).evaluate_all(
            "all => all.map((e) => getComputedStyle(e).backgroundColor)"
        )
        assert set(grounds) == {ink}, selector


def test_dark_mode_is_dark(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in))
    ground = "() => Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number))"
    assert page.evaluate(ground) > 200
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) < 60


@pytest.mark.parametrize("rev", ["", VANDALISM, ARABIC, HOSTILE, HUGE, OBSCURE])
def test_a_phone_shows_it_without_scrolling_sideways(
    open_page: Visit, stand_in: Served, rev: int | str
) -> None:
    page = open_page(address(stand_in, rev), "phone")
    open_all_reasons(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert small_targets(page) == []


def test_on_the_narrowest_phone_buttons_keep_their_words_on_a_line(
    open_page: Visit, stand_in: Served
) -> None:
    page = open_page(address(stand_in, VANDALISM), "phone")
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    heights = page.locator(".buttons button").evaluate_all("all => all.map((e) => e.offsetHeight)")
    assert max(heights) < 50


def test_a_meter_tells_its_value_in_words(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, GROWTH))
    meter = score(page, "Damaging").get_by_role("meter", name="Damaging")
    assert re.fullmatch(r"\d+%, very unlikely", meter.get_attribute("aria-valuetext") or "")


def test_scores_start_with_the_edit_and_end_with_the_article(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, GROWTH))
    titles = page.locator(".score h3").all_inner_texts()
    assert titles == ["Damaging", "Good faith", "Reverted", "Article quality"]


def test_the_skip_link_leads_to_the_result_without_asking_again(open_page: Visit, stand_in: Served) -> None:
    page = open_page(address(stand_in, VANDALISM))
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if "/api/" in r.url else None)
    page.get_by_role("link", name="Skip to the result").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_be_focused()
    expect(page.locator("#edit-title")).to_be_visible()
    assert asked == []


# -- words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("percent(0)", "0%"),
        ("percent(0.0004)", "<0.1%"),
        ("percent(0.004)", "0.4%"),
        ("percent(0.425)", "43%"),
        ("percent(0.9949)", "99.5%"),
        ("percent(0.99995)", ">99.9%"),
        ("percent(1)", "100%"),
        ("chance(0.5)", "uncertain"),
        ("chance(1)", "very likely"),
        ("signed(-0.001)", "0.00"),
        ("signed(-1.25)", "−1.25"),
        ("plainNumber(0.123456789)", "0.12346"),
        ("plainNumber(12345.678, 3)", "12346"),
        ("summary('/* Life */ born')", "→ Life: born"),
        ("summary('/* Life */')", "→ Life"),
        ("summary('/* 2024: التاريخ */ سنة')", "← 2024: التاريخ: سنة"),
        ("summary('see [[A|the a]] and [[B]]')", "see the a and B"),
        ("featureWords('feature.revision.user.is_anon')", "The author is not logged in"),
        (
            "featureWords('feature.english.informals.revision.diff.match_prop_delta_increase')",
            "Informal words (English) added, relative to before",
        ),
        (
            "featureWords('feature.english.dictionary.revision.diff.non_dict_word_delta_decrease')",
            "Words not in the dictionary (English) removed",
        ),
        ("featureWords('feature.wikitext.revision.diff.number_delta_sum')", "Numbers added minus removed"),
        ("featureWords('feature.wikitext.revision.parent.ref_tags')", "References before the edit"),
        (
            "featureWords('feature.len(<datasource.wikitext.revision.parent.words>)')",
            "Words before the edit",
        ),
        (
            "featureWords('feature.len(<datasource.tokenized(datasource.revision.text)>)')",
            "Tokens after the edit",
        ),
        (
            "featureWords('feature.len(<datasource.english.idioms.revision.matches>)')",
            "Idioms (English) after the edit",
        ),
        (
            "featureWords('feature.log((wikitext.revision.parent.chars + 1))')",
            "Characters before the edit (logarithm)",
        ),
        (
            "featureWords('feature.wikitext.revision.headings_by_level(2)')",
            "Headings of level 2 after the edit",
        ),
        (
            "featureWords('feature.revision.parent.uppercase_words_per_word')",
            "Words in capitals per word before the edit",
        ),
        (
            "featureWords('feature.wikitext.revision.diff.cjk_delta_increase')",
            "Chinese, Japanese and Korean characters added",
        ),
        (
            "featureWords('feature.assay.english.chat.added_share')",
            "Chat words (English) as a share of the added words",
        ),
        ("featureWords('feature.revision.diff.words_change')", "Change in the number of words"),
        (
            "featureWords('feature.assay.x', 'Share of e.g. digits, 0 to 1. More.')",
            "Share of e.g. digits, 0 to 1",
        ),
        ("featureWords('feature.assay.odd_thing')", "Assay odd thing"),
        ("featureWords('feature.assay.x', 'Whether the summary is empty.')", "The summary is empty"),
        (
            "featureWords('feature.assay.x', 'Whether it became (1) or ceased to be (-1) a redirect.')",
            "Whether it became (1) or ceased to be (-1) a redirect",
        ),
        (
            "featureWords('feature.assay.x', 'Wikilinks, child minus parent.')",
            "Wikilinks added minus removed",
        ),
        (
            "featureWords('feature.assay.x', 'Where in the child it begins.')",
            "Where in the text it begins",
        ),
        (
            "featureWords('feature.assay.x', 'Characters of the child per character of the parent.')",
            "Characters after the edit per character before the edit",
        ),
        (
            "featureWords('feature.assay.x', \"Whether the parent's author was not logged in.\")",
            "The author of the edit before was not logged in",
        ),
        (
            "featureWords('feature.assay.x', 'Seconds since the parent was saved.')",
            "Seconds since the edit before was saved",
        ),
        (
            "featureWords('feature.assay.x', \"The actor's earlier edits.\")",
            "The author's earlier edits",
        ),
        (
            "featureWords('feature.assay.article.ratio.templates', 'Templates per 1,000 words.')",
            "Templates per 1,000 words",
        ),
        (
            "featureWords('feature.assay.article.english.idioms', 'Matches of english.idioms.')",
            "Idioms (English) in the readable text",
        ),
        (
            "featureWords('feature.assay.english.badwords.removed', 'Removed matches of english.badwords.')",
            "Swear words (English) in the removed text",
        ),
        ("factWords('The author is a bot', true)", "The author is a bot: yes"),
        ("factWords('The author is a bot', null)", "The author is a bot: unknown"),
        ("factWords('Kind: 0 nobody, 1 newcomer', 1)", "Kind: newcomer"),
        ("factWords('Kind: 0 nobody, 1 newcomer', 2)", "Kind: 2"),
        ("factWords('Share of digits, 0 to 1', 0.123456)", "Share of digits: 0.123"),
        ("factWords('Where it begins, 0 (top) to 1 (end)', 0.5)", "Where it begins: 0.5"),
        ("factWords('Balance, -1 to 1', -0.5)", "Balance: −0.5"),
        ("factWords('Seconds since the first edit', 90)", "Time since the first edit: 90 seconds"),
        ("factWords('Seconds since the first edit', 200000)", "Time since the first edit: 2 days"),
        ("factWords('Seconds since the first edit', 1)", "Time since the first edit: 1 second"),
        ("sizeChange(-1234)", "−1,234"),
    ],
)
def test_words_for_people(words: Page, call: str, expected: str) -> None:
    assert words.evaluate(f"async () => (await import('/static/x/wording.js')).{call}") == expected


FUNCTION_WORDS = {
    *("a", "an", "and", "as", "by", "for", "has", "have", "in"),
    *("is", "it", "its", "of", "on", "or", "that", "the", "to"),
}


def shipped_features() -> dict[str, str]:
    """What each feature computes, by its name: those of all shipped models, and all that others may have."""
    models = load_bundles([found.path for found in search(shipped_folder())], with_trees=False)
    nodes = [*catalogue(Lexicons()).values(), *(feature for model in models for feature in model.features)]
    return {node.name: node.doc for node in nodes if isinstance(node, Feature)}


def test_no_two_features_have_the_same_words_or_a_machines(words: Page) -> None:
    """On one page stand the reasons of all models of a wiki. Words count as the same in any order, and with
    other endings and function words."""
    docs = shipped_features()
    told: list[list[str]] = words.evaluate(
        """async (docs) => {
          const { factWords, featureWords } = await import('/static/x/wording.js');
          const told = Object.entries(docs).map(([name, doc]) => featureWords(name, doc));
          return [told, told.map((one) => factWords(one, 7))];
        }""",
        docs,
    )
    for texts in told:
        alike: dict[tuple[str, ...], list[str]] = {}
        for name, text in zip(docs, texts, strict=True):
            assert not re.search(r"[a-z]\.[a-z]|[_<>]", text), f"{name}: {text}"
            content = set(re.findall(r"\w+", text.lower())).difference(FUNCTION_WORDS)
            alike.setdefault(tuple(sorted(word.removesuffix("s") for word in content)), []).append(name)
        assert len(alike) > 300
        assert [names for names in alike.values() if len(names) > 1] == []


@pytest.fixture(scope="module")
def words(browser: object, stand_in: Served) -> Page:
    from playwright.sync_api import Browser

    assert isinstance(browser, Browser)
    page = browser.new_page()
    page.goto(stand_in.url)
    return page
