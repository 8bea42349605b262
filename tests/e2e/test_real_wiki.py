"""A real MediaWiki and a real ``assay serve``: what an operator gets who connects the two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from documented import arguments
from e2e.conftest import Visit
from servers import assay_serve, real_mediawiki
from servers.assay_serve import AssayServer
from servers.real_mediawiki import ADMIN, VERA, RealMediaWiki

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "mediawiki" / "assay-scores.js"
AT_ONCE = 5
OPEN = {"Access-Control-Allow-Origin": "*", "Content-Type": "application/json"}
GOOD = "The lighthouse of Halvick stands on a rock in the bay.\n\n== History ==\n\nIt was built in 1871.\n"


@pytest.fixture(scope="module")
def wiki() -> Iterator[RealMediaWiki]:
    with real_mediawiki.running() as started:
        yield started


@pytest.fixture(scope="module")
def assay(wiki: RealMediaWiki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AssayServer]:
    folder = tmp_path_factory.mktemp("assay")
    with assay_serve.serving(folder, *arguments("serve", "livewiki", wiki.api_url)) as server:
        yield server


@pytest.fixture(scope="module")
def script(wiki: RealMediaWiki, assay: AssayServer) -> int:
    """For all readers of the wiki, asking for few at once; the id of the revision that brought it."""
    ours = SCRIPT.read_text()
    for theirs, own in (("https://assay.example.org", assay.url), ("atOnce = 50", f"atOnce = {AT_ONCE}")):
        assert theirs in ours
        ours = ours.replace(theirs, own)
    saved = wiki.log_in(ADMIN).edit("MediaWiki:Common.js", ours)
    assert saved.rev_id is not None
    return saved.rev_id


def reverted(assay: AssayServer, rev_id: int | None) -> float:
    assert rev_id is not None
    return float(assay.cell("livewiki", rev_id, "reverted")["score"]["probability"]["true"])


def test_an_edit_is_scored_as_soon_as_it_is_saved(assay: AssayServer, wiki: RealMediaWiki) -> None:
    vera = wiki.log_in(VERA)
    vera.edit("Lighthouse", GOOD)
    good = vera.edit("Lighthouse", f"{GOOD}\n== Today ==\n\nIts light is [[electric light|electric]].\n")
    bad = wiki.reader().edit("Lighthouse", "YOU ALL SUCK!!!!!!!")
    assert reverted(assay, bad.rev_id) > 0.5 > reverted(assay, good.rev_id)


def test_it_is_computed_once(assay: AssayServer, wiki: RealMediaWiki) -> None:
    saved = wiki.log_in(VERA).edit("Twice", GOOD)
    first, second = (assay.get(f"/v3/scores/livewiki/{saved.rev_id}/") for _ in range(2))
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert first.document == second.document


def test_what_cannot_be_scored_says_why(assay: AssayServer, wiki: RealMediaWiki) -> None:
    vera, admin = wiki.log_in(VERA), wiki.log_in(ADMIN)
    deleted = vera.edit("Ruin", "It falls.").rev_id
    admin.delete("Ruin")
    hidden = vera.edit("Quarry", "An address").rev_id
    after = vera.edit("Quarry", "Sand").rev_id
    script = vera.edit("User:Vera/common.js", "alert( 1 );").rev_id
    assert hidden is not None
    admin.hide(hidden, "content")
    ids = [deleted, hidden, after, script]
    answer = assay.get(f"/v3/scores/livewiki/?models=reverted&error_codes&revids={'|'.join(map(str, ids))}")
    cells = [answer.document["livewiki"]["scores"][str(rev_id)]["reverted"] for rev_id in ids]
    assert answer.status == 200
    assert [(cell["error"]["code"], cell["error"]["type"]) for cell in cells] == [
        ("revision_not_found", "RevisionNotFound"),
        ("text_deleted", "TextDeleted"),
        ("text_deleted", "TextDeleted"),
        ("unexpected_content_model", "UnexpectedContentType"),
    ]
    assert not any(cell["error"]["retryable"] for cell in cells)


def test_the_newest_edits_are_offered(assay: AssayServer, wiki: RealMediaWiki) -> None:
    saved = wiki.log_in(VERA).edit("Newest", GOOD)
    assert assay.get("/api/livewiki/recent?limit=1").document["revisions"] == [saved.rev_id]


def test_scores_outlive_the_wiki(assay: AssayServer, wiki: RealMediaWiki) -> None:
    """While it is away, what is known is answered and the rest is worth asking for again."""
    vera = wiki.log_in(VERA)
    known, unknown = vera.edit("Known", GOOD).rev_id, vera.edit("Unknown", GOOD).rev_id
    before = reverted(assay, known)
    wiki.end()
    error = assay.cell("livewiki", unknown or 0, "reverted")["error"]
    assert (error["code"], error["retryable"]) == ("source_unavailable", True)
    assert reverted(assay, known) == before
    wiki.restart()
    assert 0 < reverted(assay, unknown) < 1


@pytest.mark.parametrize(
    "address",
    ["Special:RecentChanges", "Fence&action=history", "Special:Contributions/127.0.0.1"],
    ids=["recent changes", "history", "contributions"],
)
def test_the_script_shows_scores_beside_edits(
    open_page: Visit, wiki: RealMediaWiki, assay: AssayServer, script: int, address: str
) -> None:
    bad = wiki.reader().edit("Fence", f"YOU ALL SUCK!!!!!!! {address}").rev_id
    page = open_page(f"{wiki.url}/index.php?title={address}", ready=".assay-score >> visible=true")
    page.locator(f"[data-mw-revid='{bad}'] .assay-score").wait_for(state="attached")
    shown: dict[str, str] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-mw-revid]")].map((line) =>
            [line.dataset.mwRevid, line.querySelector(".assay-score")?.textContent ?? ""]))"""
    )
    assert shown[str(bad)] == f"{100 * reverted(assay, bad):.0f}\u00a0%"
    assert shown.get(str(script), "") == "", "a script is no article: it has no score"


