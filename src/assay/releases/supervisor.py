"""Restarts a slot's processes under supervisord, and asks how they are.

A password never stands in the address: addresses are words of commands, and every user of a machine can list
those.
"""

from __future__ import annotations

import http.client
import time
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from supervisor.xmlrpc import Faults, SupervisorTransport

from assay.errors import ConfigurationError, ReleaseError

CALL_LIMIT_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.1
_LAST_WORDS_BYTES: Final = 600
_MAX_PASSWORD_BYTES: Final = 4096
_NO_ADDRESS: Final = "the supervisor must be systemd, unix:///path/to.sock or http://host:port"
_ENDED: Final = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class SupervisorAddress:
    """Where a supervisord takes orders, and as whom it takes them."""

    url: str
    """``unix:///path/to.sock`` or ``http://host:port``."""
    user: str = ""
    """Empty: it asks for none."""
    password_file: str = ""
    """A file that holds the password alone; a line's end after it is not part of it."""


class Supervisor:
    """A supervisord by its address.

    Raises `ConfigurationError` when it cannot be reached, or does not have what is asked for.
    """

    def __init__(self, at: SupervisorAddress) -> None:
        try:
            parts = urlsplit(at.url)
            port = parts.port or 80
        except ValueError:
            raise ConfigurationError(_NO_ADDRESS) from None
        if parts.username is not None or parts.password is not None:
            raise ConfigurationError(
                "the supervisor's address has a user or password in it, which every user of this machine "
                "could read in the list of processes: give --supervisor-user and --supervisor-password-file"
            )
        if parts.scheme not in ("unix", "http") or not (parts.path or parts.hostname):
            raise ConfigurationError(_NO_ADDRESS)
        if bool(at.user) != bool(at.password_file):
            raise ConfigurationError("the supervisor's user and password file: give both or neither")
        host = f"{parts.hostname}:{port}" if parts.hostname else ""
        self.address = f"unix://{parts.path}" if parts.scheme == "unix" else f"http://{host}"
        self._has_account = bool(at.user)
        password = _password(Path(at.password_file)) if at.user else None
        self._transport = _transport(at.user or None, password, self.address)
        self._server = xmlrpc.client.ServerProxy("http://supervisor", transport=self._transport)

    def restart(self, group: str, limit_s: float) -> list[str]:
        """Stop all processes of the group, start them again, and wait until they run; their names.

        Raises `ReleaseError` naming what did not come up within `limit_s`.
        """
        until_s = time.monotonic() + limit_s
        self.stop(group, limit_s)
        return self.start_ended(group, max(0.0, until_s - time.monotonic()))

    def stop(self, group: str, limit_s: float) -> list[str]:
        """Stop all processes of the group and wait until they have ended; the names of those that ran.

        Raises `ReleaseError` naming what did not end within `limit_s`.
        """
        until_s = time.monotonic() + limit_s
        self.check_group(group)
        ran = sorted(name for name, state in self.states(group).items() if state not in _ENDED)
        self._call("stopProcessGroup", group, False)
        self._wait(group, lambda states: set(states.values()) <= _ENDED, until_s, "did not end")
        return ran

    def start_ended(self, group: str, limit_s: float) -> list[str]:
        """Start those processes of the group that do not run, and wait until all do; the names of those.

        Raises `ReleaseError` naming what did not come up within `limit_s`.
        """
        until_s = time.monotonic() + limit_s
        # what is still draining would not be started, and then be gone
        self._wait(group, lambda states: "STOPPING" not in states.values(), until_s, "did not end")
        ended = sorted(name for name, state in self.states(group).items() if state in _ENDED)
        if ended:
            self._call("startProcessGroup", group, False)
        self._wait(
            group,
            lambda states: set(states.values()) <= {"RUNNING"},
            until_s,
            "did not start",
            hopeless="FATAL",
        )
        return ended

    def check_group(self, group: str) -> None:
        """Raises `ConfigurationError` when there is no such group."""
        if not self.states(group):
            raise self._no_group(group)

    def states(self, group: str) -> dict[str, str]:
        """State (RUNNING, FATAL, …) of each process of the group, by name."""
        return {str(info["name"]): str(info["statename"]) for info in self._infos(group)}

    def pids(self, group: str) -> dict[str, int]:
        """Process id of each process of the group, by name; 0 where none runs."""
        return {str(info["name"]): int(info["pid"]) for info in self._infos(group)}

    def started(self, group: str) -> dict[str, int]:
        """When each process of the group was last started, seconds since 1970, by name."""
        return {str(info["name"]): int(info["start"]) for info in self._infos(group)}

    def check_lives(self, group: str, started: Mapping[str, int]) -> None:
        """Raises `ReleaseError` when a process has ended since it was `started`: the supervisor would begin
        it again and again, or somebody stopped it, while an operator waits."""
        infos = self._infos(group)
        lives = {str(info["name"]): int(info["start"]) for info in infos if info["statename"] not in _ENDED}
        if ended := sorted(name for name, at_s in started.items() if lives.get(name) != at_s):
            told = ", ".join(f"{group}:{name}" for name in ended)
            raise ReleaseError(f"{told} ended after the start{self._last_words(group, ended)}")

    def close(self) -> None:
        self._transport.close()

    def _wait(
        self,
        group: str,
        is_so: Callable[[dict[str, str]], bool],
        until_s: float,
        fault: str,
        *,
        hopeless: str = "",
    ) -> None:
        """`hopeless`: the state of a process for which nobody need wait any longer; empty: none."""
        while not is_so(states := self.states(group)):
            failed = sorted(name for name, state in states.items() if state == hopeless)
            if failed or time.monotonic() > until_s:
                told = ", ".join(f"{group}:{name} {state}" for name, state in sorted(states.items()))
                raise ReleaseError(f"processes of {group} {fault} ({told}){self._last_words(group, failed)}")
            time.sleep(_LOOK_AGAIN_S)

    def _last_words(self, group: str, names: Sequence[str]) -> str:
        """The end of the first failed process's log: what an operator would look up next."""
        for name in names:
            told, *_ = self._call("tailProcessStdoutLog", f"{group}:{name}", 0, _LAST_WORDS_BYTES)
            if lines := [line for line in str(told).splitlines() if line.strip()]:
                return f": {lines[-1][-_LAST_WORDS_BYTES:]}"
        return ": see their logs under the supervisor"

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._server.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == Faults.BAD_NAME:
                raise self._no_group(str(arguments[0])) from None
            raise ReleaseError(f"the supervisor {self.address} refuses: {fault.faultString}") from None
        except (xmlrpc.client.Error, http.client.HTTPException, ExpatError, ValueError) as error:
            raise self._refused(error) from None
        except OSError as error:
            raise ConfigurationError(
                f"the supervisor {self.address} does not answer ({error.strerror or error}): is it running?"
            ) from None

    def _infos(self, group: str) -> list[Mapping[str, Any]]:
        infos: Sequence[Mapping[str, Any]] = self._call("getAllProcessInfo")
        return [info for info in infos if info["group"] == group]

    def _refused(self, error: Exception) -> ConfigurationError:
        if not isinstance(error, xmlrpc.client.ProtocolError):
            return ConfigurationError(
                f"the supervisor {self.address} refuses us ({error!r}): check its address"
            )
        if error.errcode != HTTPStatus.UNAUTHORIZED:
            return ConfigurationError(
                f"the supervisor {self.address} refuses us (status {error.errcode}): check its address"
            )
        todo = "check both" if self._has_account else "give --supervisor-user and --supervisor-password-file"
        return ConfigurationError(f"the supervisor {self.address} refuses our user and password: {todo}")

    def _no_group(self, group: str) -> ConfigurationError:
        return ConfigurationError(
            f"the supervisor {self.address} has no group {group}: put the slot's programs into "
            f"[group:{group}]"
        )


def _password(path: Path) -> str:
    """Raises `ConfigurationError`, which never quotes the file."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_PASSWORD_BYTES + 1).decode().rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(
            f"the supervisor's password file {path} cannot be read: {error.strerror or error}"
        ) from None
    except UnicodeDecodeError:
        text = ""
    if not text or len(text) >= _MAX_PASSWORD_BYTES or not text.isprintable():
        raise ConfigurationError(
            f"the supervisor's password file {path} holds no password: one line of UTF-8 is expected"
        )
    return text


def _transport(user: str | None, password: str | None, address: str) -> Any:
    """supervisor's own, which would wait for ever, with a limit on each call."""
    transport = SupervisorTransport(user, password, address)
    unlimited = transport._get_connection

    def limited() -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection = unlimited()
        connection.timeout = CALL_LIMIT_S
        try:
            connection.connect()
        except OSError:
            connection.close()
            raise
        connection.sock.settimeout(CALL_LIMIT_S)
        return connection

    transport._get_connection = limited
    return transport
