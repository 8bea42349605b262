"""The home page and ORES's page of scores: which wikis they offer, and what is there without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from assay.serving.pages.site import PageOptions
from servers.asgi import Served, serving
from serving.pages.markup import Tags, app_of

WIKIS = ("samplewiki", "enwiki")


@pytest.fixture(scope="module")
def client() -> Iterator[Served]:
    options = PageOptions(WIKIS, {"enwiki": "https://en.wikipedia.org/w/index.php"}, "1.2.3")
    with serving(app_of(options)) as client:
        yield client


def test_the_home_page_lists_the_wikis_in_order(client: Served) -> None:
    options = Tags(client.ask("/").text).named("option")
    assert [option["value"] for option in options] == ["samplewiki", "enwiki"]
    assert options[1]["data-index-url"] == "https://en.wikipedia.org/w/index.php"
    assert "data-index-url" not in options[0]


def test_the_page_of_scores_begins_with_the_first_wiki(client: Served) -> None:
    """The API tells the others, with their models."""
    (select,) = Tags(client.ask("/ui/").text).named("select")
    assert select["data-first"] == WIKIS[0]


@pytest.mark.parametrize(("path", "marked"), [("/", []), ("/ui/", ["/ui/"])])
def test_the_navigation_marks_where_one_is(client: Served, path: str, marked: list[str]) -> None:
    """It has no link to the home page, which the name of the site leads to."""
    links = Tags(client.ask(path).text).named("a")
    assert [link["href"] for link in links if link.get("aria-current") == "page"] == marked


@pytest.mark.parametrize("path", ["/", "/ui/"])
def test_names_of_wikis_are_escaped(path: str) -> None:
    name = '"><script>alert(1)</script>'
    with serving(app_of(PageOptions((name,)))) as client:
        page = Tags(client.ask(path).text)
    assert name in {value for _, attributes in page.tags for value in attributes.values()}
    assert all(script.get("src") for script in page.named("script"))


@pytest.mark.parametrize("path", ["/", "/ui/"])
def test_without_scripts_they_name_the_api(client: Served, path: str) -> None:
    found = re.search(r"<noscript>(.*?)</noscript>", client.ask(path).text, re.DOTALL)
    assert found is not None
    assert 'href="/v3/scores/"' in found[1]
