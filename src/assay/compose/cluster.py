"""A whole cluster on one machine: which processes run under its supervisor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from assay.compose.own_redis import own_redis
from assay.compose.supervisor import ASSAY, CONFIGURATION, Program, check_free, write
from assay.errors import ConfigurationError

_OURS: Final = ("redis.conf", "redis-password", CONFIGURATION)
_HARMLESS: Final = frozenset({"lost+found", "precache"})
"""What a volume begins with, and what of a cluster is kept by a backup."""


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """`web`, `workers`: processes. `processes`: scoring processes of each worker. One more worker, of one
    process, takes interactive jobs only, so that bulk work never makes a person wait. `redis_url`: None: a
    Redis of its own. `redis_password`: of that, as all processes are configured; None: one is made up.
    `arguments`: for all of them alike (wikis, bundles, configuration). `follow`: streams for a follower,
    besides those of the configuration; None: no follower."""

    folder: Path
    host: str
    port: int
    web: int = 2
    workers: int = 1
    processes: int = 1
    redis_url: str | None = None
    redis_password: str | None = field(default=None, repr=False)
    arguments: tuple[str, ...] = ()
    follow: tuple[str, ...] | None = None


def prepare(options: ClusterOptions) -> Path:
    """Write the supervisor's configuration, and Redis's password, into the folder; the configuration's path.

    Raises `ConfigurationError` when there is no redis-server to start, a cluster runs there already, the
    folder's path is too long for one, or other things lie in it.
    """
    folder = options.folder.resolve()
    check_free(folder)
    _check_own(folder)
    folder.mkdir(parents=True, exist_ok=True)
    environment: dict[str, str] = {}
    programs: list[Program] = []
    if options.redis_url is None:
        program, environment = own_redis(folder, options.redis_password)
        programs.append(program)
    else:
        environment["ASSAY_REDIS__URL"] = options.redis_url
    programs += _assay_programs(options, environment)
    if options.follow is not None:
        programs.append(_follower(folder, options, environment))
    return write(folder, programs)


def _check_own(folder: Path) -> None:
    """Raises `ConfigurationError` for a folder of something else: a cluster's is closed to everybody but its
    owner, and /tmp or a home would be."""
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if found - _HARMLESS and found.isdisjoint(_OURS):
        raise ConfigurationError(f"{folder} holds other things: give --folder a folder of the cluster's own")


def _assay_programs(options: ClusterOptions, environment: Mapping[str, str]) -> list[Program]:
    worker = (*ASSAY, "worker", *options.arguments, "--processes")
    web = (*ASSAY, "web", "--host", options.host, "--port", str(options.port), "--reuse-port")
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


def _follower(folder: Path, options: ClusterOptions, environment: Mapping[str, str]) -> Program:
    """It begins last, since it asks the others, and ends first. Its positions are this cluster's own, also
    with the configuration of another."""
    place = ("--url", _address(options), "--folder", str(folder / "precache"))
    streams = (part for stream in options.follow or () for part in ("--follow", stream))
    return Program("precache", (*ASSAY, "precache", *options.arguments, *place, *streams), 30, environment)


def _address(options: ClusterOptions) -> str:
    """Where the web processes are asked from this machine."""
    try:
        host = ip_address(options.host)
    except ValueError:
        return f"http://{options.host}:{options.port}"
    if host.is_unspecified:
        host = ip_address("::1" if host.version == 6 else "127.0.0.1")
    return f"http://[{host}]:{options.port}" if host.version == 6 else f"http://{host}:{options.port}"
