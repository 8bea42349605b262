"""Users' requests as every data centre's HAProxy logs them: counted as evidence, and a share of them offered
to be asked again of both arms.

    async with Observer(data_centres, CopyOptions(), SystemClock()).listening("127.0.0.1:5140") as observer:
        observed = observer.take()
        target = await observer.next_copy()

HAProxy sends a datagram for each request (``deploy/haproxy/haproxy.cfg``) and never waits for us. What cannot
be read, is lost on the way or does not fit is counted or missing, never an error: a rollout then sees too
little, and too little is never good.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from assay.clock import Clock
from assay.errors import ConfigurationError
from assay.rollout.samples import CLIENT_GAVE_UP, Observed
from assay.rollout.traffic.haproxy import slot_of

NOBODYS_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked by load balancers, those of other data centres included, and by monitoring: no users' requests."""
COPY_HEADER: Final = "X-Assay-Copy"
"""On requests that a controller asks through the front door, so that they are not offered once more."""

_UNKNOWN: Final = "-"
"""What HAProxy writes for a header that there was not, or a request that it could not read."""
_RECEIVE_BUFFER_BYTES: Final = 2**22
_FIELDS: Final = {
    "dc": str,
    "at": int,
    "server": str,
    "status": int,
    "end": str,
    "ms": int,
    "method": str,
    "target": str,
    "release": str,
    "cache": str,
    "copy": str,
}


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """Which of the users' requests are offered to be asked again."""

    share: float = 0.5
    """Of the requests for scores, 0 to 1."""
    per_s: float = 10.0
    """At most so many a second; more are passed over, not kept for later."""
    window_s: float = 60.0
    """The same address is not offered twice within so many seconds."""
    waiting: int = 20
    """Offers that wait to be taken; the oldest gives way to a newer one."""


@dataclass(slots=True)
class Counts:
    """Since the start. `received`: datagrams. `damaged`: those that are no line of ours. `foreign`: of a data
    centre that is not named. `dropped`: observations that were not taken in time. `offered`: copies."""

    received: int = 0
    damaged: int = 0
    foreign: int = 0
    dropped: int = 0
    offered: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of HAProxy's log. `is_copy`: the controller asked it itself."""

    observed: Observed
    is_copy: bool


class Damaged(ValueError):
    """A datagram that is no line of our log."""


class Observer:
    """`data_centres`: their names. `capacity`: observations kept until they are taken; then the oldest go."""

    def __init__(
        self,
        data_centres: Collection[str],
        options: CopyOptions,
        clock: Clock,
        *,
        capacity: int = 100_000,
        chance: random.Random | None = None,
    ) -> None:
        self.counts = Counts()
        self._data_centres = frozenset(data_centres)
        self._kept: deque[Observed] = deque(maxlen=capacity)
        self._copies = _Copies(options, clock, chance or random.Random())

    @asynccontextmanager
    async def listening(self, address: str) -> AsyncIterator[Observer]:
        """At ``host:port``. Raises `ConfigurationError` for what is no address, or is another process's."""
        host, port = _host_port(address)
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Receiver(self), local_addr=(host, port)
            )
        except OSError as error:
            raise ConfigurationError(
                f"Log lines cannot be received at {address}: {error.strerror or error}."
            ) from error
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)  # the kernel may give less
        try:
            yield self
        finally:
            transport.close()

    def take(self) -> tuple[Observed, ...]:
        """All that was seen since the last call, oldest first."""
        taken = tuple(self._kept)
        self._kept.clear()
        return taken

    async def next_copy(self) -> Observed:
        """The next request that shall be asked again; waits for one. Cancel it as you like: none is lost."""
        return await self._copies.next()

    def receive(self, datagram: bytes) -> None:
        """What a datagram does. Never raises."""
        self.counts.received += 1
        try:
            line = parse(datagram)
        except Damaged:
            self.counts.damaged += 1
            return
        if line.observed.data_centre not in self._data_centres:
            self.counts.foreign += 1
            return
        if line.observed.target.partition("?")[0] in NOBODYS_PATHS:
            return
        self.counts.dropped += len(self._kept) == self._kept.maxlen
        self._kept.append(line.observed)
        if not line.is_copy and self._copies.offer(line.observed):
            self.counts.offered += 1


