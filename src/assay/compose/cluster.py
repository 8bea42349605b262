"""A whole cluster on one machine: which processes run under its supervisor."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.compose.own_redis import own_redis
from assay.compose.supervisor import Program, write


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """`web`, `workers`: processes. `processes`: scoring processes of each worker. One more worker, of one
    process, takes interactive jobs only, so that bulk work never makes a person wait. `redis_url`: None: a
    Redis of its own. `arguments`: for web and workers alike (wikis, bundles, configuration)."""

    folder: Path
    host: str
    port: int
    web: int = 2
    workers: int = 1
    processes: int = 1
    redis_url: str | None = None
    arguments: tuple[str, ...] = ()


def prepare(options: ClusterOptions) -> Path:
    """Write the supervisor's configuration, and Redis's password, into the folder; the configuration's path.

    Raises `ConfigurationError` when there is no redis-server to start.
    """
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    environment: dict[str, str] = {}
    programs: list[Program] = []
    if options.redis_url is None:
        program, environment = own_redis(folder)
        programs.append(program)
    else:
        environment["ASSAY_REDIS__URL"] = options.redis_url
    programs += _assay_programs(options, environment)
    return write(folder, programs)


def _assay_programs(options: ClusterOptions, environment: Mapping[str, str]) -> list[Program]:
    assay = (sys.executable, "-m", "assay.cli")
    worker = (*assay, "worker", *options.arguments, "--processes")
    web = (*assay, "web", "--host", options.host, "--port", str(options.port), "--reuse-port")
    return [
        Program("worker-people", (*worker, "1", "--lane", "interactive"), 10, environment),
        *(
            Program(f"worker-{number}", (*worker, str(options.processes)), 10, environment)
            for number in range(1, options.workers + 1)
        ),
        *(
            Program(f"web-{number}", (*web, *options.arguments), 20, environment)
            for number in range(1, options.web + 1)
        ),
    ]
