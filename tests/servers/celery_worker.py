"""A real Celery worker with small models: ``python -m servers.celery_worker URL RELEASE OPTIONS OPTIONS``."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from redis import Redis

from assay.scoring.queue.app import build_celery
from assay.scoring.queue.options import CeleryOptions, WorkerOptions
from assay.scoring.queue.job import Scoring
from assay.scoring.queue.worker import Parts, run, worker_name
from assay.telemetry import LogOptions, Metrics, configure_logging
from small_models import small_models


def main(url: str, release: str, celery: str, worker: str) -> int:
    """`celery`, `worker`: options as JSON objects."""
    configure_logging(LogOptions())
    options = replace(CeleryOptions(), **json.loads(celery))
    name = worker_name()

    def connect() -> Redis:
        return Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=1.0)

    scoring = Scoring(release, name, small_models(), connect)
    app = build_celery(url, {}, release, options)
    parts = Parts(release, scoring, name, connect, Metrics())
    return run(app, parts, replace(WorkerOptions(), **json.loads(worker)), options)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
