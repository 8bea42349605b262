"""A data centre on one machine: HAProxy, Redis and two slots for releases, under one supervisor.

For the drill, for trying rollouts at home, and for a wiki that has one server. A slot's programs run whatever
release the slot's pointer names (`assay.releases.slots`); they start when the slot is activated.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from assay.compose.own_redis import own_redis
from assay.compose.supervisor import ASSAY, Program, supervisor_url, write
from assay.errors import ConfigurationError
from assay.rollout.options import DataCentreSettings, NodeSettings, SlotSettings
from assay.rollout.traffic.haproxy_config import HaproxyConfig, render

SLOTS: Final = ("blue", "green")
STABLE_SLOT: Final = SLOTS[0]
_RETRIES: Final = 3
"""A release that cannot start is to be told within seconds."""


@dataclass(frozen=True, slots=True)
class SlotPorts:
    """Of one slot's processes. `metrics`: one for each worker."""

    web: tuple[int, ...]
    metrics: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DataCentreOptions:
    """`folder`: everything of this data centre lies in it; `root`: releases, environments and slots.
    `port`: HAProxy's, for users. `slots`: ports by slot, as many web processes in each. `log_address`: where
    the controller receives HAProxy's lines. `remote`: another data centre's HAProxy; empty: none.
    `environment`: of all of Assay's processes here."""

    name: str
    folder: Path
    port: int
    slots: Mapping[str, SlotPorts]
    log_address: str
    remote: str = ""
    is_active: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    check_ms: int = 1000

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def haproxy_socket(self) -> Path:
        return self.folder / "haproxy.sock"

    @property
    def supervisor_url(self) -> str:
        return supervisor_url(self.folder)


def prepare(options: DataCentreOptions) -> Path:
    """Write all configuration into the folder; the supervisor's is returned.

    Raises `ConfigurationError` when HAProxy or redis-server is not installed.
    """
    options.folder.mkdir(parents=True, exist_ok=True)
    options.folder.chmod(0o700)
    redis, to_redis = own_redis(options.folder)
    environment = {**to_redis, **options.environment}
    slots = [program for name in options.slots for program in _slot_programs(options, name, environment)]
    return write(options.folder, [redis, _haproxy(options), *slots])


def as_settings(options: DataCentreOptions) -> DataCentreSettings:
    """The same data centre as the rollout's controller knows it."""
    return DataCentreSettings(
        haproxy=str(options.haproxy_socket),
        front_url=f"http://127.0.0.1:{options.port}",
        slots={
            name: SlotSettings(
                urls=_urls(ports),
                metrics_urls=tuple(f"http://127.0.0.1:{port}" for port in ports.metrics),
            )
            for name, ports in options.slots.items()
        },
        nodes={
            options.name: NodeSettings(
                assay=ASSAY,
                root=str(options.root),
                supervisor=options.supervisor_url,
                urls={name: _urls(ports) for name, ports in options.slots.items()},
            )
        },
        remote_server="remote" if options.remote else "",
        is_active=options.is_active,
    )


def _urls(ports: SlotPorts) -> tuple[str, ...]:
    return tuple(f"http://127.0.0.1:{port}" for port in ports.web)


def _haproxy(options: DataCentreOptions) -> Program:
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise ConfigurationError(
            "there is no haproxy on this machine: install it (on Debian: apt-get install haproxy)"
        )
    configuration = options.folder / "haproxy.cfg"
    configuration.write_text(
        render(
            HaproxyConfig(
                data_centre=options.name,
                bind=f"127.0.0.1:{options.port}",
                runtime=str(options.haproxy_socket),
                state_file=str(options.folder / "haproxy.state"),
                log_address=options.log_address,
                slots={
                    name: tuple(f"127.0.0.1:{port}" for port in ports.web)
                    for name, ports in options.slots.items()
                },
                stable_slot=STABLE_SLOT,
                remote=options.remote,
                peers=("127.0.0.1",) if options.remote else (),
                check_ms=options.check_ms,
                max_connections=1000,
            )
        )
    )
    return Program("haproxy", (program, "-db", "-f", str(configuration)), 5)


def _slot_programs(options: DataCentreOptions, slot: str, environment: Mapping[str, str]) -> list[Program]:
    """Workers before web processes, so that a web process finds one when it looks whether it is ready."""
    launcher = str(options.root / "slots" / slot / "bin" / "assay")

    def program(name: str, priority: int, *words: str) -> Program:
        return Program(
            f"{slot}-{name}",
            (launcher, *words),
            priority,
            environment,
            group=slot,
            starts_itself=False,
            retries=_RETRIES,
        )

    ports = options.slots[slot]
    return [
        *(
            program(f"worker-{number}", 10, "worker", "--processes", "1", "--metrics-port", str(port))
            for number, port in enumerate(ports.metrics, 1)
        ),
        *(
            program(f"web-{number}", 20, "web", "--port", str(port))
            for number, port in enumerate(ports.web, 1)
        ),
    ]
