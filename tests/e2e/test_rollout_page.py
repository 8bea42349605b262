"""The page of rollouts in a real browser, as an operator watches one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from assay.clock import FakeClock
from assay.rollout.journal import FILE_NAME, Journal
from assay.rollout.reporting.web import PageOptions, build_page
from e2e.audit import contrast_faults, focus_is_visible, small_targets, structure_faults, unnamed_controls
from e2e.conftest import Visit
from rollout.arms import SOUND, Defect
from rollout.told import NOON, Teller, whole
from servers.asgi import Served, serving

ATTACK = '</p><script>window.stolen = 1</script><img src=x onerror="window.stolen = 2">'
SLOW = Defect(slow=4.0)


class Watched:
    """A journal, and the page that watches it."""

    def __init__(self, folder: Path, served: Served) -> None:
        self.folder, self.served, self.clock = folder, served, FakeClock(NOON)

    def begin(self, name: str = "r1", last: int = 5, defect: Defect = SOUND) -> Teller:
        """A rollout up to stage `last`."""
        with Journal(self.folder, self.clock) as journal:
            teller = Teller(journal, self.clock, name, defect)
            teller.start()
            teller.go_to(last)
        return teller

    def more(self, teller: Teller) -> Journal:
        """The journal, to write on."""
        journal = Journal(self.folder, self.clock)
        teller.journal = journal
        return journal


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    options = PageOptions(state_dir=str(tmp_path), version="1.0")
    with serving(build_page(options, FakeClock(NOON))) as served:
        yield Watched(tmp_path, served)


def look(open_page: Visit, watched: Watched, kind: str = "light", path: str = "/") -> Page:
    return open_page(watched.served.url + path, kind, "main h1")


def test_before_any_rollout_it_says_how_one_begins_and_shows_the_first(
    open_page: Visit, watched: Watched
) -> None:
    page = look(open_page, watched)
    expect(page.get_by_role("heading", level=1)).to_have_text("No rollout yet")
    expect(page.get_by_role("main")).to_contain_text("assay rollout start RELEASE")
    expect(page.get_by_role("main")).to_contain_text(str(watched.folder))
    page.clock.install()
    page.reload()
    watched.begin(last=2)
    page.clock.run_for(21_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Running: codfw shadow")


def test_a_running_rollout_is_told_whole(open_page: Visit, watched: Watched) -> None:
    watched.begin(last=5)
    page = look(open_page, watched)
    expect(page).to_have_title("Running: codfw 25 % · Assay rollouts")
    hero = page.locator(".hero")
    expect(hero).to_contain_text("candidate summer-000000000002 in slot green")
    expect(hero).to_contain_text("stable spring-000000000001 in slot blue")
    expect(hero).to_contain_text("2026-11-26 12:00:00 by ada")

    here = page.locator("[aria-current=step]")
    expect(here).to_contain_text("25 % of users")
    expect(page.locator(".stage-done")).to_have_count(5)
    expect(page.locator(".stage-to_come")).to_have_count(10)
    weights = page.get_by_role("region", name="Who answers users")
    expect(weights).to_contain_text("stable 75 %")
    expect(weights).to_contain_text("candidate 25 %")
    expect(weights).to_contain_text("No weights set yet")

    checks = page.locator(".check")
    expect(checks).to_have_count(12)
    latency = checks.filter(has_text="user latency")
    expect(latency).to_contain_text("times relative to the stable arm's")
    latency.get_by_text("Figures").click()
    expect(latency).to_contain_text("classes.computed.candidate.p50_p95_p99_ms")


def test_plots_have_curves_and_the_same_numbers_in_words_and_tables(
    open_page: Visit, watched: Watched
) -> None:
    watched.begin(last=5)
    page = look(open_page, watched)
    charts = page.locator("figure.chart")
    expect(charts).to_have_count(6)
    for chart in charts.all():
        expect(chart.locator("svg.plot polyline").first).to_be_attached()
        assert chart.locator("svg.plot").get_attribute("aria-hidden") == "true"
        expect(chart.locator("figcaption")).to_contain_text("at last")
    waited = charts.filter(has_text="How long users waited")
    last = waited.locator(".legend li").first.locator("strong").inner_text()
    expect(waited.locator("figcaption")).to_contain_text(f"stable p95 {last}")
    waited.locator("summary").click()
    expect(waited.get_by_role("table")).to_be_visible()
    expect(waited.locator("tbody td").first).to_have_text(last)


def test_it_follows_the_journal_and_keeps_what_the_reader_opened(open_page: Visit, watched: Watched) -> None:
    teller = watched.begin(last=4)
    page = look(open_page, watched)
    figures = page.locator(".check").filter(has_text="user errors").locator("details")
    figures.locator("summary").click()
    older = page.locator("figure.chart").first.locator("summary")
    older.focus()
    with watched.more(teller):
        teller.enter(teller.plan.stages[5])
        teller.judge(teller.plan.stages[5])
    expect(page.get_by_role("heading", level=1)).to_have_text("Running: codfw 25 %")
    expect(page.get_by_role("status")).to_have_text("Running: codfw 25 %")
    expect(page.locator("[aria-current=step]")).to_contain_text("25 % of users")
    expect(page.locator("#trouble")).to_be_hidden()
    expect(older).to_be_focused()
    assert figures.get_attribute("open") is not None
    with watched.more(teller):
        teller.pause("waiting for the weekend to end")
    expect(page.get_by_role("heading", level=1)).to_have_text("Paused at codfw 25 %")
    expect(page.locator(".hero")).to_contain_text("waiting for the weekend to end")
    expect(page.locator(".hero")).to_contain_text("assay rollout resume")


def test_a_hidden_tab_asks_nothing_and_asks_at_once_when_seen(open_page: Visit, watched: Watched) -> None:
    watched.begin(last=2)
    page = look(open_page, watched)
    page.clock.install()
    page.reload()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide = """(hidden) => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(hide, True)
    page.clock.run_for(60_000)
    assert [url for url in asked if "/api/" in url] == []
    with page.expect_request("**/api/rollout/version"):
        page.evaluate(hide, False)
    with page.expect_response("**/api/rollout/version"):
        page.clock.run_for(2_100)


