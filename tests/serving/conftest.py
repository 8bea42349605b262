"""Live applications for all tests of serving that do not need their own: one on each engine.

What is started beside them is kept for the session: `live` changes its engine within every module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from servers.asgi import Served, serving
from servers.small_web import ENGINES, SmallWeb, small_web
from small_app import SmallApp, with_pages


@pytest.fixture(scope="session")
def web() -> Iterator[SmallWeb]:
    with small_web() as started:
        yield started


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine that scores are computed with."""
    name: Any = request.param
    return str(name)


@pytest.fixture(scope="session")
def small_app(web: SmallWeb, engine: str) -> SmallApp:
    return web.live(engine)[0]


@pytest.fixture(scope="session")
def inline(web: SmallWeb) -> Served:
    """On one engine, for tests of what surrounds scores: it is the same on all."""
    return web.live("inline")[1]


@pytest.fixture(scope="session")
def live(web: SmallWeb, engine: str) -> Served:
    return web.live(engine)[1]


@pytest.fixture(scope="session")
def paged() -> Iterator[Served]:
    with serving(with_pages().asgi) as served:
        yield served
