"""Examples in the documentation: requests with their answers, and programs."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from servers.asgi import Served
from shared_data import ROOT
from small_app import Reply, ask

_REQUEST: Final = re.compile(
    r"^```\n\$ curl (?P<command>[^\n]+)\n(?P<answer>\{.*?)\n```$", re.DOTALL | re.MULTILINE
)
_PROGRAM: Final = re.compile(r"^```python\n(?P<program>.*?)\n```$", re.DOTALL | re.MULTILINE)


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
        address, *options = shlex.split(self.command)
        given = dict(zip(options[::2], options[1::2], strict=True))
        name, _, value = given.get("-H", "Accept: */*").partition(": ")
        body = given["-d"].encode() if "-d" in given else None
        target = urlsplit(address)
        path = f"{target.path}?{target.query}" if target.query else target.path
        return ask(served, path, method="POST" if body else "GET", body=body, headers={name: value})


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
