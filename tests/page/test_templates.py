"""Templates, as a browser would see what comes out of them."""

from __future__ import annotations

from html.parser import HTMLParser
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, TemplateNotFound, UndefinedError

from assay.page.templates import environment


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Of a package that has some of its own."""
    name, folder = f"templates_{uuid4().hex}", tmp_path_factory.mktemp("packages")
    files = {
        "page.html": '{% extends "frame.html" %}{% block main %}<p title="{{ text }}">{{ text }}</p>'
        "{% endblock %}",
        "list.html": "<ul>\n  {% for item in items %}\n  <li>{{ item }}</li>\n  {% endfor %}\n</ul>\n",
        "missing.html": "{{ nobody_gave }}",
    }
    (folder / name / "templates").mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    for file, text in files.items():
        (folder / name / "templates" / file).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return environment(name)


class _Read(HTMLParser):
    """Title and text of the one paragraph in it; whatever else a text could smuggle in is told as a tag."""

    def __init__(self) -> None:
        super().__init__()
        self.title: str | None = None
        self.text = ""
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "p":
            self.title = dict(attributes)["title"]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "p":
            self.text += data


@given(st.text(alphabet="<>\"'&;/=abp #39x{}%"))
def test_no_text_becomes_markup(templates: Environment, text: str) -> None:
    def read(given: str) -> _Read:
        found = _Read()
        found.feed(templates.get_template("page.html").render(text=given, digest="d"))
        return found

    found = read(text)
    assert found.tags == read("").tags
    assert found.title == text
    assert found.text.rstrip("\n ") == text.rstrip("\n ")


def test_the_frame_stands_below_a_package_s_own(templates: Environment) -> None:
    page = templates.get_template("page.html").render(text="x", digest="d1g")
    assert page.startswith("<!doctype html>")
    assert "/static/d1g/frame.css" in page
    with pytest.raises(TemplateNotFound):
        templates.get_template("rollout.html")


def test_what_was_not_given_fails(templates: Environment) -> None:
    with pytest.raises(UndefinedError, match="nobody_gave"):
        templates.get_template("missing.html").render()


def test_lines_of_a_template_alone_leave_no_empty_ones(templates: Environment) -> None:
    page = templates.get_template("list.html").render(items=[1, 2])
    assert page == "<ul>\n  <li>1</li>\n  <li>2</li>\n</ul>"
