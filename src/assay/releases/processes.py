"""Who starts and ends a slot's processes on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from assay.releases.supervisor import Supervisor
from assay.releases.systemd import SYSTEMD, Systemd


class Processes(Protocol):
    """`group`: a slot's name. See `Supervisor` and `Systemd` for errors."""

    def check_group(self, group: str) -> None: ...

    def restart(self, group: str, limit_s: float) -> list[str]: ...

    def start_ended(self, group: str, limit_s: float) -> list[str]: ...

    def started(self, group: str) -> dict[str, int]: ...

    def check_lives(self, group: str, started: Mapping[str, int]) -> None: ...

    def close(self) -> None: ...


def processes(address: str) -> Processes | None:
    """By the word ``systemd`` or a supervisord's address; empty: nobody, None.

    Raises `ConfigurationError` for anything else.
    """
    if not address:
        return None
    return Systemd() if address == SYSTEMD else Supervisor(address)
