"""HAProxy's runtime API: what its servers do, which weight each has, and who is taken out.

Every change is read back: it is done when HAProxy says that it is. One connection for each exchange, so that
nothing is left of an exchange that failed. HAProxy forgets changes when it is restarted, unless its state
file is written before (see ``deploy/haproxy/``); a controller sets its journal's weights again in any case.

`FakeBalancer` stands in for it where no traffic is meant to move.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from assay.errors import BalancerError, BalancerUnavailable, ConfigurationError

State = Literal["ready", "drain", "maint"]
"""``drain``: no new requests, those under way are finished. ``maint``: the same, and no health checks."""

EXCHANGE_LIMIT_S: Final = 3.0
MAX_WEIGHT: Final = 256
"""HAProxy's own limit."""
DEGRADED: Final = "_degraded"
"""Ends the name of a second backend with the same servers, which gets requests while none of the first is
ready. Where there is one, its weights and states are kept equal."""
_MAX_ANSWER_BYTES: Final = 2**22
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
"""HAProxy's own alphabet of names. Nothing in it ends a command or begins another."""
_IS_SERVER: Final = "2"
_ANY_MAINT: Final = 0x01 | 0x02 | 0x04 | 0x20 | 0x40
_ANY_DRAIN: Final = 0x08 | 0x10
"""Bits of ``srv_admin_state``, from HAProxy's management.txt."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the backend, as HAProxy sees it.

    `status`: its words, such as ``UP``, ``DOWN 1/2``, ``DRAIN``, ``MAINT``, ``no check``. `state`: what an
    operator asked for. `weight`: as set, 0 to 256. `sessions`: requests that it has now; `queued`: those
    that wait for it.
    """

    name: str
    status: str
    state: State = "ready"
    weight: int = 0
    sessions: int = 0
    queued: int = 0

    @property
    def is_up(self) -> bool:
        """Whether HAProxy would give it requests if it had weight; a server going down still gets some."""
        return self.state == "ready" and (self.status.startswith("UP") or self.status == "no check")

    @property
    def takes_traffic(self) -> bool:
        return self.is_up and self.weight > 0

    @property
    def slot(self) -> str:
        return slot_of(self.name)


class Balancer(Protocol):
    """One data centre's load balancer. All raise `BalancerUnavailable` or `BalancerError`."""

    async def servers(self) -> Mapping[str, Server]:
        """By name, in the configuration's order."""
        ...

    async def set_weights(self, weights: Mapping[str, int]) -> None:
        """By server, 0 to 256; others keep theirs. Done and verified when it returns."""
        ...

    async def set_state(self, names: Collection[str], state: State) -> None:
        """Done and verified when it returns; requests under way go on."""
        ...


def slot_of(server: str) -> str:
    """``green-2`` is of ``green``; a name without a number is a slot of its own."""
    slot, dash, number = server.rpartition("-")
    return slot if dash and slot and number.isdecimal() else server


