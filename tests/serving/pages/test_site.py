"""The frame of the pages: what is served, with which headers, and that the markup is safe and whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from assay.serving.pages.site import PageOptions
from servers.asgi import Served, serving
from serving.pages.markup import Tags, app_of

FILES = {
    entry.name: entry
    for package in ("assay.page", "assay.serving.pages")
    for entry in (files(package) / "static").iterdir()
}
ASSETS = sorted(FILES)


@pytest.fixture(scope="module")
def client() -> Iterator[Served]:
    options = PageOptions(
        ("samplewiki", "enwiki"), {"enwiki": "https://en.wikipedia.org/w/index.php"}, "1.2.3"
    )
    with serving(app_of(options)) as client:
        yield client


def test_it_forbids_everything_that_is_not_its_own(client: Served) -> None:
    policy = client.ask("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_nothing_in_it_is_inline_or_from_elsewhere(client: Served) -> None:
    page = Tags(client.ask("/").text)
    assert all(script.get("src", "").startswith("/static/") for script in page.named("script"))  # type: ignore[union-attr]
    assert not page.named("style")
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "action"):
            assert not (attributes.get(name) or "").startswith(("http", "//", "javascript")), tag


def test_every_file_it_names_is_served_and_kept(client: Served) -> None:
    page = Tags(client.ask("/").text)
    addresses = [s["src"] for s in page.named("script")] + [s["href"] for s in page.named("link")]
    assert len(addresses) == 15
    for address in addresses:
        answer = client.ask(str(address))
        assert answer.status == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        if "/static/" in str(address):
            assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("name", ASSETS)
def test_a_client_that_has_a_file_is_told_so(client: Served, name: str) -> None:
    first = client.ask(f"/static/any/{name}")
    assert first.body == FILES[name].read_bytes()
    again = client.ask(f"/static/any/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    changed = client.ask(f"/static/any/{name}", headers={"If-None-Match": '"another"'})
    assert changed.status == 200


def test_another_releases_address_is_answered_but_not_kept(client: Served) -> None:
    assert client.ask("/static/0123456789ab/main.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/static/x/none.js", "/static/x/..%2Fui.py", "/static/x/%2Fetc%2Fpasswd", "/static/x/main.js%00"]
)
def test_there_are_no_other_files(client: Served, path: str) -> None:
    assert client.ask(path).status == 404


def test_the_icon_is_an_svg(client: Served) -> None:
    for path in ("/favicon.svg", "/favicon.ico"):
        answer = client.ask(path)
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.text.startswith("<svg")


def test_scripts_never_make_markup_from_text() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
    )
    for name in ASSETS:
        assert not forbidden.search(FILES[name].read_text("utf-8")), name


def test_scripts_import_only_files_that_are_there() -> None:
    for name in ASSETS:
        for imported in re.findall(r'from "\./([^"]+)"', FILES[name].read_text("utf-8")):
            assert imported in ASSETS, f"{name} imports {imported}"
