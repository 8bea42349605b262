"""What a newcomer meets after ``make run``: the shipped models judge the sample wiki sensibly."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import expect

from e2e.conftest import Visit
from servers.asgi import Served

VANDALISM = {1260: "River Aldern", 1275: "Orme Viaduct", 1281: "Ilse Brandner", 1287: "Honey bee"}
GOOD_WORK = {1261: "River Aldern", 1277: "River Aldern", 1285: "Port Callow", 1289: "Port Callow"}


def damaging(served: Served, rev: int) -> float:
    scores: dict[str, Any] = json.loads(served.ask(f"/v3/scores/samplewiki/{rev}/damaging").text)
    score = scores["samplewiki"]["scores"][str(rev)]["damaging"]["score"]
    return float(score["probability"]["true"])


def test_vandalism_is_told_from_good_work(shipped: Served) -> None:
    bad = {rev: damaging(shipped, rev) for rev in VANDALISM}
    good = {rev: damaging(shipped, rev) for rev in GOOD_WORK}
    assert min(bad.values()) > 0.6, bad
    assert max(good.values()) < 0.2, good


def test_the_page_shows_it_with_reasons_and_moves_the_score(open_page: Visit, shipped: Served) -> None:
    page = open_page(f"{shipped.url}/?wiki=samplewiki&rev=1260")
    card = page.get_by_role("article", name="Damaging", exact=True)
    expect(card.locator(".figure")).to_have_text(f"{damaging(shipped, 1260) * 100:.0f}%")
    expect(card.locator(".push")).to_have_count(8)
    card.get_by_label("Value of: The author is not logged in").select_option("no")
    expect(card.locator(".was")).to_be_visible()


def test_every_feature_has_words(open_page: Visit, shipped: Served) -> None:
    """No feature of a shipped model is told by its machine name alone."""
    page = open_page(shipped.url)
    wikis = json.loads(shipped.ask("/api/wikis").text)["wikis"]
    features = [
        [feature["name"], feature["doc"]]
        for wiki in wikis
        for model in wiki["models"]
        for feature in model["features"]
    ]
    assert len(features) > 100
    words: list[list[str]] = page.evaluate(
        """async (features) => {
          const { featureWords } = await import('/static/x/wording.js');
          return features.map(([name, doc]) => [name, featureWords(name, doc)]);
        }""",
        features,
    )
    unsaid = [
        name for name, told in words if told.lower() == re.sub(r"[._]+", " ", name.removeprefix("feature."))
    ]
    assert unsaid == []
