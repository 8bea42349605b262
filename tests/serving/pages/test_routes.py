"""Feed, cards and thresholds as documents: what is served, refused and escaped. Steps are in `tests/e2e`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from assay.clock import SystemClock
from assay.models.bundle import load_bundles
from assay.models.library import search, shipped_folder
from assay.scoring.wikis import ModelSets
from assay.serving.app import Application, build_app
from assay.serving.native.models import ModelsApi
from assay.serving.options import AppOptions, QuotaOptions
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.filters import Filter, filters_of
from assay.serving.pages.site import PageOptions
from assay.serving.pages.thresholds import query
from assay.telemetry import Metrics
from servers.asgi import Served, serving
from shared_data import ROOT
from small_app import ask, small_service

LIBRARY = search(shipped_folder())
PATHS = [LIBRARY.found["enwiki"][name].path for name in ("damaging", "articlequality")]


def application() -> Application:
    """The small application with its pages, of a server that strangers may ask."""
    metrics = Metrics()
    return build_app(
        AppOptions(),
        small_service(metrics),
        ModelInfos({}),
        metrics,
        SystemClock(),
        quota=QuotaOptions(revisions_per_minute=60, burst=200, exempt=()),
        page=PageOptions(("smallwiki",), {"smallwiki": "https://wiki.example/w/index.php"}, "test"),
    )


@pytest.fixture(scope="module")
def paged() -> Iterator[Served]:
    with serving(application().asgi) as served:
        yield served


PAGES = "assay.serving.pages."


def test_every_page_is_documented() -> None:
    told = (ROOT / "docs" / "reference" / "pages.md").read_text("utf-8")
    mine = [
        r for r in application().routes if isinstance(r, APIRoute) and r.endpoint.__module__.startswith(PAGES)
    ]
    assert len(mine) > 12
    for route in mine:
        assert f"`{route.path}`" in told or f"`{route.path}/`" in told or f"`{route.path[:-1]}`" in told


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/feed/nowiki", 404, "No scorers available for nowiki"),
        ("/feed/smallwiki?limit=0", 400, "Give a whole number from 1 to 50."),
        ("/feed/smallwiki?show=none", 400, "This wiki has no filter &#39;none&#39;"),
        ("/feed/awaywiki", 503, "The wiki does not answer."),
        ("/models/smallwiki/none", 404, "not available for smallwiki"),
        ("/models/smallwiki/damaging/thresholds", 404, "Nothing was measured of damaging"),
        ("/feed/%3Cscript%3Ealert(1)", 404, "&lt;script&gt;alert(1)"),
    ],
)
def test_a_refusal_is_a_page_with_its_status(paged: Served, path: str, status: int, words: str) -> None:
    reply = ask(paged, path)
    text = reply.body.decode()
    assert reply.status == status
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert words in text
    assert "<script>alert" not in text
    assert ('href="/models/"') in text


@pytest.mark.parametrize("path", ["/feed", "/feed/smallwiki", "/models", "/models/smallwiki/damaging", "/ui"])
def test_pages_are_served_with_and_without_the_final_slash(paged: Served, path: str) -> None:
    assert ask(paged, path).status == ask(paged, f"{path}/").status == 200


def test_the_feed_tells_when_nothing_is_new_and_counts_like_scores(paged: Served) -> None:
    first = ask(paged, "/feed/smallwiki?limit=2")
    assert 'href="https://wiki.example/w/index.php?diff=prev&amp;oldid=1000"' in first.body.decode()
    again = ask(paged, "/feed/smallwiki?limit=2", headers={"If-None-Match": first.headers["etag"]})
    assert again.status == 304
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    for _ in range(5):
        last = ask(paged, "/feed/smallwiki?limit=50")
    assert last.status == 429
    assert "Ask more slowly" in last.body.decode()
    assert last.headers["retry-after"]


@pytest.mark.parametrize(
    "path", ["/feed/smallwiki?limit=1", "/models/", "/models/smallwiki/damaging", "/ui/"]
)
def test_nothing_in_them_is_inline_or_from_elsewhere(paged: Served, path: str) -> None:
    text = ask(paged, path).body.decode()
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", text)
    assert set(re.findall(r"<script[^>]*>(.*?)</script>", text)) <= {""}
    loaded = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', text)
    assert loaded
    assert all(address.startswith("/") for address in loaded)


# -- filters and queries -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured() -> ModelsApi:
    infos = ModelInfos({found.manifest.digest: found.path for found in LIBRARY})
    return ModelsApi(small_service(Metrics()).wikis, infos, {})


def test_filters_are_the_operating_points_of_binary_models(measured: ModelsApi) -> None:
    wiki = small_service(Metrics()).wikis["smallwiki"]
    assert filters_of(wiki, measured) == []
    models = ModelSets(load_bundles(PATHS)).of("enwiki")
    filters = filters_of(type(wiki)("enwiki", wiki.source, models), measured)
    assert [one.name for one in filters] == [
        *("damaging.likelygood", "damaging.maybebad", "damaging.likelybad", "damaging.verylikelybad")
    ]
    likely = filters[2]
    assert (likely.title, likely.condition) == ("Damaging: Likely have problems", "precision ≥ 0.6")
    assert 0.5 < likely.least < likely.most == 1.0


@pytest.mark.parametrize(
    ("scores", "is_taken"),
    [
        ({"damaging": {"probability": {"true": 0.6}}}, True),
        ({"damaging": {"probability": {"true": 0.9}}}, True),
        ({"damaging": {"probability": {"true": 0.59}}}, False),
        ({"damaging": {"error": {}}}, False),
        ({}, False),
    ],
)
def test_a_filter_takes_its_range_and_nothing_without_a_score(
    scores: dict[str, object], is_taken: bool
) -> None:
    assert Filter("f", "damaging", "F", "", 0.6, 0.9).takes(scores) is is_taken


@pytest.mark.parametrize(
    ("share", "shown"), [(0.6, "0.6"), (0.69999, "0.699"), (1.0, "1"), (0.123456, "0.123")]
)
def test_a_query_never_asks_for_more_than_there_is(share: float, shown: str) -> None:
    asked = query({"wiki": "en wiki", "model": "damaging", "label": "a.b"}, hold="recall", share=share)
    assert asked is not None
    assert asked["path"] == f"statistics.thresholds.'a.b'.'maximum precision @ recall >= {shown}'"
    assert asked["address"].startswith(
        "/v3/scores/en%20wiki/?models=damaging&model_info=statistics.thresholds."
    )
    assert query({"label": "true"}, hold="recall", share=None) is None