class HaproxyBalancer:
    """A client of level admin. `address`: a unix socket's path, or ``host:port``. `limit_s`: seconds for one
    exchange. Raises `ConfigurationError` for an address or a name that cannot be one."""

    def __init__(self, address: str, backend: str = "assay", *, limit_s: float = EXCHANGE_LIMIT_S) -> None:
        self.address = address
        self._connect = _connector(address)
        self._backend = _name(backend, "backend")
        self._limit_s = limit_s

    async def servers(self) -> Mapping[str, Server]:
        """By name. Requests at hand are those of the degraded backend, too."""
        return (await self._look()).servers

    async def set_weights(self, weights: Mapping[str, int]) -> None:
        """Rises come first, so that at no moment every server is without weight."""
        before = await self._look(weights)
        for name, weight in weights.items():
            if not 0 <= weight <= MAX_WEIGHT:
                raise BalancerError(f"A weight is 0 to {MAX_WEIGHT}, not {weight} ({name}).")
        order = sorted(weights, key=lambda name: weights[name] <= before.servers[name].weight)
        places = [(place, name) for name in order for place in before.places(name)]
        await self._do(*(f"set weight {place} {weights[name]}" for place, name in places))
        after = await self._look(weights)
        for place, name in places:
            if (found := after.weights[place]) != weights[name]:
                raise self._error(f"server {place} has weight {found} after it was set to {weights[name]}")

    async def set_state(self, names: Collection[str], state: State) -> None:
        """`ready` brings back from both others."""
        before = await self._look(names)
        places = [place for name in names for place in before.places(name)]
        await self._do(*(f"set server {place} state {state}" for place in places))
        after = await self._look(names)
        for place in places:
            if (found := after.states[place]) != state:
                raise self._error(f"server {place} is {found!r} after it was set to {state!r}")

    # -- parts ---------------------------------------------------------------------------------------

    async def _look(self, names: Collection[str] = ()) -> _Seen:
        """What it says now; it must know the servers `names`."""
        for name in names:
            _name(name, "server")
        backends = (self._backend, self._backend + DEGRADED)
        told = await self._ask("show servers state", *(f"show stat {name} 4 -1 typed" for name in backends))
        try:
            seen = _seen(told, self._backend)
        except (KeyError, ValueError, IndexError) as error:
            raise self._error(
                f"its answer cannot be read ({error!r}); at least version 2.4 is needed"
            ) from error
        if not seen.servers:
            raise self._error(
                f"it has no backend {self._backend!r}: set the one that its configuration names"
            )
        if unknown := [name for name in names if name not in seen.servers]:
            known = ", ".join(seen.servers)
            raise self._error(f"backend {self._backend!r} has no server {unknown[0]!r}; it has {known}")
        return seen

    async def _do(self, *commands: str) -> None:
        """Commands that say nothing when they succeed."""
        if commands and (told := (await self._ask(*commands)).strip()):
            if "Permission denied" in told:
                told = "permission denied: its socket needs 'level admin'"
            raise self._error(told.splitlines()[0].rstrip("."))

    async def _ask(self, *commands: str) -> str:
        """One line, so that all of it is done before HAProxy looks at anything else on this connection."""
        try:
            async with asyncio.timeout(self._limit_s), self._connect() as (reader, writer):
                writer.write(";".join(commands).encode() + b"\n")
                await writer.drain()
                return await self._read(reader)
        except TimeoutError:
            raise self._unavailable(f"did not answer within {self._limit_s:g} s") from None
        except OSError as error:
            raise self._unavailable(f"cannot be reached ({error.strerror or error})") from error

    async def _read(self, reader: asyncio.StreamReader) -> str:
        told = bytearray()
        while chunk := await reader.read(2**16):
            told += chunk
            if len(told) > _MAX_ANSWER_BYTES:
                raise self._error("its answer is too long")
        if not told:
            raise self._unavailable("closed the connection without an answer")
        return told.decode("utf-8", "replace")

    def _error(self, what: str) -> BalancerError:
        return BalancerError(f"HAProxy at {self.address}: {what}.")

    def _unavailable(self, what: str) -> BalancerUnavailable:
        return BalancerUnavailable(f"HAProxy's runtime API at {self.address} {what}.")


# -- what HAProxy says -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """`servers`: of the backend. `weights`, `states`: by place (``backend/server``), of both backends."""

    servers: Mapping[str, Server]
    weights: Mapping[str, int]
    states: Mapping[str, State]

    def places(self, name: str) -> list[str]:
        """Where a server is to be changed."""
        return [place for place in self.weights if place.partition("/")[2] == name]


def _seen(told: str, backend: str) -> _Seen:
    """From the answers to ``show servers state`` and ``show stat … typed``, one after the other."""
    lines = told.splitlines()
    header = next((line for line in lines if line.startswith("# be_id")), "").removeprefix("# ").split()
    if not header:
        raise ValueError("no table of servers")
    found = (dict(zip(header, line.split(), strict=False)) for line in lines if _is_row(line))
    rows = [row for row in found if row["be_name"] in (backend, backend + DEGRADED)]
    stats = _typed(line for line in lines if line.startswith("S."))
    return _Seen(
        {row["srv_name"]: _server(row, stats) for row in rows if row["be_name"] == backend},
        {_place(row): int(row["srv_uweight"]) for row in rows},
        {_place(row): _state(row) for row in rows},
    )