def test_it_says_so_when_its_server_is_gone_and_when_it_is_back(open_page: Visit, watched: Watched) -> None:
    watched.begin(last=2)
    page = look(open_page, watched)
    page.route("**/api/rollout/version", lambda route: route.abort())
    expect(page.get_by_role("alert")).to_contain_text("cannot reach its server")
    expect(page.get_by_role("heading", level=1)).to_have_text("Running: codfw shadow")
    page.unroute("**/api/rollout/version")
    expect(page.locator("#trouble")).to_be_hidden()


def test_rolled_back_tells_why_and_what_users_had_of_it(open_page: Visit, watched: Watched) -> None:
    whole(watched.folder, watched.clock, defect=SLOW)
    page = look(open_page, watched)
    expect(page.get_by_role("heading", level=1)).to_have_text("Rolled back at codfw shadow")
    hero = page.locator(".hero")
    expect(hero).to_contain_text("computing_time")
    expect(hero).to_contain_text("All users are answered by the stable release.")
    expect(hero).to_contain_text("Decision to rolled back0.7 s")
    expect(page.locator(".stage-failed")).to_contain_text("shadow")
    expect(page.locator(".check").first).to_contain_text("computing time bad")
    expect(page.locator(".stage-never")).to_have_count(13)


def test_former_rollouts_are_listed_and_can_be_read(open_page: Visit, watched: Watched) -> None:
    whole(watched.folder, watched.clock, "bad", SLOW)
    whole(watched.folder, watched.clock, "good")
    page = look(open_page, watched)
    expect(page.get_by_role("heading", level=1)).to_have_text("Done")
    expect(page.locator(".hero")).to_contain_text("All users are answered by the candidate.")
    former = page.get_by_role("region", name="Former rollouts").get_by_role("row").nth(1)
    expect(former).to_contain_text("Rolled back")
    former.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rolled back at codfw shadow")
    page.get_by_role("link", name="To the newest").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Done")


def test_the_journal_is_turned_page_by_page(open_page: Visit, watched: Watched) -> None:
    with Journal(watched.folder, watched.clock) as journal:
        for number in range(1, 251):
            journal.append("note", {"text": f"note {number}", "by": "ada"})
    page = look(open_page, watched)
    rows = page.locator(".entries tbody tr")
    expect(rows).to_have_count(100)
    expect(rows.first).to_contain_text("note 250")
    page.get_by_role("link", name="Older entries").click()
    expect(rows.first).to_contain_text("note 150")
    page.get_by_role("link", name="Older entries").click()
    expect(rows).to_have_count(50)
    expect(page.get_by_role("link", name="Older entries")).to_have_count(0)
    page.get_by_role("link", name="Newest entries").click()
    expect(rows.first).to_contain_text("note 250")


def test_a_damaged_journal_is_no_blank_page(open_page: Visit, watched: Watched) -> None:
    watched.begin(last=5)
    path = watched.folder / FILE_NAME
    lines = path.read_bytes().split(b"\n")
    lines[-4] = lines[-4].replace(b"good", b"fine", 1)
    path.write_bytes(b"\n".join(lines))
    page = look(open_page, watched)
    alert = page.get_by_role("alert").filter(has_text="The journal is damaged")
    expect(alert).to_contain_text(f"line {len(lines) - 2} of")  # the one after the altered one
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".entries tbody tr").first).to_be_visible()


def test_hostile_text_of_a_journal_stays_text(open_page: Visit, watched: Watched) -> None:
    teller = watched.begin(last=2)
    with watched.more(teller) as journal:
        journal.append("note", {"text": ATTACK, "by": ATTACK})
        bad = {"name": ATTACK, "status": "bad", "sentence": ATTACK, "figures": {ATTACK: ATTACK}}
        journal.append("verdict", {"stage": 2, "checks": [bad | {"bad_since_s": None}]})
        teller.pause(ATTACK, by=ATTACK)
    page = look(open_page, watched)
    expect(page.locator(".hero")).to_contain_text("<script>window.stolen = 1</script>")
    expect(page.locator(".check-bad")).to_contain_text("<img src=x")
    assert page.evaluate("window.stolen") is None
    assert page.locator("main img").count() == 0


@pytest.mark.parametrize("kind", ["light", "dark", "phone"])
def test_it_can_be_read_and_used_by_everyone(open_page: Visit, watched: Watched, kind: str) -> None:
    whole(watched.folder, watched.clock, "bad", SLOW)
    watched.begin("now", last=5)
    page = look(open_page, watched, kind)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert contrast_faults(page) == []
    assert structure_faults(page) == []
    assert small_targets(page) == []
    assert unnamed_controls(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    expect(page.get_by_role("row")).not_to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the rollout")).to_be_focused()
    assert focus_is_visible(page)
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_without_a_script_the_page_is_whole(watched: Watched) -> None:
    watched.begin(last=5)
    text = watched.served.ask("/").text
    assert "codfw" in text
    assert "<polyline points=" in text
    assert "style=" not in text
