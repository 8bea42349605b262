"""What holds for the whole suite, and fixtures that several floors share; these import what they need."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from structlog.dev import ConsoleRenderer, plain_traceback

if TYPE_CHECKING:
    from load.answering import Answering
    from rollout.small_site import Site
    from servers.asgi import Served
    from servers.redis import RedisServer

# Machines differ in speed and some share their cores: slowness is measured by bench/, never asserted here.
settings.register_profile("assay", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("assay")

# Where a test sets up no logs, structlog draws a traceback with all variables, which takes seconds of a
# processor: on a busy machine longer than a client waits.
ConsoleRenderer.get_active().exception_formatter = plain_traceback

# A shell's background and nohup start programs deaf to these, and what tests start would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A real one of the test's own, to be stopped and killed."""
    from servers.redis import running

    with running() as server:
        yield server


@pytest.fixture(scope="module")
def shared_redis() -> Iterator[RedisServer]:
    """A real one for each module; whoever looks at all that it holds empties it before."""
    from servers.redis import running

    with running() as server:
        yield server


@pytest.fixture
def answering() -> Answering:
    """A server's answers, for the load generator to judge."""
    from load.answering import Answering

    return Answering()


@pytest.fixture
def answered(answering: Answering) -> Iterator[Served]:
    from servers.asgi import serving

    with serving(answering) as served:
        yield served


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """One data centre with two slots, behind a real HAProxy."""
    from rollout.small_site import small_site

    async with small_site(tmp_path, "one") as site:
        yield site


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Site]:
    """Two data centres."""
    from rollout.small_site import small_site

    async with small_site(tmp_path, "standby", "main") as site:
        yield site


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """What ``make run`` serves: the shipped models over the sample wiki."""
    from assay.compose.scorer import build_scorer
    from assay.compose.web import build_web
    from assay.scoring.options import PoolOptions
    from assay.settings import Settings
    from servers.asgi import serving

    settings = Settings(cache_dir=str(tmp_path_factory.mktemp("index")), pool=PoolOptions(processes=1))
    scorer = build_scorer(settings, lambda _: nullcontext(lambda *_: None))
    with serving(build_web(settings, scorer).asgi) as served:
        yield served
