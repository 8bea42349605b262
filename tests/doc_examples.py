"""Examples in the documentation: requests with their answers, and programs."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlsplit

from servers.asgi import Served
from shared_data import ROOT
from small_app import Reply, ask

_REQUEST: Final = re.compile(
    r"^```\n\$ curl (?P<command>[^\n]+)\n(?P<answer>\{.*?)\n```$", re.DOTALL | re.MULTILINE
)
_FORM: Final = "application/x-www-form-urlencoded"
"""What curl says of a body when nobody says otherwise."""
_PROGRAM: Final = re.compile(r"^```python\n(?P<program>.*?)\n```$", re.DOTALL | re.MULTILINE)


@dataclass
class Curl:
    """What a command line asks for, in the few words of curl that the pages use."""

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
        path = quote(f"{self.path}?{fields}" if self.in_query else self.path, safe="/?&=%+|':,@")
        if self.fields and not self.in_query:
            headers = {"Content-Type": _FORM} | self.headers
            return ask(served, path, method="POST", body=fields.encode(), headers=headers)
        return ask(served, path, method=self.method, headers=self.headers)

    def shown(self, reply: Reply) -> str:
        body = reply.body.decode()
        if not self.with_headers:
            return body
        head = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
        return "\n".join([*head, *(f"{name}: {value}" for name, value in reply.headers.items()), body])


@dataclass(frozen=True)
class Example:
    """A request and its answer as they are written; ``…`` stands for any value."""

    command: str
    answer: str

    @property
    def answers(self) -> list[Any]:
        """The JSON documents of the answer."""
        return list(_documents(self.answer))

    def ask(self, served: Served) -> Reply:
        return Curl.of(f"curl {self.command}").ask(served)


def examples(page: str) -> Iterator[Example]:
    """Of a page below ``docs/``."""
    for match in _REQUEST.finditer((ROOT / "docs" / page).read_text("utf-8")):
        yield Example(match["command"], match["answer"])


def programs(page: str) -> list[str]:
    """Python code of a page below ``docs/``."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return [match["program"] for match in _PROGRAM.finditer(text)]


def fits(told: Any, written: Any) -> bool:
    """Whether an answer is what is written, member by member."""
    if written == "…":
        return True
    if isinstance(written, float) and isinstance(told, float):
        return math.isclose(told, written)
    if isinstance(written, dict) and isinstance(told, dict):
        return set(told) == set(written) and all(fits(told[key], written[key]) for key in written)
    if isinstance(written, list) and isinstance(told, list):
        return len(told) == len(written) and all(map(fits, told, written))
    return bool(told == written)


def _documents(text: str) -> Iterator[Any]:
    """One after the other, whatever lines they stand on."""
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        document, position = decoder.raw_decode(text, position)
        yield document
        while position < len(text) and text[position].isspace():
            position += 1
