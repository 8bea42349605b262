"""What load to put on which server; checked as a whole before the first request."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, Literal

from yarl import URL

from assay.errors import ConfigurationError, is_utf8
from assay.load.requests import KINDS, Kind
from assay.load.schedule import Arrivals, due_times
from assay.scoring.options import MAX_REVISIONS
from assay.telemetry import redacted

MAX_REQUESTS: Final = 10_000_000
"""Of one run: each leaves three numbers of 8 bytes behind, so that percentiles are exact."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One run. Raises `ConfigurationError` that names every fault."""

    urls: tuple[str, ...]
    """Web nodes, asked in turn; what stands before ``/v3/``. Loopback, unless `may_load_remote`."""
    wiki: str
    revisions: Sequence[int]
    """Different ids, taken in this order, from the start again at the end; see `cache`."""
    models: tuple[str, ...] = ()
    """Asked for by name; empty: whatever the wiki has."""
    rate_per_s: float = 50.0
    duration_s: float = 60.0
    arrivals: Arrivals = "poisson"
    revisions_per_request: int = 1
    mix: Mapping[Kind, float] = field(default_factory=lambda: {"scores": 1.0})
    """Weights of the kinds of request."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Further ones of each request for scores, for example ``feature.delay``."""
    cache: Literal["any", "warm", "cold"] = "any"
    """`warm`: all revisions are asked for before the run. `cold`: none is asked for twice."""
    timeout_s: float = 30.0
    """One attempt, its connection included."""
    connections: int = 500
    """Most requests in flight, each on a connection of its own; when all are, a request is not queued but
    skipped, and counted as such."""
    keep_alive: bool = True
    """False: a new connection for each request."""
    retry: bool = False
    """Do as good clients do: wait as long as Retry-After says, send again where nothing was answered
    (refused, reset before the first byte), to the next node. The last outcome counts."""
    retry_for_s: float = 60.0
    """No attempt begins later than this after its request was due."""
    seed: int = 0
    may_load_remote: bool = False
    """Whoever sets this answers for the load that another machine gets."""

    def __post_init__(self) -> None:
        if faults := list(self._faults()):
            raise ConfigurationError("; ".join(faults))

    def due_times(self) -> Iterator[float]:
        """Seconds since the start."""
        return due_times(self.rate_per_s, self.duration_s, self.arrivals, self.seed)

    def document(self) -> dict[str, Any]:
        """As JSON values; of the revisions only how many and which ends."""
        told = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "revisions"}
        ends = {"count": len(self.revisions), "first": self.revisions[0], "last": self.revisions[-1]}
        return {**told, "mix": dict(self.mix), "parameters": dict(self.parameters), "revisions": ends}

    def _faults(self) -> Iterator[str]:
        if not self.urls:
            yield "give at least one URL"
        for url in self.urls:
            yield from _url_faults(url, self.may_load_remote)
        yield from _mix_faults(self.mix, self.models)
        if not all(map(is_utf8, (self.wiki, *self.models, *self.parameters, *self.parameters.values()))):
            yield "the names of wiki and models and all parameters must be UTF-8"
        sizes = ("rate_per_s", "duration_s", "timeout_s", "connections", "revisions_per_request")
        if wrong := [name for name in sizes if not 0 < getattr(self, name) < float("inf")]:
            yield f"{', '.join(wrong)} must be above 0, and no endless number"
        else:
            yield from self._supply_faults()

    def _supply_faults(self) -> Iterator[str]:
        """Are there revisions enough? Asked of sizes that are known to be sound."""
        if self.rate_per_s * self.duration_s > MAX_REQUESTS:
            yield f"more than {MAX_REQUESTS} requests: lower the rate or the duration"
        elif not self.revisions:
            yield "there are no revisions to ask for: give a list with ids, or a range A-B from A up to B"
        elif self.revisions_per_request > min(MAX_REVISIONS, len(self.revisions)):
            yield (
                f"a request cannot ask for {self.revisions_per_request} revisions: "
                f"{MAX_REVISIONS} are the most, and there are {len(self.revisions)}"
            )
        elif self.cache == "cold":
            needed = sum(1 for _ in self.due_times()) * self.revisions_per_request
            if needed > len(self.revisions):
                yield f"a cold run asks for up to {needed} revisions, and there are {len(self.revisions)}"


def fresh_revisions(now: datetime) -> range:
    """Ids that no earlier run has asked the test wiki for: microseconds of the clock, as ORES was probed
    with the time in seconds. No run takes a million ids a second, so a later one never meets it."""
    first = int(now.timestamp() * 1_000_000)
    return range(first, first + MAX_REQUESTS * MAX_REVISIONS)


def _url_faults(url: str, may_load_remote: bool) -> Iterator[str]:
    shown = redacted("url", url) if "://" in url else url.rpartition("@")[2]
    try:
        parts = URL(url)
        host = parts.host
    except ValueError as error:
        yield f"{shown!r} is no address ({error})"
        return
    if parts.scheme not in ("http", "https") or not host:
        yield f"{shown!r} must begin with http:// or https:// and name a host"
    elif parts.user or parts.password or parts.query_string or parts.fragment:
        yield f"the address of {host} must hold no user name, password, query or fragment"
    elif not (may_load_remote or _is_loopback(host)):
        yield f"{host} is not this machine: give a loopback address, or say that you may load that server"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _mix_faults(mix: Mapping[Kind, float], models: Sequence[str]) -> Iterator[str]:
    if strangers := sorted(set(mix) - set(KINDS)):
        yield f"no kind of request is called {strangers[0]}; there are: {', '.join(KINDS)}"
    if not all(0 <= weight < float("inf") for weight in mix.values()) or not sum(mix.values()) > 0:
        yield "the weights of requests must not be below 0, nor all 0"
    if mix.get("cell") and not models:
        yield "requests for one cell need the name of a model"
