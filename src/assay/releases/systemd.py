"""A slot's processes under systemd: those that ``assay-slot@SLOT.target`` wants (deploy/systemd)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from assay.errors import ConfigurationError, ReleaseError

SYSTEMD: Final = "systemd"
"""In place of a supervisor's address."""
CALL_LIMIT_S: Final = 10.0
_ACTIVE: Final = frozenset({"active", "reloading"})
_LAST_WORDS: Final = 600


def target(slot: str) -> str:
    """The unit that stands for all processes of a slot; its stop waits for theirs."""
    return f"assay-slot@{slot}.target"


class Systemd:
    """This machine's systemd, asked through systemctl.

    Raises `ConfigurationError` when it cannot be asked, or does not have what is asked for.
    """

    def restart(self, group: str, limit_s: float) -> list[str]:
        """Stop all services of the slot, start them again, and wait until they run; their names.

        Raises `ReleaseError` naming what did not come up within `limit_s`.
        """
        names = self._services(group)
        self._order("restart", names, limit_s)
        return names

    def stop(self, group: str, limit_s: float) -> list[str]:
        """Stop all services of the slot and wait until they have ended; the names of those that ran.

        Raises `ReleaseError` naming what did not end within `limit_s`.
        """
        self.check_group(group)
        ran = [name for name in self._services(group) if self._shown(name, "ActiveState") in _ACTIVE]
        done = _run(["systemctl", "stop", "--", target(group)], limit_s)
        if done is None:
            raise ReleaseError(f"{target(group)} did not stop within {limit_s:.0f} s")
        if done.returncode:
            raise ReleaseError(f"systemctl stop: {' '.join(done.stderr.split())[:_LAST_WORDS]}")
        return ran

    def start_ended(self, group: str, limit_s: float) -> list[str]:
        """Start those services of the slot that do not run, and wait until all do; the names of those.

        Raises `ReleaseError` naming what did not come up within `limit_s`.
        """
        ended = [name for name in self._services(group) if self._shown(name, "ActiveState") not in _ACTIVE]
        if ended:
            self._order("start", ended, limit_s)
        return ended

    def check_group(self, group: str) -> None:
        """Raises `ConfigurationError` when the slot's target wants no service."""
        if not self._services(group):
            raise ConfigurationError(
                f"systemd has no services for {target(group)}: install the units of deploy/systemd"
            )

    def started(self, group: str) -> dict[str, int]:
        """When each service of the slot was last started, microseconds since the machine's start, by name."""
        return {
            name: int(self._shown(name, "ExecMainStartTimestampMonotonic") or 0)
            for name in self._services(group)
        }

    def check_lives(self, group: str, started: Mapping[str, int]) -> None:  # noqa: ARG002 - as a supervisor's
        """Raises `ReleaseError` when a service has ended since it was `started`: systemd would begin it again
        and again, while an operator waits."""
        ended = [
            name
            for name, at in started.items()
            if self._shown(name, "ExecMainStartTimestampMonotonic") != str(at)
            or self._shown(name, "ActiveState") not in _ACTIVE
        ]
        if ended:
            raise ReleaseError(
                f"{', '.join(sorted(ended))} ended after the start{self._last_words(ended[0])}"
            )

    def close(self) -> None:
        """Nothing is held."""

    def _order(self, verb: str, names: Sequence[str], limit_s: float) -> None:
        until_s = time.monotonic() + limit_s
        done = _run(["systemctl", verb, "--", *names], limit_s)
        if done is None:
            raise ReleaseError(f"{', '.join(names)} did not {verb} within {limit_s:.0f} s")
        for name in names:
            while (state := self._shown(name, "ActiveState")) not in _ACTIVE:
                if done.returncode or state != "activating" or time.monotonic() > until_s:
                    raise ReleaseError(f"{name} did not start ({state}){self._last_words(name)}")
                time.sleep(0.1)
        if done.returncode:
            raise ReleaseError(f"systemctl {verb}: {' '.join(done.stderr.split())[:_LAST_WORDS]}")

    def _services(self, group: str) -> list[str]:
        wanted = self._shown(target(group), "Wants").split()
        return sorted(name for name in wanted if name.endswith(".service"))

    def _shown(self, unit: str, name: str) -> str:
        done = _run(["systemctl", "show", f"--property={name}", "--value", "--", unit], CALL_LIMIT_S)
        if done is None or done.returncode:
            told = "no answer" if done is None else " ".join(done.stderr.split())
            raise ConfigurationError(f"systemd cannot be asked ({told[:200]}): does it run this machine?")
        return done.stdout.strip()

    def _last_words(self, name: str) -> str:
        """The last line that the service itself wrote: what an operator would look up next."""
        command = ["journalctl", f"--unit={name}", "--output=json", "--lines=50", "--no-pager"]
        done = _run(command, CALL_LIMIT_S)
        entries = [] if done is None else [orjson.loads(line) for line in done.stdout.splitlines()]
        own = [entry.get("MESSAGE") for entry in entries if entry.get("_PID") != "1"]
        told = [text for text in own if isinstance(text, str) and text.strip()]  # not text: other bytes
        return f": {told[-1][-_LAST_WORDS:]}" if told else f": see journalctl --unit={name}"


def _run(command: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[str] | None:
    """None: it did not end in time. Raises `ConfigurationError` when there is no such program."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        raise ConfigurationError(f"{command[0]} cannot be run: {error.strerror or error}") from None
