"""``assay up``: a whole local cluster in one command."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.listening import listening
from assay.compose.bundles import check
from assay.compose.cluster import ClusterOptions, prepare
from assay.compose.follower import check_precache
from assay.compose.queue import check_redis
from assay.compose.supervisor import supervisor_command
from assay.revisions.options import is_live
from assay.settings import Settings
from assay.telemetry import configure_logging


def register(app: typer.Typer) -> None:
    app.command()(up)


@grouped
def up(
    *,
    scored: options.WhatIsScored,
    host: options.Host = None,
    port: options.Port = None,
    web: Annotated[int, typer.Option(min=1, help="Web processes; they share the port.")] = 2,
    workers: Annotated[int, typer.Option(min=1, help="Workers, besides one that serves people only.")] = 1,
    processes: Annotated[int, typer.Option(min=1, help="Scoring processes of each worker.")] = 1,
    follow: options.Follow = None,
    redis: options.RedisUrl = None,
    release: options.Release = None,
    folder: Annotated[
        Path, typer.Option(help="Where logs, sockets and Redis's password lie; made when it is missing.")
    ] = Path("assay-up"),
    configuration: options.Configuration,
) -> None:
    """Start Redis, web processes and workers on this machine, under a supervisor, until INT or TERM.

    Ready when /readyz answers 200. Without --wiki: the sample wiki. Logs lie in FOLDER/logs. With a stream to
    follow, here or in the configuration, `assay precache` runs as well, with its positions in FOLDER.
    """
    settings = options.load_settings(
        configuration,
        scored,
        release=release,
        server={"host": host, "port": port},
        precache={"streams": options.streams(follow)},
        redis={"url": redis},
    )
    check(settings)  # before several processes say the same
    if redis is not None:
        configure_logging(settings.log)
        check_redis(settings)
    follows = bool(settings.precache.streams)
    if follows:
        check_precache(settings)
    cluster = ClusterOptions(
        folder,
        settings.server.host,
        _fixed_port(settings),
        web=web,
        workers=workers,
        processes=processes,
        redis_url=redis,
        redis_password=settings.redis.password,
        arguments=_arguments(scored, release, configuration),
        follow=tuple(follow or ()) if follows else None,
    )
    with listening(settings, reuse_port=False):
        pass  # web processes share the port with whoever shares it, another cluster included
    command = supervisor_command(prepare(cluster))  # the first to write
    _announce(cluster, settings.precache.streams)
    os.execv(command[0], command)  # noqa: S606 - the supervisor takes this process's place and signals


def _announce(cluster: ClusterOptions, streams: Iterable[str]) -> None:
    typer.echo(
        f"Assay starts on http://{cluster.host}:{cluster.port}/ with {cluster.web} web processes and "
        f"{cluster.workers + 1} workers; logs: {cluster.folder}/logs",
        err=True,
    )
    if cluster.follow is not None:
        typer.echo(f"Edits are scored as they happen: {', '.join(streams)}", err=True)


def _fixed_port(settings: Settings) -> int:
    if settings.server.port == 0:
        raise typer.BadParameter("several web processes share the port: name one", param_hint="--port")
    return settings.server.port


def _arguments(
    scored: options.WhatIsScored, release: options.Release, configuration: options.Configuration
) -> tuple[str, ...]:
    """What all processes must be given alike; paths as seen from any folder."""
    pairs: list[tuple[str, str]] = [("--wiki", _with_whole_path(value)) for value in scored.wiki or ()]
    pairs += [("--bundles", value) for value in scored.bundles or ()]
    pairs += [("--release", release)] if release is not None else []
    pairs += [("--bundle-directory", str(path.resolve())) for path in scored.bundle_directory or ()]
    pairs += [("--config", str(path.resolve())) for path in configuration.config or ()]
    if configuration.environment is not None:
        pairs.append(("--environment", configuration.environment))
    if configuration.config_folder is not None:
        pairs.append(("--config-folder", str(configuration.config_folder.resolve())))
    return tuple(part for pair in pairs for part in pair)


def _with_whole_path(value: str) -> str:
    name, source = options.pairs([value], "--wiki")[0]
    return value if is_live(source) else f"{name}={Path(source).resolve()}"
