"""HAProxy's runtime API: what its servers do, which share of the traffic each gets, and who is taken out.

    balancer = HaproxyBalancer("/run/haproxy/assay.sock", "assay")
    await set_slot_weights(balancer, {"blue": 95, "green": 5})

Every change is read back: it is done when HAProxy says that it is. One connection for each exchange, so that
nothing is left of an exchange that failed. HAProxy forgets changes when it is restarted, unless its state
file is written before (see ``deploy/haproxy/``); a controller sets its journal's weights again in any case.

`FakeBalancer` stands in for it where no traffic is meant to move.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from assay.errors import BalancerError, BalancerUnavailable, ConfigurationError

State = Literal["ready", "drain", "maint"]
"""``drain``: no new requests, those under way are finished. ``maint``: the same, and no health checks."""

EXCHANGE_LIMIT_S: Final = 3.0
MAX_WEIGHT: Final = 256
"""HAProxy's own limit."""
_MAX_ANSWER_BYTES: Final = 2**22
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
"""HAProxy's own alphabet of names. Nothing in it ends a command or begins another."""
_IS_SERVER: Final = "2"
_FORCED_MAINT, _FORCED_DRAIN, _ANY_MAINT, _ANY_DRAIN = (
    0x01,
    0x08,
    0x01 | 0x02 | 0x04 | 0x20 | 0x40,
    0x08 | 0x10,
)
"""Bits of ``srv_admin_state``, from HAProxy's management.txt."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the backend, as HAProxy sees it.

    `status`: its words, such as ``UP``, ``DOWN 1/2``, ``DRAIN``, ``MAINT``, ``no check``. `state`: what an
    operator asked for. `weight`: as set, 0 to 256. `sessions`: requests that it has now; `queued`: those
    that wait for it. The rest are totals since HAProxy's start: `requests`, `answers` by class (1xx to 5xx
    by first digit), `connect_errors`, `broken_answers`, `retries`, `redispatches` (to another server).
    """

    name: str
    status: str
    state: State = "ready"
    weight: int = 0
    sessions: int = 0
    queued: int = 0
    requests: int = 0
    answers: Mapping[int, int] | None = None
    connect_errors: int = 0
    broken_answers: int = 0
    retries: int = 0
    redispatches: int = 0

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
        """By name."""
        told = await self._ask(f"show servers state {self._backend}", f"show stat {self._backend} 4 -1 typed")
        if "Can't find backend" in told or "No such proxy" in told:
            raise self._error(
                f"it has no backend {self._backend!r}: set the one that its configuration names"
            )
        try:
            return _servers(told)
        except (KeyError, ValueError, IndexError) as error:
            raise self._error(
                f"its answer cannot be read ({error!r}); at least version 2.4 is needed"
            ) from error

    async def set_weights(self, weights: Mapping[str, int]) -> None:
        """Rises come first, so that at no moment every server is without weight."""
        before = self._known(await self.servers(), weights)
        for name, weight in weights.items():
            if not 0 <= weight <= MAX_WEIGHT:
                raise BalancerError(f"A weight is 0 to {MAX_WEIGHT}, not {weight} ({name}).")
        order = sorted(weights, key=lambda name: weights[name] <= before[name].weight)
        await self._do(*(f"set weight {self._backend}/{name} {weights[name]}" for name in order))
        after = await self.servers()
        for name, weight in weights.items():
            if (found := after[name].weight) != weight:
                raise self._error(f"server {name} has weight {found} after it was set to {weight}")

    async def set_state(self, names: Collection[str], state: State) -> None:
        """`ready` brings back from both others."""
        self._known(await self.servers(), names)
        await self._do(*(f"set server {self._backend}/{name} state {state}" for name in names))
        after = await self.servers()
        for name in names:
            if (found := after[name].state) != state:
                raise self._error(f"server {name} is {found!r} after it was set to {state!r}")

    # -- parts ---------------------------------------------------------------------------------------

    def _known(self, servers: Mapping[str, Server], names: Collection[str]) -> Mapping[str, Server]:
        for name in names:
            if _name(name, "server") not in servers:
                known = ", ".join(servers)
                raise self._error(f"backend {self._backend!r} has no server {name!r}; it has {known}")
        return servers

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


# -- shares ------------------------------------------------------------------------------------------


