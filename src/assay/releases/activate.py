"""Puts a release into a slot of this machine, from wherever it is to answering requests."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from assay.errors import ConfigurationError, ReleaseError
from assay.releases.install import install
from assay.releases.launcher import run_release
from assay.releases.processes import Processes, processes
from assay.releases.progress import Report
from assay.releases.root import Root
from assay.releases.slots import check_slot, needs_restart, point, pointed, restarted
from assay.releases.store import ReleaseStore
from assay.releases.supervisor import SupervisorAddress
from assay.releases.transfer import fetch

RELEASE_HEADER: Final = "X-Assay-Release"
_PORTS: Final = {"http": 80, "https": 443}
_ANSWER_LIMIT_S: Final = 5.0
_LOOK_AGAIN_S: Final = 0.1
_PIECE: Final = 4096


@dataclass(frozen=True, slots=True)
class Activation:
    """What is wanted. `open_store`: called when the release is not on this machine; None: it must be.
    `supervisor`: who restarts the slot's processes (`processes`); None: nobody. `wait_urls`: addresses of web
    processes that must then answer with this release. `timeout_s`: for all of it."""

    release: str
    slot: str
    open_store: Callable[[], ReleaseStore] | None = None
    supervisor: SupervisorAddress | None = None
    wait_urls: Sequence[str] = ()
    timeout_s: float = 300.0


def activate(wanted: Activation, root: Root, report: Report = lambda *_: None) -> list[str]:
    """Fetch, prove, install, point, restart, wait; what was done, a sentence each; empty: all was so already.

    Can be killed and run again at any moment: each step is skipped when it is done. Raises `ReleaseError`,
    `ReleaseNotFound`, `StoreUnavailable` or `ConfigurationError`; before the pointer moves nothing that runs
    is touched.
    """
    until_s = time.monotonic() + wanted.timeout_s
    check_slot(wanted.slot)
    for url in wanted.wait_urls:
        _address(url)
    with ExitStack() as stack:
        supervisor = processes(wanted.supervisor)
        if supervisor is not None:
            stack.callback(supervisor.close)
        stack.enter_context(root.lock(f"activation-{wanted.slot}", wanted.timeout_s))
        with root.lock(f"slot-{wanted.slot}", max(0.0, until_s - time.monotonic())):
            done = _ready(wanted, root, report)
            done += _moved(wanted, root, supervisor, until_s, report)
            started = {} if supervisor is None else supervisor.started(wanted.slot)

        def look() -> None:
            if supervisor is not None:
                supervisor.check_lives(wanted.slot, started)

        for url in wanted.wait_urls:
            report(0, 0, f"waiting: {url}")
            wait_for_release(url, wanted.release, until_s, look)
        return done


def stop(slot: str, supervisor: Processes, timeout_s: float, root: Root | None = None) -> list[str]:
    """End the slot's processes; names of those that ran. `timeout_s`: for all of it.

    `root`: of the releases, when an activation may be at work on the slot, such as one whose controller was
    ended: it is waited for, since it would start them again; not while it only waits for answers, which it
    gives up then. Raises `ReleaseError` when that takes too long.
    """
    until_s = time.monotonic() + timeout_s
    with nullcontext() if root is None else root.lock(f"slot-{check_slot(slot)}", timeout_s):
        return supervisor.stop(check_slot(slot), max(0.0, until_s - time.monotonic()))


def _moved(
    wanted: Activation, root: Root, supervisor: Processes | None, until_s: float, report: Report
) -> list[str]:
    """The slot points to the release, and its processes run and were started after that."""
    done = []
    if supervisor is not None:
        supervisor.check_group(wanted.slot)
        if time.monotonic() > until_s:  # processes would be stopped, and not be started again
            raise ReleaseError(
                f"{wanted.release} is ready here, but all of {wanted.timeout_s:g} s were gone before the "
                "pointer moved: run it again, or with more --timeout"
            )
    before = pointed(root, wanted.slot)
    if point(root, wanted.slot, wanted.release):
        done.append(f"pointed {wanted.slot} to {wanted.release} (before: {before or 'nothing'})")
    if supervisor is not None and needs_restart(root, wanted.slot):
        report(0, 0, "restarting")
        names = supervisor.restart(wanted.slot, max(0.0, until_s - time.monotonic()))
        restarted(root, wanted.slot)
        done.append(f"restarted {', '.join(names)}")
    elif supervisor is not None:  # stopped since, as by a rollback
        report(0, 0, "starting what does not run")
        if names := supervisor.start_ended(wanted.slot, max(0.0, until_s - time.monotonic())):
            done.append(f"started {', '.join(names)}")
    return done


def wait_for_release(url: str, release: str, until_s: float, look: Callable[[], None] = lambda: None) -> None:
    """Return when ``/livez`` of the web process at `url` answers 200 and names this release.

    `until_s`: on `time.monotonic`'s clock. `look`: called between two tries; raises when it is in vain.
    Raises `ReleaseError` telling what it answered last.
    """
    while (seen := _seen(url)) != ("", release):
        look()
        if time.monotonic() > until_s:
            fault, found = seen
            told = fault or f"is of the release {found or '(it names none)'}"
            raise ReleaseError(f"{url} does not answer as {release} in time; at last it {told}")
        time.sleep(_LOOK_AGAIN_S)


def _ready(wanted: Activation, root: Root, report: Report) -> list[str]:
    """The release is on this machine, whole and installed, and reads the configuration that it gets here."""
    done = []
    if not root.has(wanted.release):
        if wanted.open_store is None:
            raise ConfigurationError(
                f"the release {wanted.release} is not on this machine: give --store, or set releases.store"
            )
        store = wanted.open_store()
        if fetch(root, wanted.release, store, report):
            done.append(f"fetched {wanted.release} from {store.address}")
    report(0, 0, "installing")
    if install(root, wanted.release):
        done.append(f"installed {wanted.release}")
    report(0, 0, "checking the configuration")
    run_release(root.release(wanted.release), ["config", "check"])
    return done


def _seen(url: str) -> tuple[str, str]:
    """What is wrong with the answer (empty: nothing), and the release that it names."""
    scheme, host, port, path = _address(url)
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=_ANSWER_LIMIT_S)
    try:
        connection.request("GET", f"{path}/livez")
        answer = connection.getresponse()
        answer.read(_PIECE)
        fault = "" if answer.status == 200 else f"answered {answer.status}"
        return fault, answer.getheader(RELEASE_HEADER, "")
    except (OSError, http.client.HTTPException) as error:
        return f"did not answer ({error})", ""
    finally:
        connection.close()


def _address(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and the path before ours. Raises `ConfigurationError`."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        port, parts, host = None, urlsplit(""), ""
    if parts.scheme not in _PORTS or not host or url.split() != [url]:
        raise ConfigurationError(f"{url!r:.120} is no address of a web process: write http://host:port")
    return parts.scheme, host, port or _PORTS[parts.scheme], parts.path.rstrip("/")
