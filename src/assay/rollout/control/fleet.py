"""The nodes of all data centres: each is told to run a release in a slot, to prove that it can, or to stop.

Commands are run as they stand, never by a shell of ours. But ssh hands its words to a shell of the node's,
so no word may hold anything that a shell reads as more than itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import orjson

from assay.errors import AssayError, ConfigurationError, FleetError
from assay.releases.processes import STOP_LIMIT_S
from assay.rollout.options import DataCentreSettings, NodeSettings

GRACE_S: Final = 10.0
"""For a node to say that it gave a command up."""
_GIVEN_UP: Final = (124, 137)
"""Exit statuses of coreutils' timeout: ended at the limit by TERM, by KILL. Before the limit, 137 tells of
somebody else's KILL, such as the kernel's when memory ran out."""
TELLING_S: Final = 10.0
"""For a command to tell what it waited for in vain, beyond the limit that it was given itself."""
PREFLIGHT_LIMIT_S: Final = 120.0
MAX_KEPT_BYTES: Final = 2**20
"""Of each stream of a command: its end, which says why it failed."""
_TOLD_LINES: Final = 5
_TOLD_CHARS: Final = 600
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+", re.ASCII)
_THIS_MACHINE: Final = {"": NodeSettings()}


@dataclass(frozen=True, slots=True)
class Ran:
    """A command's end. `status`: of its exit; None when it was ended for taking too long.
    `stdout`, `stderr`: their last `MAX_KEPT_BYTES`."""

    status: int | None
    stdout: str
    stderr: str
    seconds: float

    def last_lines(self) -> str:
        """What an operator reads first: the end of the errors, or of the output when there are none."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()[-_TOLD_LINES:]
        return " / ".join(line.strip() for line in lines)[-_TOLD_CHARS:]


class Runner(Protocol):
    """Runs one command."""

    async def run(self, node: str, command: Sequence[str], limit_s: float) -> Ran: ...


class ProcessRunner:
    """As a process of this machine, in a session of its own; its children end with it."""

    async def run(self, node: str, command: Sequence[str], limit_s: float) -> Ran:
        """Raises `FleetError` when it cannot be started, `ConfigurationError` for a word that a shell could
        misread."""
        check_words(command)
        begun_s = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise FleetError(
                f"Node {node}: {command[0]} cannot be run: {error.strerror or error}."
            ) from error
        assert process.stdout is not None
        assert process.stderr is not None
        kept = bytearray(), bytearray()
        status: int | None = None
        try:
            async with asyncio.timeout(limit_s):
                await asyncio.gather(_keep_end(process.stdout, kept[0]), _keep_end(process.stderr, kept[1]))
                status = await process.wait()
        except TimeoutError:
            pass
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # also what it left running
            await process.wait()
        stdout, stderr = (bytes(stream).decode("utf-8", "replace") for stream in kept)
        return Ran(status, stdout, stderr, time.monotonic() - begun_s)


class NodeFleet:
    """`deploy_limit_s`: seconds for a node to fetch, install and start a release."""

    def __init__(
        self,
        data_centres: Mapping[str, DataCentreSettings],
        *,
        deploy_limit_s: float,
        runner: Runner | None = None,
    ) -> None:
        self._data_centres = data_centres
        self._deploy_limit_s = deploy_limit_s
        self._runner = runner or ProcessRunner()

    async def deploy(self, data_centre: str, slot: str, release: str) -> None:
        """On all nodes at once: activate, then preflight. Raises `FleetError` that names each node that
        failed, with what it said; the others have finished by then."""

        async def one(name: str, node: NodeSettings) -> None:
            limit_s = self._deploy_limit_s
            await self._do(name, node, activation(node, slot, release, limit_s), limit_s + TELLING_S)
            await self._preflight(name, node, slot)

        await self._on_all(data_centre, one)

    async def retire(self, data_centre: str, slot: str) -> None:
        """No process of the slot runs on any node. Raises `FleetError`."""

        async def one(name: str, node: NodeSettings) -> None:
            limit_s = STOP_LIMIT_S if node.stop else self._deploy_limit_s + STOP_LIMIT_S
            await self._do(name, node, stopping(name, node, slot, limit_s), limit_s + TELLING_S)

        await self._on_all(data_centre, one)

    # -- parts ---------------------------------------------------------------------------------------

    async def _on_all(self, data_centre: str, work: Callable[[str, NodeSettings], Awaitable[None]]) -> None:
        nodes = self._data_centres[data_centre].nodes or _THIS_MACHINE
        outcomes = await asyncio.gather(
            *(work(name or "this machine", node) for name, node in nodes.items()), return_exceptions=True
        )
        faults = []
        for outcome in outcomes:
            if isinstance(outcome, AssayError):
                faults.append(str(outcome))
            elif isinstance(outcome, BaseException):
                raise outcome
        if faults:
            raise FleetError(" ".join(faults))

    async def _do(self, name: str, node: NodeSettings, command: Sequence[str], limit_s: float) -> None:
        ran = await self._run(name, node, command, limit_s)
        if ran.status is None:
            raise FleetError(f"Node {name}: not done within {limit_s:g} s: {_shown(ran)}.")
        if ran.status != 0:
            raise FleetError(f"Node {name}: exit status {ran.status}: {_shown(ran)}.")

    async def _preflight(self, name: str, node: NodeSettings, slot: str) -> None:
        ran = await self._run(name, node, preflight(node, slot), PREFLIGHT_LIMIT_S)
        if ran.status is None:
            raise FleetError(f"Node {name}: preflight took more than {PREFLIGHT_LIMIT_S:g} s: {_shown(ran)}.")
        if ran.status != 0:
            raise FleetError(f"Node {name}: preflight failed: {preflight_faults(ran.stdout) or _shown(ran)}.")

    async def _run(self, name: str, node: NodeSettings, command: Sequence[str], limit_s: float) -> Ran:
        whole = there(node, command, limit_s)
        ran = await self._runner.run(name, whole, limit_s + (GRACE_S if node.prefix else 0.0))
        if node.prefix and ran.status in _GIVEN_UP and ran.seconds >= limit_s:
            return replace(ran, status=None)
        return ran


