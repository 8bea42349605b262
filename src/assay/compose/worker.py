"""A worker: models loaded, and Celery around them. Web processes need none of this, and do not import it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import redis
from celery import Celery

from assay import __version__
from assay.compose.bundles import choose
from assay.compose.metrics import exported
from assay.compose.models import load_chosen
from assay.compose.queue import queue_options, worker_client
from assay.compose.tracing import traced
from assay.scoring.queue.app import build_celery
from assay.scoring.queue.job import Scoring
from assay.scoring.queue.worker import Parts, run, worker_name
from assay.settings import Settings
from assay.stores.redis_options import broker
from assay.telemetry import Metrics


def build_worker(settings: Settings) -> Callable[[], int]:
    """Models loaded; what is returned works until it is told to end, and gives the exit status.

    Raises `ConfigurationError` or `BundleError`.
    """
    models = load_chosen(choose(settings), with_trees=True)
    metrics = Metrics(__version__, settings.release, "worker")
    name = worker_name()

    def client() -> redis.Redis:
        return worker_client(settings)

    scoring = Scoring(settings.release, name, models, client)
    parts = Parts(settings.release, scoring, name, client, metrics)

    def work() -> int:
        worker = settings.worker
        with contextlib.ExitStack() as stack:
            stack.enter_context(traced(settings, "worker"))
            if worker.metrics_port:
                place = worker.metrics_host, worker.metrics_port
                stack.enter_context(exported(metrics, *place, host_option="worker.metrics_host"))
            return run(celery(settings), parts, worker, settings.queue)

    return work


def celery(settings: Settings) -> Celery:
    """Its connection is the one by which a worker receives."""
    target = broker(queue_options(settings))
    return build_celery(target.url, target.transport_options, settings.release, settings.queue, target.tls)
