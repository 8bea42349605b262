"""Who starts and ends a slot's processes on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from assay.errors import ConfigurationError
from assay.releases.supervisor import Supervisor, SupervisorAddress
from assay.releases.systemd import SYSTEMD, Systemd

STOP_LIMIT_S: Final = 90.0
"""For a slot's processes to drain: more than the units of deploy/ give them before they are killed."""


class Processes(Protocol):
    """`group`: a slot's name. See `Supervisor` and `Systemd` for errors."""

    def check_group(self, group: str) -> None: ...

    def stop(self, group: str, limit_s: float) -> list[str]: ...

    def restart(self, group: str, limit_s: float) -> list[str]: ...

    def start_ended(self, group: str, limit_s: float) -> list[str]: ...

    def started(self, group: str) -> dict[str, int]: ...

    def check_lives(self, group: str, started: Mapping[str, int]) -> None: ...

    def close(self) -> None: ...


def processes(at: SupervisorAddress | None) -> Processes | None:
    """By a supervisord's address, or the word ``systemd`` in its place; None: nobody, None.

    Raises `ConfigurationError` for anything else.
    """
    if at is None or at.url != SYSTEMD:
        return None if at is None else Supervisor(at)
    if at.user or at.password_file:
        raise ConfigurationError(
            "systemd knows no user and password: leave out --supervisor-user and its file"
        )
    return Systemd()
