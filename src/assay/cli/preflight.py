"""``assay preflight``: may this node take traffic?"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated

import orjson
import typer
from rich.console import Console

from assay.cli import options
from assay.cli.groups import grouped
from assay.errors import ConfigurationError
from assay.telemetry import LogOptions, configure_logging


def register(app: typer.Typer) -> None:
    app.command("preflight")(preflight_)


@grouped
def preflight_(
    *,
    scored: options.WhatIsScored,
    url: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL", help="Also ask this web process, as http://127.0.0.1:8080. May be repeated."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Workers (main processes) of this machine.")] = 1,
    patience: Annotated[
        float, typer.Option(min=0.1, help="Seconds for one answer of a worker, a web process, a wiki.")
    ] = 10.0,
    without_golden: Annotated[
        bool, typer.Option("--without-golden", help="Accept that no release says what must be scored.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    redis: options.RedisUrl = None,
    release: options.Release = None,
    configuration: options.Configuration,
) -> None:
    """Prove that a node with `assay web` and `assay worker` works, before it takes traffic.

    Every part is used as serving uses it: each way to Redis with the real secret, a made-up revision through
    this release's own worker and back, every bundle, every wiki, the machine. Exit status 0 only if all
    checks pass; each that does not says what to do.
    """
    from assay import preflight as proof  # Celery's import costs what only workers and their proof should pay
    from assay.preflight.web import check_url

    chosen = proof.PreflightOptions(
        urls=tuple(map(check_url, url or ())),
        workers=workers,
        patience_s=patience,
        without_golden=without_golden,
    )
    configure_logging(LogOptions(level="error", json=json))
    try:
        settings = options.load_settings(
            configuration,
            scored,
            release=release,
            redis={"url": redis},
        )
    except ConfigurationError as error:
        report, blot = proof.unreadable(error), proof.Blotter(())
    else:
        report = asyncio.run(proof.preflight(settings, chosen, proof.golden_of(settings)))
        blot = proof.Blotter(proof.secrets(settings))
    if json:
        typer.echo(orjson.dumps(proof.document(report, blot), option=orjson.OPT_INDENT_2))
    else:
        proof.print_table(report, blot, Console(soft_wrap=False))
    sys.stdout.flush()  # and end, not waiting for what may still hang in a thread
    os._exit(report.exit_status)
