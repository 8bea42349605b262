"""One live application for all tests of serving that do not need their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers.asgi import Served, serving
from small_app import SmallApp


@pytest.fixture(scope="session")
def small_app() -> SmallApp:
    return SmallApp()


@pytest.fixture(scope="session")
def live(small_app: SmallApp) -> Iterator[Served]:
    with serving(small_app.build().asgi) as served:
        yield served