# -- lines -------------------------------------------------------------------------------------------


def parse(datagram: bytes) -> Line:
    """Raises `Damaged`."""
    try:
        told: Any = orjson.loads(datagram)
    except orjson.JSONDecodeError as error:
        raise Damaged(str(error)) from None
    if not isinstance(told, dict) or not all(type(told.get(name)) is kind for name, kind in _FIELDS.items()):
        raise Damaged("not the fields of a line")
    told = {name: "" if value == _UNKNOWN else value for name, value in told.items()}
    server = told["server"]
    observed = Observed(
        at_s=told["at"] / 1000,
        data_centre=told["dc"],
        slot="" if server.startswith("<") else slot_of(server),
        release=told["release"],
        status=_status(told["status"], told["end"]),
        ms=float(max(told["ms"], 0)),
        is_cached={"hit": True, "miss": False}.get(told["cache"]),
        method=told["method"],
        target=told["target"],
    )
    return Line(observed, is_copy=bool(told["copy"]))


def _status(status: int, end: str) -> int:
    """From HAProxy's status and termination state: whose fault, and in which phase (its manual, 8.5)."""
    whose, phase = end[:1], end[1:2]
    if whose == "C" or (whose == "c" and phase == "D"):
        return CLIENT_GAVE_UP
    is_cut = whose != "-" and phase == "D"
    return 0 if is_cut or status < 100 else status


# -- copies ------------------------------------------------------------------------------------------


def is_for_scores(observed: Observed) -> bool:
    """Whether asking it again of both arms compares scores: a GET that was answered, and not refused, from a
    route that gives scores. Through `remote` it is logged a second time, by whoever answered it."""
    path, _, query = observed.target.partition("?")
    parts = path.strip("/").split("/")
    if observed.method != "GET" or not observed.slot or observed.slot == "remote":
        return False
    if observed.status in (400, 408, 413, 414, 429):
        return False
    if parts[:2] == ["v3", "scores"]:
        return len(parts) in (4, 5) or (len(parts) == 3 and _has_revids(query))
    if parts[0] == "scores" or parts[:2] in (["v1", "scores"], ["v2", "scores"]):
        named = parts[parts.index("scores") + 1 :]
        return len(named) == 3 or (len(named) in (1, 2) and _has_revids(query))
    return len(parts) == 4 and parts[0] == "api" and parts[2] == "revisions"


def _has_revids(query: str) -> bool:
    try:
        return any(name == "revids" for name, _ in parse_qsl(query, max_num_fields=1000))
    except ValueError:
        return False


class _Copies:
    """Chosen by lot, thinned to a rate, each address once in a while; memory is bounded in all of these."""

    def __init__(self, options: CopyOptions, clock: Clock, chance: random.Random) -> None:
        self._options = options
        self._clock = clock
        self._chance = chance
        self._offered_at_s: OrderedDict[str, float] = OrderedDict()
        self._most_remembered = max(1, round(options.per_s * options.window_s))
        self._next_s = clock.monotonic_s()
        self._waiting: deque[Observed] = deque(maxlen=options.waiting)
        self._is_there = asyncio.Event()

    def offer(self, observed: Observed) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s < self._next_s or not is_for_scores(observed):
            return False
        if self._chance.random() >= self._options.share or self._is_known(observed.target, now_s):
            return False
        self._next_s = max(self._next_s, now_s - 1.0) + 1 / self._options.per_s
        self._waiting.append(observed)
        self._is_there.set()
        return True

    async def next(self) -> Observed:
        while not self._waiting:
            self._is_there.clear()
            await self._is_there.wait()
        return self._waiting.popleft()

    def _is_known(self, target: str, now_s: float) -> bool:
        known = self._offered_at_s
        while known and next(iter(known.values())) <= now_s - self._options.window_s:
            known.popitem(last=False)
        if target in known:
            return True
        known[target] = now_s
        if len(known) > 2 * self._most_remembered:
            known.popitem(last=False)
        return False


# -- the socket --------------------------------------------------------------------------------------


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:  # noqa: ARG002 - asyncio's signature
        self._observer.receive(data)


def _host_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 65536):
        raise ConfigurationError(f"{address!r} is no address to receive log lines at: give host:port.")
    return host.strip("[]"), int(port)
