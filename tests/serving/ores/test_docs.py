"""Every example of docs/http/ores.md, run against what ``make run`` serves; and one for every route."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, quote_plus, urlsplit

import pytest
from starlette.routing import Route

from servers.asgi import Served
from shared_data import ROOT
from small_app import Reply, SmallApp, ask

PAGE: Final = (ROOT / "docs" / "http" / "ores.md").read_text("utf-8")
FORM: Final = "application/x-www-form-urlencoded"
OURS: Final = re.compile(r"/(?:v[123]/)?scores.*|/v[123](?:/spec)?/?|/versions/?|/docs.*")


@dataclass
class Curl:
    """What a command line asks for, in the few words of curl that the page uses."""

    path: str = ""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    with_headers: bool = False
    in_query: bool = False

    @classmethod
    def of(cls, line: str) -> Curl:
        found, words = cls(), iter(shlex.split(line)[1:])
        for word in words:
            match word:
                case "-i":
                    found.with_headers = True
                case "-G":
                    found.in_query = True
                case "-X":
                    found.method = next(words)
                case "-H":
                    name, value = next(words).split(": ")
                    found.headers[name] = value
                case "-d":
                    found.fields.append(next(words))
                case "--data-urlencode":
                    name, value = next(words).split("=", 1)
                    found.fields.append(f"{name}={quote_plus(value)}")
                case _:
                    address = urlsplit(word)
                    assert address.netloc == "127.0.0.1:8080"
                    found.path = address.path + (f"?{address.query}" if address.query else "")
        return found

    def ask(self, served: Served) -> Reply:
        fields = "&".join(self.fields)
        path = quote(f"{self.path}?{fields}" if self.in_query else self.path, safe="/?&=%+|'")
        if self.fields and not self.in_query:
            return ask(served, path, method="POST", body=fields.encode(), content_type=FORM)
        return ask(served, path, method=self.method, headers=self.headers)

    def shown(self, reply: Reply) -> str:
        body = reply.body.decode()
        if not self.with_headers:
            return body
        head = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
        return "\n".join([*head, *(f"{name}: {value}" for name, value in reply.headers.items()), body])


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
