"""Pages by themselves, and what their markup holds."""

from __future__ import annotations

from html.parser import HTMLParser

from fastapi import FastAPI

from assay.serving.pages.home import add_home
from assay.serving.pages.site import PageOptions, Site


def app_of(options: PageOptions) -> FastAPI:
    app, site = FastAPI(), Site(options)
    add_home(app.router, site)
    site.add_files(app.router)
    return app


class Tags(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]
