"""What the machine must give: open files, memory, room on disk, a port, the time."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from redis.exceptions import RedisError

from assay.clock import Clock
from assay.compose import queue as parts
from assay.compose.bundles import wikis_of
from assay.errors import AssayError, cannot_listen
from assay.preflight.bundles import LOAD_LIMIT_S, Load
from assay.preflight.check import Check, Failed, Group, Outcome, Passed
from assay.preflight.measure import memory_bytes
from assay.revisions.index.file import index_path
from assay.revisions.open import default_cache_dir
from assay.revisions.options import is_live
from assay.serving.guard import RELEASE_HEADER
from assay.settings import Settings
from assay.stores.redis_options import address
from assay.threads import in_thread

MAX_REDIS_SKEW_S: Final = 2.0
"""Deadlines travel as times of day; `assay.scoring.queue.overdue` allows as much."""
_OTHER_FILES: Final = 64
_FREE_DISK_BYTES: Final = 256 * 1024 * 1024
_MEMORY_RESERVE_BYTES: Final = 256 * 1024 * 1024
"""Left for the system, a web process and what a long text takes for a moment."""
_MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class Machine:
    """`workers`: main processes of workers on this machine. `available_bytes`: asks what can be had."""

    settings: Settings
    loaded: Load
    clock: Clock
    workers: int
    available_bytes: Callable[[], int | None]

    def group(self) -> Group:
        server, queue = self.settings.server, parts.queue_options(self.settings)
        from_redis = f"this machine and {address(queue)}"
        checks = [
            Check("files", "this process", self.files, "raise the limit of open files"),
            Check("memory", "this machine", self.memory, "see bundles.load", LOAD_LIMIT_S + 5.0),
            Check("disk", str(self._cache_dir), self.disk, "see that the folder's disk answers"),
            Check("port", f"{server.host}:{server.port}", self.port, "see what listens there"),
            Check("clock", from_redis, self.clock_of_redis, "mend what the redis checks say"),
        ]
        return Group("machine", checks, "")

    # -- open files ----------------------------------------------------------------------------------

    async def files(self) -> Outcome:
        needed, (limit, hard) = files_needed(self.settings), resource.getrlimit(resource.RLIMIT_NOFILE)
        said = f"{limit} files may be open, a web process needs up to {needed}"
        if limit != resource.RLIM_INFINITY and limit < needed:
            return Failed(
                f"{said} (http.max_connections is {self.settings.http.max_connections})",
                f"raise it to {needed} (LimitNOFILE={needed} in a systemd unit, else ulimit -n; the hard "
                f"limit is {hard}), or lower http.max_connections",
            )
        return Passed(said)

    # -- memory --------------------------------------------------------------------------------------

    async def memory(self) -> Outcome:
        """Against what loading really took. What this release's workers hold already counts as given."""
        try:
            loaded = await self.loaded()
        except AssayError as error:
            return Failed(f"not known, for the bundles do not load: {error}", "mend what bundles.load says")
        available, processes = self.available_bytes(), self.settings.worker.processes
        if available is None or not loaded.shared_bytes:
            return Failed("this system does not tell its memory (/proc)", "run Assay on Linux")
        needed = memory_needed(loaded.shared_bytes, loaded.process_bytes, processes, self.workers)
        held = held_bytes(self.settings.release)
        said = (
            f"{needed // _MIB} MiB needed by {self.workers} workers of {processes} processes "
            f"({held // _MIB} MiB held by them already), {available // _MIB} MiB available"
        )
        if available + held < needed + _MEMORY_RESERVE_BYTES:
            return Failed(
                f"{said}; {_MEMORY_RESERVE_BYTES // _MIB} MiB must be left",
                "lower worker.processes, end what else runs here, or give the machine more memory",
            )
        return Passed(said)

    # -- disk ----------------------------------------------------------------------------------------

    @property
    def _cache_dir(self) -> Path:
        return Path(self.settings.cache_dir) if self.settings.cache_dir else default_cache_dir()

    async def disk(self) -> Outcome:
        """In a thread: a disk that does not answer holds up whoever asks it, and no other check may wait."""
        return await in_thread(self._room)

    def _room(self) -> Outcome:
        """For indexes that are still to be built, each taken to be as large as its file."""
        needed = _FREE_DISK_BYTES + sum(self._unindexed_bytes())
        folder = next(parent for parent in (self._cache_dir, *self._cache_dir.parents) if parent.exists())
        if not os.access(folder, os.W_OK):
            return Failed(f"{folder} cannot be written to", "mend its rights, or set cache_dir")
        free = shutil.disk_usage(folder).free
        said = f"{free // _MIB} MiB free, {needed // _MIB} MiB needed"
        if free < needed:
            return Failed(said, "make room, or set cache_dir to a folder on another disk")
        return Passed(said)

    def _unindexed_bytes(self) -> list[int]:
        paths = [Path(wiki.source) for wiki in wikis_of(self.settings).values() if not is_live(wiki.source)]
        found = [path for path in paths if path.is_file()]
        return [path.stat().st_size for path in found if not index_path(path, self._cache_dir).exists()]

    # -- port ----------------------------------------------------------------------------------------

    async def port(self) -> Outcome:
        """Free, or answered by this release."""
        server = self.settings.server
        if server.port == 0:
            return Passed("the system chooses the port")
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        try:
            with socket.create_server((server.host, server.port), family=family):
                return Passed("free")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                place = {"port_option": "server.port", "host_option": "server.host"}
                said = str(cannot_listen(error, server.host, server.port, **place))
                return Failed(said, "mend server.host and server.port")
        if (told := await _who_answers(server.host, server.port)) == self.settings.release:
            return Passed("taken by a web process of this release")
        return Failed(
            f"it is taken; there answers {told or 'something that names no release'}",
            "end what uses it, or set server.port",
        )

    # -- time ----------------------------------------------------------------------------------------

    async def clock_of_redis(self) -> Outcome:
        client = parts.queue_client(self.settings)
        try:
            before_s = self.clock.now().timestamp()
            seconds, micros = await client.time()
            after_s = self.clock.now().timestamp()
        except (RedisError, OSError) as error:
            return Failed(f"Redis does not tell its time: {error}", "mend what the redis checks say")
        finally:
            await client.aclose()
        skew_s = skew(before_s, seconds + micros / 1e6, after_s)
        said = f"Redis's clock is {skew_s:+.2f} s from this machine's"
        if abs(skew_s) > MAX_REDIS_SKEW_S:
            return Failed(
                said, "set both clocks (chrony, systemd-timesyncd): deadlines travel as times of day"
            )
        return Passed(said)


