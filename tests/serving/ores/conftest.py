"""What ``make run`` serves: the shipped models over the sample wiki."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from assay.compose import build_scorer, build_web
from assay.scoring.pool import PoolOptions
from assay.settings import Settings
from servers.asgi import Served, serving


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(cache_dir=str(tmp_path_factory.mktemp("index")), pool=PoolOptions(processes=1))
    scorer = build_scorer(settings, lambda _: nullcontext(lambda *_: None))
    with serving(build_web(settings, scorer).asgi) as served:
        yield served
