"""HAProxy's configuration for one data centre, from a template: for operators, tests and the drill alike.

``deploy/haproxy/haproxy.cfg`` is what `render` makes of the defaults; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from assay.errors import ConfigurationError

_WORD: Final = re.compile(r"[A-Za-z0-9_.:*@/\[\]-]+", re.ASCII)
"""What names, addresses and paths consist of: no blank, quote or line break can slip into the file."""

_REFUSALS: Final = (
    (404, "not found", "Nothing found at this location."),
    (408, "request_timeout", "The request arrived too slowly."),
    (500, "internal server error", "Something went wrong on this server."),
    (502, "internal server error", "A server gave no proper answer; try again."),
    (503, "server overloaded", "No server can take the request just now; try again in a second."),
    (504, "request_timeout", "No server answered in time."),
)
"""What HAProxy says where Assay cannot; codes as in ``docs/http/README.md``."""


@dataclass(frozen=True, slots=True)
class HaproxyConfig:
    """What differs between data centres."""

    data_centre: str = "one"
    """Stands in every log line, and in ``Via``."""
    bind: str = ":8080"
    """Where users ask."""
    runtime: str = "/run/haproxy/assay.sock"
    """The runtime API: a unix socket's path (97 characters at most), or ``host:port``."""
    state_file: str = "/var/lib/haproxy/assay.state"
    """From which weights come back after a restart."""
    log_address: str = "127.0.0.1:5140"
    """Where the rollout's controller listens (UDP)."""
    slots: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {
            "blue": ("127.0.0.1:8081", "127.0.0.1:8082"),
            "green": ("127.0.0.1:8091", "127.0.0.1:8092"),
        }
    )
    """Addresses of the web processes by slot, as many in each."""
    stable_slot: str = "blue"
    """Which slot gets the traffic when HAProxy starts without a state file."""
    remote: str = ""
    """The other data centre's HAProxy; empty: none."""
    peers: Sequence[str] = ()
    """Addresses or networks from which other data centres' HAProxies ask."""
    backend: str = "assay"
    check_ms: int = 2000
    """Between two health checks of a server that is well; three that fail take it out."""
    max_connections: int = 4000
    """Of users; each may need two file descriptors, and HAProxy does not start without them."""
    server_connections: int = 500
    """Requests that one web process gets at once, well below its own limit (web.server.max_connections); the
    others wait, at most 5 s."""


def render(options: HaproxyConfig) -> str:
    """The file's text. Raises `ConfigurationError` for a name or address that cannot stand in it."""
    if options.stable_slot not in options.slots:
        raise ConfigurationError(f"There is no slot {options.stable_slot!r} to be stable.")
    for text in _words(options):
        if not _WORD.fullmatch(text):
            raise ConfigurationError(f"{text!r} cannot stand in HAProxy's configuration.")
    environment = Environment(
        loader=PackageLoader("assay.rollout.traffic", "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("haproxy.cfg").render(o=options, refusals=_REFUSALS)


def _words(options: HaproxyConfig) -> list[str]:
    words = [options.data_centre, options.bind, options.runtime, options.state_file]
    words += [options.log_address, options.backend, *options.peers, *options.slots]
    words += [address for addresses in options.slots.values() for address in addresses]
    return words + ([options.remote] if options.remote else [])