def skew(before_s: float, told_s: float, after_s: float) -> float:
    """How far a clock that told `told_s` between two moments is off at least, in seconds; 0 when it may be
    right. A busy machine takes its time to read an answer, which says nothing about the clock."""
    return told_s - min(max(told_s, before_s), after_s)


def files_needed(settings: Settings) -> int:
    """Of a web process with all its connections open: clients, Redis (a pool each for scores, quotas, claims,
    queue and replies), wikis."""
    redis = 3 * settings.redis.max_connections + 2 * parts.queue_options(settings).max_connections
    wikis = len(settings.wikis) * settings.wiki_api.parallel
    return settings.http.max_connections + redis + wikis + _OTHER_FILES


def memory_needed(shared_bytes: int, process_bytes: int, processes: int, workers: int) -> int:
    """Scoring processes of one worker share what it loaded before it forked; two workers share nothing."""
    return workers * (shared_bytes + processes * process_bytes)


def available_bytes() -> int | None:
    """Memory that new processes can have without swapping; None where the system does not tell."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def held_bytes(release: str) -> int:
    """Memory of the workers of a release that run on this machine; 0 for those that we may not look at."""
    return sum(memory_bytes("Pss", pid=entry.name) for entry in _processes() if _is_worker_of(entry, release))


def _processes() -> list[Path]:
    return [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _is_worker_of(entry: Path, release: str) -> bool:
    with contextlib.suppress(OSError):
        arguments = (entry / "cmdline").read_bytes().split(b"\0")
        environment = (entry / "environ").read_bytes().split(b"\0")
        return b"worker" in arguments and (
            f"ASSAY_RELEASE={release}".encode() in environment or release.encode() in arguments
        )
    return False


async def _who_answers(host: str, port: int) -> str | None:
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not to listen on
    url = f"http://{f'[{reached}]' if ':' in reached else reached}:{port}/livez"
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            told = response.headers.get(RELEASE_HEADER)
            return None if told is None else str(told)
    return None
