"""``assay web`` and ``assay worker``: the two roles of many machines."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.serve import run
from assay.compose.queue import check_redis
from assay.telemetry import configure_logging


def register(app: typer.Typer) -> None:
    app.command()(web)
    app.command()(worker)


@grouped
def web(
    wiki: options.Wikis = None,
    bundles: options.Borrow = None,
    host: options.Host = None,
    port: options.Port = None,
    reuse_port: Annotated[
        bool, typer.Option("--reuse-port", help="Share the port with other web processes on this machine.")
    ] = False,
    redis: options.RedisUrl = None,
    release: options.Release = None,
    bundle_directory: options.BundleFolders = None,
    *,
    configuration: options.Configuration,
) -> None:
    """Serve scores that workers compute: one of any number of web processes, which share everything by Redis.

    It loads no trees. Ready when /readyz answers 200, for which a worker of the same release must be running.
    SIGTERM lets accepted requests finish, then ends.
    """
    settings = options.load_settings(
        configuration,
        wiki,
        bundles,
        bundle_directory,
        release=release,
        server={"host": host, "port": port},
        redis={"url": redis},
    )
    configure_logging(settings.log)
    check_redis(settings)
    run(settings, shared=True, reuse_port=reuse_port)


@grouped
def worker(
    wiki: options.Wikis = None,
    bundles: options.Borrow = None,
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
    bundle_directory: options.BundleFolders = None,
    *,
    configuration: options.Configuration,
) -> None:
    """Compute what web processes of the same release ask for. Give it the same wikis and bundles.

    SIGTERM lets jobs under way finish, then ends.
    """
    settings = options.load_settings(
        configuration,
        wiki,
        bundles,
        bundle_directory,
        release=release,
        worker={"processes": processes, "lanes": lane, "metrics_port": metrics_port},
        redis={"url": redis},
    )
    configure_logging(settings.log)
    check_redis(settings)
    from assay.compose.worker import build_worker  # Celery's import costs what only workers should pay

    sys.exit(build_worker(settings)())
