"""``assay serve``: one machine, no other server."""

from __future__ import annotations

from contextlib import suppress

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.listening import listening
from assay.cli.progress import indexing
from assay.compose.scorer import build_scorer
from assay.compose.tracing import traced
from assay.compose.web import build_web
from assay.scoring.pool.nursery_handle import EngineFailed
from assay.serving import server
from assay.settings import Settings
from assay.telemetry import configure_logging


def register(app: typer.Typer) -> None:
    app.command()(serve)


@grouped
def serve(
    *,
    scored: options.WhatIsScored,
    host: options.Host = None,
    port: options.Port = None,
    processes: options.Processes = None,
    configuration: options.Configuration,
) -> None:
    """Serve scores over HTTP, with a page to look at them. Without --wiki: the sample wiki.

    Ready when /readyz answers 200. SIGTERM lets accepted requests finish, then ends.
    """
    settings = options.load_settings(
        configuration, scored, processes=processes, server={"host": host, "port": port}
    )
    run(settings, shared=False)


def run(settings: Settings, *, shared: bool, reuse_port: bool = False) -> None:
    """Serve until TERM. `shared`: as in `build_scorer`. Raises `AssayError`s before anything is served."""
    configure_logging(settings.log)
    role = "web" if shared else "serve"
    with listening(settings, reuse_port) as listener, traced(settings, role):
        scorer = build_scorer(settings, indexing, shared=shared)
        web = build_web(settings, scorer)
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"

        def tell_started() -> None:
            with suppress(OSError):  # a full disk stops no scores, nor does it by the log
                typer.echo(f"Assay scores {', '.join(scorer.wikis)} on {address}", err=True)

        if not server.serve(web.asgi, listener, settings.http, web.draining, tell_started):
            raise EngineFailed("the server could not start; the log above says why")
