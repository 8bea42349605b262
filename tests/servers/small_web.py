"""What the small application needs for each engine: nothing, a pool, or Redis and a worker that all share.

Over the queue everything is composed as `assay web` composes it: scores, claims and quotas lie in Redis, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from assay.compose.queue import build_shared
from assay.scoring.engine import Engine
from assay.scoring.options import PoolOptions
from assay.scoring.pool.engine import PoolEngine
from assay.scoring.pool.nursery_handle import Loader
from assay.scoring.queue.options import CeleryOptions
from assay.serving.options import AppOptions
from assay.settings import Settings
from assay.stores.options import ClaimOptions, GuardOptions
from assay.stores.redis_options import RedisOptions
from assay.telemetry import Metrics
from servers.asgi import Served, serving
from servers.celery_worker import RELEASE, small_worker
from servers.redis import RedisServer, running
from small_app import CLOCK, SmallApp
from small_models import small_models

ENGINES: Final = ("inline", "pool", "celery")
_QUEUE_DB, _SHARED_DB = 0, 1
_PATIENCE_S: Final = 10.0
"""A machine full of tests may be slow; what a Redis that does not answer means has tests of its own."""


class SmallWeb:
    """Applications on any engine. Redis and the worker are started when the first application over the queue
    is made, and serve all later ones; `stack` ends them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._redis: RedisServer | None = None
        self._live: dict[str, tuple[SmallApp, Served]] = {}

    def app(self, kind: str, options: AppOptions | None = None, metrics: Metrics | None = None) -> SmallApp:
        """A new one, not yet built; over the queue its scores, claims and quotas begin empty."""
        if kind == "celery":
            return over_queue(self._settings(), options, metrics)
        app = SmallApp(options=options or AppOptions(), metrics=metrics or Metrics("test"))
        if kind == "pool":
            app.engine = _pool(app.metrics)
        return app

    def live(self, kind: str) -> tuple[SmallApp, Served]:
        """One that answers until the end, the same for all who ask."""
        if kind not in self._live:
            app = self.app(kind)
            self._live[kind] = app, self._stack.enter_context(serving(app.build().asgi))
        return self._live[kind]

    def _settings(self) -> Settings:
        if self._redis is None:
            self._redis = self._stack.enter_context(running())
            self._stack.enter_context(small_worker(self._redis.url, processes=2))
        return settings(self._redis)


def over_queue(
    settings: Settings, options: AppOptions | None = None, metrics: Metrics | None = None
) -> SmallApp:
    """One web process of many, not yet built."""
    metrics = metrics or Metrics("test")
    shared = build_shared(settings, small_models(), _no_pool, metrics, CLOCK)
    app = SmallApp(shared.engine, options or AppOptions(), metrics, shared.store, shared.claims)
    app.quotas = shared.quotas
    return app


def settings(redis: RedisServer, queue: CeleryOptions | None = None) -> Settings:
    """As `small_worker` expects them, with what web processes share apart from the queue, and empty."""
    with redis.client() as client:
        client.select(_SHARED_DB)
        client.flushdb()
    address = redis.url.removesuffix("/0")
    return Settings(
        release=RELEASE,
        queue=queue or CeleryOptions(),
        shared_store=GuardOptions(answer_timeout_s=_PATIENCE_S),
        claims=ClaimOptions(answer_timeout_s=_PATIENCE_S),
        redis=RedisOptions(f"{address}/{_SHARED_DB}"),
        queue_redis=RedisOptions(f"{address}/{_QUEUE_DB}"),
    )


@contextmanager
def small_web() -> Iterator[SmallWeb]:
    with ExitStack() as stack:
        yield SmallWeb(stack)


def _pool(metrics: Metrics) -> Engine:
    loader = Loader("small_models:small_models")
    return PoolEngine(PoolOptions(processes=2), loader, small_models().digests, metrics)


def _no_pool() -> Engine:
    raise AssertionError("nothing falls back on a local engine here")