def test_the_script_alarms_from_the_models_own_operating_point_on(
    open_page: Visit, wiki: RealMediaWiki, assay: AssayServer, script: int
) -> None:
    """Not from one half on: the model for any wiki says that of many harmless new pages."""
    told = assay.get("/api/livewiki/models/reverted/thresholds?point=verylikelybad").document
    alarming = told["cut"]["threshold"]
    assert alarming > 0.6
    vera, reader = wiki.log_in(VERA), wiki.reader()
    bad = reader.edit("Alarm", "YOU ALL SUCK!!!!!!! poop poop FUCK YOU").rev_id
    vera.edit("Alarm", GOOD)
    calm = vera.edit("Alarm", f"{GOOD}\nIts light is white.\n").rev_id
    between = reader.edit("Alarm", "YOU ALL SUCK!!!!!!!").rev_id
    scores = {rev_id: reverted(assay, rev_id) for rev_id in (calm, between, bad)}
    page = open_page(f"{wiki.url}/index.php?title=Alarm&action=history", ready=".assay-score")
    shown = _alarms(page)
    assert {rev_id: shown[str(rev_id)] for rev_id in scores} == {
        rev_id: score >= alarming for rev_id, score in scores.items()
    }
    assert (shown[str(calm)], shown[str(bad)]) == (False, True), scores

    page.route("**/thresholds?*", lambda route: route.fulfill(body='{"range": null}', headers=OPEN))
    page.reload()
    page.locator(".assay-score").nth(2).wait_for()
    assert not any(_alarms(page).values()), "what nobody promises is no alarm"


def _alarms(page: Page) -> dict[str, bool]:
    """Whether each edit's mark is red."""
    alarms: dict[str, bool] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-mw-revid]")].map((line) =>
            [line.dataset.mwRevid,
             getComputedStyle(line.querySelector(".assay-score")).backgroundColor === "rgb(179, 36, 36)"]))"""
    )
    return alarms


def test_the_script_asks_for_a_long_list_in_parts_one_after_the_other(
    open_page: Visit, wiki: RealMediaWiki, assay: AssayServer, script: int
) -> None:
    vera = wiki.log_in(VERA)
    for number in range(AT_ONCE + 1):
        vera.edit("Long", f"{number} lights")
    page = open_page(f"{wiki.url}/index.php?title=Long&action=history&limit=500", ready=".assay-score")
    page.locator(".assay-score").nth(AT_ONCE).wait_for()
    asked: list[float] = page.evaluate(
        """() => performance.getEntriesByType("resource").filter((it) => it.name.includes("/v3/scores/"))
            .flatMap((it) => [it.startTime, it.responseEnd])"""
    )
    assert len(asked) == 4
    assert asked == sorted(asked)
