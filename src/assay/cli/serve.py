"""``assay serve``: one machine, no other server."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn

from assay.cli import options
from assay.cli.progress import indexing
from assay.compose import build_scorer, build_web
from assay.telemetry import configure_logging


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    wiki: options.Wikis = None,
    bundles: options.Borrow = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; default 8080.")] = None,
    processes: options.Processes = None,
    bundle_directory: options.BundleFolders = None,
    config: options.Config = None,
) -> None:
    """Serve scores over HTTP, with a page to look at them. Without --wiki: the sample wiki.

    Ready when /readyz answers 200. SIGTERM lets accepted requests finish, then ends.
    """
    settings = options.load_settings(
        config, wiki, bundles, bundle_directory, processes, server={"host": host, "port": port}
    )
    configure_logging(settings.log)
    scorer = build_scorer(settings, indexing)
    web = build_web(settings, scorer)
    names = ", ".join(scorer.wikis)
    typer.echo(f"Assay scores {names} on http://{settings.server.host}:{settings.server.port}/", err=True)
    uvicorn.run(
        web.asgi,
        host=settings.server.host,
        port=settings.server.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=int(settings.web.request_timeout_s) + 1,
    )
