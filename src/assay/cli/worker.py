"""``assay worker``: the role of many machines that computes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.compose.queue import check_redis
from assay.telemetry import configure_logging


def register(app: typer.Typer) -> None:
    app.command()(worker)


@grouped
def worker(
    *,
    scored: options.WhatIsScored,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Scoring processes; default: one for each core.")
    ] = None,
    lane: Annotated[
        list[str] | None,
        typer.Option(help="What to take: interactive, bulk. May be repeated; default: both, in this order."),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve /metrics and /livez here; default: not.")
    ] = None,
    redis: options.RedisUrl = None,
    release: options.Release = None,
    configuration: options.Configuration,
) -> None:
    """Compute what web processes of the same release ask for. Give it the same wikis and bundles.

    SIGTERM, Ctrl-C and a hangup let jobs under way finish, then end it: exit status 0.
    """
    settings = options.load_settings(
        configuration,
        scored,
        release=release,
        worker={"processes": processes, "lanes": lane, "metrics_port": metrics_port},
        redis={"url": redis},
    )
    configure_logging(settings.log)
    check_redis(settings)
    from assay.compose.worker import build_worker  # Celery's import costs what only workers should pay

    sys.exit(build_worker(settings)())
