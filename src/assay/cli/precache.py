"""``assay precache``: edits scored as they happen."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.compose.follower import build_follower, check_precache, precache_metrics
from assay.compose.metrics import exported
from assay.events import Rules
from assay.precache.cursor import held
from assay.precache.patience import Patience
from assay.settings import Settings
from assay.telemetry import Metrics, configure_logging

_METRICS_HOST: Final = "127.0.0.1"


def register(app: typer.Typer) -> None:
    app.command()(precache)


@grouped
def precache(
    *,
    follow: options.Follow = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHERE",
            help="Where to tell the scores: -, a file, or a URL to POST to. May be repeated; "
            "default: as configured, else nowhere.",
        ),
    ] = None,
    url: Annotated[str | None, typer.Option(help="The Assay to ask; default: http://127.0.0.1:8080.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where positions are kept; default: assay-precache.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve /metrics and /livez here; default: not.")
    ] = None,
    scored: options.WhatIsScored,
    redis: options.RedisUrl = None,
    release: options.Release = None,
    configuration: options.Configuration,
) -> None:
    """Follow wikis' edits and have each scored as it happens, by a running Assay with the same configuration.

    Which edits: `wikis.<name>.precache`. Positions survive restarts of either side. SIGTERM ends it once
    requests under way are done.
    """
    settings = options.load_settings(
        configuration,
        scored,
        release=release,
        precache={
            "assay": url,
            "folder": None if folder is None else str(folder),
            "metrics_port": metrics_port,
            "streams": options.streams(follow),
            "sinks": _sinks(to),
        },
        redis={"url": redis},
    )
    configure_logging(settings.log)
    rules = check_precache(settings)
    metrics = precache_metrics(settings)
    port = settings.precache.metrics_port
    with (
        held(Path(settings.precache.folder)),
        exported(metrics, _METRICS_HOST, port) if port is not None else contextlib.nullcontext(),
    ):
        asyncio.run(_run(settings, rules, metrics))


async def _run(settings: Settings, rules: Rules, metrics: Metrics) -> None:
    patience = Patience()
    follower = build_follower(settings, rules, patience, metrics)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, patience.stop)
    told = ", ".join(settings.precache.streams)
    typer.echo(f"Assay follows {told} for {', '.join(rules.models)}", err=True)
    await follower.run()


def _sinks(to: Sequence[str] | None) -> dict[str, Any] | None:
    return {f"to-{number}": sink for number, sink in enumerate(_each_sink(to or ()), 1)} or None


def _each_sink(to: Sequence[str]) -> Iterator[dict[str, str]]:
    for where in to:
        if where == "-":
            yield {"kind": "stdout"}
        elif where.startswith(("http://", "https://")):
            yield {"kind": "http", "url": where}
        else:
            yield {"kind": "file", "path": where}