# -- commands ----------------------------------------------------------------------------------------


def there(node: NodeSettings, command: Sequence[str], limit_s: float) -> list[str]:
    """The command as it is run on its node. What is run elsewhere has its limit there, too: to end our ssh
    ends nothing on the node, and what was given up must not act later, when others count on its end."""
    if not node.prefix:
        return [*command]
    return [*node.prefix, "timeout", "--kill-after=5", f"{limit_s:g}", *command]


def activation(node: NodeSettings, slot: str, release: str, limit_s: float) -> list[str]:
    """``assay release activate …`` on a node."""
    command = [*node.assay, "release", "activate", release, "--slot", slot]
    command += ["--root", node.root, "--timeout", f"{limit_s:g}"]
    command += _supervised(node)
    for url in node.urls.get(slot, ()):
        command += ["--wait-url", url]
    return command


def preflight(node: NodeSettings, slot: str) -> list[str]:
    """The release's own preflight, by its own launcher."""
    command = [f"{node.root}/slots/{slot}/bin/assay", "preflight", "--json"]
    for url in node.urls.get(slot, ()):
        command += ["--url", url]
    return command


def stopping(name: str, node: NodeSettings, slot: str, limit_s: float) -> list[str]:
    """What ends a slot's processes, after an activation that may still be at work on the node, though its
    controller was ended or gave it up. Raises `FleetError` when the node's settings do not say."""
    if node.stop:
        return [word.replace("{slot}", slot) for word in node.stop]
    if not node.supervisor:
        raise FleetError(f"Node {name}: set `supervisor` or `stop`, so that slot {slot} can be stopped.")
    command = [*node.assay, "release", "stop", "--slot", slot, "--root", node.root]
    return [*command, "--timeout", f"{limit_s:g}", *_supervised(node)]


def _supervised(node: NodeSettings) -> list[str]:
    if not node.supervisor:
        return []
    account = ["--supervisor-user", node.supervisor_user] if node.supervisor_user else []
    secret = ["--supervisor-password-file", node.supervisor_password_file] if account else []
    return ["--supervisor", node.supervisor, *account, *secret]


def check_words(command: Sequence[str]) -> None:
    """Raises `ConfigurationError` for a word that a node's shell could read as more than itself."""
    for word in command:
        if not _PLAIN.fullmatch(word):
            raise ConfigurationError(
                f"{word[:80]!r} cannot stand in a node's command: use letters, digits and _ @ % + = : , . / -"
            )


def preflight_faults(stdout: str) -> str:
    """What failed, and what to do, from the report of ``preflight --json``; empty when it is none."""
    try:
        checks: Any = orjson.loads(stdout)["checks"]
        failed = [check for check in checks if check["outcome"] not in ("passed", "waived")]
        told = [
            " ".join(filter(None, (f"{c['check']} {c['subject']}: {c['said']}", c["todo"]))) for c in failed
        ]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return "; ".join(told)[:_TOLD_CHARS]


def _shown(ran: Ran) -> str:
    return ran.last_lines().rstrip(".") or "it said nothing"


async def _keep_end(stream: asyncio.StreamReader, kept: bytearray) -> None:
    while chunk := await stream.read(2**14):
        kept += chunk
        del kept[:-MAX_KEPT_BYTES]
