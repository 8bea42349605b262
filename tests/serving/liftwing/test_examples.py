"""The examples of the documentation are asked, and answered as they say; ``…`` stands for any value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from doc_examples import Example, examples, fits
from sample_app import sample_app
from servers.asgi import Served, serving

PAGES: Final = {"http/lift-wing.md": 8, "http/README.md": 1}
"""Documentation with examples of this folder and of unsaved texts, and how many there are at least."""


EXAMPLES: Final = [
    example for page in PAGES for example in examples(page) if "scores/" not in example.command
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(sample_app(tmp_path_factory.mktemp("index"))) as served:
        yield served


def test_no_page_has_lost_its_examples() -> None:
    assert len(EXAMPLES) >= sum(PAGES.values())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.command[:70])
def test_an_example_is_answered_as_written(site: Served, example: Example) -> None:
    reply = example.ask(site)
    (answer,) = example.answers
    assert fits(reply.json, answer), reply.body.decode()
