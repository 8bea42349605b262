"""Every example of docs/http/ores.md, run against what ``make run`` serves; and one for every route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import pytest
from starlette.routing import Route

from doc_examples import Curl
from servers.asgi import Served
from shared_data import ROOT
from small_app import SmallApp

PAGE: Final = (ROOT / "docs" / "http" / "ores.md").read_text("utf-8")
OURS: Final = re.compile(r"/(?:v[123]/)?scores.*|/v[123](?:/spec)?/?|/versions/?|/docs.*")


def examples() -> Iterator[tuple[str, str]]:
    for block in re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = example.partition("\n")
            yield command, output


def pattern(output: str) -> re.Pattern[str]:
    """`output` as it may be laid out in any way, ``…`` standing for anything."""
    return re.compile(".*?".join(re.escape(_packed(part)) for part in output.split("…")), re.DOTALL)


def _packed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(("command", "output"), list(examples()), ids=[command for command, _ in examples()])
def test_an_example_gives_what_the_page_shows(shipped: Served, command: str, output: str) -> None:
    curl = Curl.of(command)
    told = curl.shown(curl.ask(shipped))
    assert output.strip()
    assert pattern(output).fullmatch(_packed(told)), told[:2000]


def test_every_route_has_an_example() -> None:
    routes = [
        route
        for route in SmallApp().build().routes
        if isinstance(route, Route) and OURS.fullmatch(route.path)
    ]
    paths = {urlsplit(Curl.of(command).path).path for command, _ in examples()}
    assert len(routes) > 30
    for route in routes:
        with_slash = re.compile(route.path_regex.pattern.removesuffix("$").removesuffix("/") + "/?$")
        assert any(with_slash.match(path) for path in paths), f"{route.path} has no example"


@pytest.mark.parametrize(
    ("output", "told", "fits"),
    [
        ('{"a": …}', '{\n  "a": [1, 2]\n}\n', True),
        ('{"a": …}', '{"b": 1}', False),
        ('{"a": 1}', '{"a": 1, "b": 2}', False),
        ("a.b", "axb", False),
    ],
)
def test_examples_can_fail(output: str, told: str, fits: bool) -> None:
    assert (pattern(output).fullmatch(_packed(told)) is not None) is fits
