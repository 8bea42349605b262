"""Feed, cards and thresholds as documents: what is served, refused and escaped. Steps are in `tests/e2e`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from assay.clock import SystemClock
from assay.serving.app import Application, build_app
from assay.serving.options import AppOptions, QuotaOptions
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.site import PageOptions
from assay.telemetry import Metrics
from servers.asgi import Served, serving
from shared_data import ROOT
from small_app import ask, small_service


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


@pytest.mark.parametrize("path", ["/feed/smallwiki", "/models", "/models/smallwiki/damaging", "/ui"])
def test_pages_are_served_with_and_without_the_final_slash(paged: Served, path: str) -> None:
    assert ask(paged, path).status == ask(paged, f"{path}/").status == 200


@pytest.mark.parametrize("path", ["/feed", "/feed/"])
def test_where_one_wiki_has_a_feed_the_reader_is_sent_there(paged: Served, path: str) -> None:
    reply = ask(paged, path)
    assert (reply.status, reply.headers["location"]) == (302, "/feed/smallwiki")
    assert "default-src 'none'" in reply.headers["content-security-policy"]


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