def _is_row(line: str) -> bool:
    return line[:1].isdigit() and " " in line


def _place(row: Mapping[str, str]) -> str:
    return f"{row['be_name']}/{row['srv_name']}"


def _state(row: Mapping[str, str]) -> State:
    admin = int(row["srv_admin_state"])
    return "maint" if admin & _ANY_MAINT else "drain" if admin & _ANY_DRAIN else "ready"


def _typed(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """Fields of each server by place: ``S.<proxy>.<server>.<field>.<name>.<process>:…:<type>:<value>``."""
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        where, _, _, value = line.split(":", 3)
        _, proxy, server, _, name, *_ = where.split(".")
        found.setdefault(f"{proxy}.{server}", {})[name] = value
    servers = (fields for fields in found.values() if fields.get("type") == _IS_SERVER)
    return {f"{fields['pxname']}/{fields['svname']}": fields for fields in servers}


def _server(row: Mapping[str, str], stats: Mapping[str, Mapping[str, str]]) -> Server:
    stat = stats[_place(row)]
    degraded = stats.get(f"{row['be_name']}{DEGRADED}/{row['srv_name']}", {})

    def number(name: str) -> int:
        return int(stat.get(name, 0)) + int(degraded.get(name, 0))

    return Server(
        name=row["srv_name"],
        status=stat["status"],
        state=_state(row),
        weight=int(row["srv_uweight"]),
        sessions=number("scur"),
        queued=number("qcur"),
    )


# -- connections -------------------------------------------------------------------------------------

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connector(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[_Streams]: ...


def _connector(address: str) -> _Connector:
    host, colon, port = address.rpartition(":")
    if "/" not in address and not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise ConfigurationError(
            f"{address!r} is no address of HAProxy's runtime API: give a unix socket's path, or host:port."
        )

    @asynccontextmanager
    async def connect() -> Any:
        if "/" in address:
            reader, writer = await asyncio.open_unix_connection(address)
        else:
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    return connect


def _name(text: str, what: str) -> str:
    if not _NAME.fullmatch(text):
        raise ConfigurationError(
            f"{text[:80]!r} is no name of a {what}: give 1 to 64 letters, digits, dots, colons, hyphens or _."
        )
    return text


# -- without HAProxy ---------------------------------------------------------------------------------


class FakeBalancer:
    """A balancer in memory. `failure`: raised by every call while it is set. `changes`: what was asked."""

    def __init__(self, servers: Collection[Server]) -> None:
        self.failure: BalancerUnavailable | BalancerError | None = None
        self.changes: list[Mapping[str, int | State]] = []
        self._servers = {server.name: server for server in servers}

    async def servers(self) -> Mapping[str, Server]:
        self._check(())
        return dict(self._servers)

    async def set_weights(self, weights: Mapping[str, int]) -> None:
        self._check(weights)
        self.changes.append(dict(weights))
        for name, weight in weights.items():
            self.put(replace(self._servers[name], weight=weight))

    async def set_state(self, names: Collection[str], state: State) -> None:
        self._check(names)
        self.changes.append(dict.fromkeys(names, state))
        status = {"ready": "UP", "drain": "DRAIN", "maint": "MAINT"}[state]
        for name in names:
            self.put(replace(self._servers[name], state=state, status=status))

    def put(self, server: Server) -> None:
        """Make a server as a test wants it."""
        self._servers[server.name] = server

    def _check(self, names: Collection[str]) -> None:
        if self.failure is not None:
            raise self.failure
        if unknown := set(names) - set(self._servers):
            raise BalancerError(f"There is no server {min(unknown)}.")
