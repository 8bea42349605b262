"""``assay web``: the role of many machines that answers over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.serve import run
from assay.compose.queue import check_redis
from assay.telemetry import configure_logging


def register(app: typer.Typer) -> None:
    app.command()(web)


@grouped
def web(
    *,
    scored: options.WhatIsScored,
    host: options.Host = None,
    port: options.Port = None,
    reuse_port: Annotated[
        bool, typer.Option("--reuse-port", help="Share the port with other web processes on this machine.")
    ] = False,
    redis: options.RedisUrl = None,
    release: options.Release = None,
    configuration: options.Configuration,
) -> None:
    """Serve scores that workers compute: one of any number of web processes, which share everything by Redis.

    It loads no trees. Ready when /readyz answers 200, for which a worker of the same release must be running.
    SIGTERM lets accepted requests finish, then ends.
    """
    settings = options.load_settings(
        configuration,
        scored,
        release=release,
        server={"host": host, "port": port},
        redis={"url": redis},
    )
    configure_logging(settings.log)
    check_redis(settings)
    run(settings, shared=True, reuse_port=reuse_port)