async def set_slot_weights(balancer: Balancer, percentages: Mapping[str, int]) -> Mapping[str, int]:
    """Share out the traffic: per cent by slot, together 100. Returns the servers' weights."""
    weights = server_weights(await balancer.servers(), percentages)
    await balancer.set_weights(weights)
    return weights


def server_weights(servers: Collection[str], percentages: Mapping[str, int]) -> dict[str, int]:
    """Weights of all servers of the slots. With as many servers each, a server's weight is its slot's
    percentage; else as near as HAProxy's 256 steps come, and nobody who shall get traffic gets none.
    Raises `BalancerError` for a slot without servers, or percentages that are none."""
    if sum(percentages.values()) != 100 or min(percentages.values()) < 0:
        raise BalancerError(f"Percentages are 0 to 100 and together 100, not {dict(percentages)}.")
    members = {slot: [name for name in servers if slot_of(name) == slot] for slot in percentages}
    for slot, names in members.items():
        if not names:
            raise BalancerError(
                f"HAProxy has no server of slot {slot!r}: they are named {slot}-1, {slot}-2, …"
            )
    scaled = _scaled(percentages, {slot: len(names) for slot, names in members.items()})
    return {name: scaled[slot] for slot, names in members.items() for name in names}


def _scaled(percentages: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """A weight for each slot's servers: of all scales the most exact, of those the nearest to per cent."""
    most = max(counts.values())
    exact = {slot: percent * most / counts[slot] for slot, percent in percentages.items()}
    greatest = max(exact.values())
    scales = sorted((weight / greatest for weight in range(1, MAX_WEIGHT + 1)), key=lambda s: abs(s - 1))
    candidates = [
        {slot: max(round(weight * scale), int(weight > 0)) for slot, weight in exact.items()}
        for scale in scales
    ]
    return min(candidates, key=lambda weights: round(_greatest_error(percentages, counts, weights), 3))


def _greatest_error(
    percentages: Mapping[str, int], counts: Mapping[str, int], weights: Mapping[str, int]
) -> float:
    """Of a slot's share, relative to what it should be."""
    whole = sum(weights[slot] * counts[slot] for slot in percentages)
    shares = ((percent, 100 * weights[slot] * counts[slot] / whole) for slot, percent in percentages.items())
    return max(abs(share / percent - 1) for percent, share in shares if percent)


# -- what HAProxy says -------------------------------------------------------------------------------


def _servers(told: str) -> dict[str, Server]:
    """From the answers to ``show servers state`` and ``show stat … typed``, one after the other."""
    lines = told.splitlines()
    header = next((line for line in lines if line.startswith("# be_id")), "").removeprefix("# ").split()
    if not header:
        raise ValueError("no table of servers")
    rows = [
        dict(zip(header, line.split(), strict=False)) for line in lines if line[:1].isdigit() and " " in line
    ]
    stats = _typed(line for line in lines if line.startswith("S."))
    return {row["srv_name"]: _server(row, stats[row["srv_name"]]) for row in rows}


def _typed(lines: Any) -> dict[str, dict[str, str]]:
    """Fields of each server by name: ``S.<proxy>.<server>.<field>.<name>.<process>:…:<type>:<value>``."""
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        where, _, _, value = line.split(":", 3)
        _, proxy, server, _, name, *_ = where.split(".")
        found.setdefault(f"{proxy}.{server}", {})[name] = value
    return {fields["svname"]: fields for fields in found.values() if fields.get("type") == _IS_SERVER}


def _server(row: Mapping[str, str], stat: Mapping[str, str]) -> Server:
    def number(name: str) -> int:
        return int(stat.get(name, 0))

    admin = int(row["srv_admin_state"])
    return Server(
        name=row["srv_name"],
        status=stat["status"],
        state="maint" if admin & _ANY_MAINT else "drain" if admin & _ANY_DRAIN else "ready",
        weight=int(row["srv_uweight"]),
        sessions=number("scur"),
        queued=number("qcur"),
        requests=number("req_tot"),
        answers={digit: number(f"hrsp_{digit}xx") for digit in range(1, 6)},
        connect_errors=number("econ"),
        broken_answers=number("eresp"),
        retries=number("wretr"),
        redispatches=number("wredis"),
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
