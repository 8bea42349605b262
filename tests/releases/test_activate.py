"""From a store to answering requests, with a real supervisor and real processes; killed and resumed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ConfigurationError, ReleaseError
from assay.releases import slots
from assay.releases.activate import Activation, activate, stop, wait_for_release
from assay.releases.folder_store import FolderStore
from assay.releases.install import install
from assay.releases.root import Root
from assay.releases.supervisor import Supervisor, SupervisorAddress
from assay.releases.transfer import publish
from assay.releases.tree import discard
from releases.small_release import SAYS_WHO_IT_IS, small_release
from servers.faulty_http import content, faulty_server, silent
from servers.processes import Process
from servers.redis import free_port
from servers.supervisord import supervisord


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def first(tmp_path: Path, store: FolderStore) -> str:
    return publish(small_release(tmp_path, "first"), store)


@pytest.fixture
def second(tmp_path: Path, store: FolderStore) -> str:
    return publish(small_release(tmp_path, "second"), store)


class Node:
    """A machine with a supervisor that runs two web processes in the slot blue."""

    def __init__(
        self, root: Root, supervisor: SupervisorAddress, ports: tuple[int, int], store: FolderStore
    ) -> None:
        self.root, self.supervisor, self.store = root, supervisor, store
        self.urls = tuple(f"http://127.0.0.1:{port}" for port in ports)

    def activation(self, release: str, timeout_s: float = 30) -> Activation:
        return Activation(release, "blue", lambda: self.store, self.supervisor, self.urls, timeout_s)

    def activate(self, release: str) -> list[str]:
        return activate(self.activation(release), self.root)


@pytest.fixture
def node(root: Root, store: FolderStore) -> Iterator[Node]:
    ports = (free_port(), free_port())
    launcher = str(root.slots / "blue" / "bin" / "assay")
    programs = {f"web-{n}": [launcher, "web", str(port)] for n, port in enumerate(ports)}
    # a socket's path may have 107 bytes, so pytest's folders are too deep
    with (
        tempfile.TemporaryDirectory(prefix="assay-") as short,
        supervisord(Path(short), "blue", programs) as (url, _),
    ):
        yield Node(root, url, ports, store)


def test_from_the_store_to_answering(node: Node, first: str, second: str) -> None:
    done = node.activate(first)
    assert [sentence.split()[0] for sentence in done] == ["fetched", "installed", "pointed", "restarted"]
    assert slots.slots(node.root) == {"blue": first}
    for url in node.urls:
        wait_for_release(url, first, time.monotonic() + 1)
    done = node.activate(second)
    assert f"pointed blue to {second} (before: {first})" in done
    for url in node.urls:
        wait_for_release(url, second, time.monotonic() + 1)


def test_when_the_time_is_up_before_the_pointer_moves_what_runs_goes_on(
    node: Node, first: str, second: str
) -> None:
    """As after a slow store: with no time left, processes would be stopped and not be started again."""
    node.activate(first)
    with closing(Supervisor(node.supervisor)) as supervisor:
        before = supervisor.pids("blue")
        with pytest.raises(ReleaseError, match="is ready here, but all of 0 s were gone"):
            activate(node.activation(second, timeout_s=0), node.root)
        assert supervisor.pids("blue") == before
    assert slots.pointed(node.root, "blue") == first
    assert not slots.needs_restart(node.root, "blue")
    assert [sentence.split()[0] for sentence in node.activate(second)] == ["pointed", "restarted"]


@pytest.mark.parametrize("killed", [False, True])
def test_what_was_put_there_anew_is_what_runs(node: Node, first: str, killed: bool) -> None:
    """Somebody took a damaged release away by hand, from under the slot: its processes run what it was."""
    node.activate(first)
    with closing(Supervisor(node.supervisor)) as supervisor:
        before = supervisor.pids("blue")
        discard(node.root.release(first))
        if killed:  # after the installation

            def vanish(*_: object) -> None:
                raise KeyboardInterrupt

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("assay.releases.activate.run_release", vanish)
                with pytest.raises(KeyboardInterrupt):
                    node.activate(first)
        done = node.activate(first)
        assert done[-1] == "restarted web-0, web-1"
        assert set(supervisor.pids("blue").values()).isdisjoint(before.values())
    assert node.activate(first) == []


@pytest.fixture
def upgraded(node: Node, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The first release in its slot, with an interpreter whose packages another took away since."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    with monkeypatch.context() as patch:
        bare = tmp_path / "bare" / "bin" / "python"
        patch.setattr("assay.releases.environment.ensure", lambda *_: bare)
        node.activate(first)
    return first


def test_a_replaced_interpreter_is_what_runs(node: Node, upgraded: str) -> None:
    """Packages that another upgraded under the release are loaded half, and half to be."""
    assert [sentence.split()[0] for sentence in node.activate(upgraded)] == ["installed", "restarted"]
    assert node.activate(upgraded) == []


def test_a_replaced_interpreter_is_what_runs_also_when_it_was_replaced_before(
    node: Node, upgraded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an activation that was refused then, as for what stands in the machine's own settings."""

    def refuses(*_: object) -> None:
        raise ReleaseError("unknown setting")

    with monkeypatch.context() as patch:
        patch.setattr("assay.releases.activate.run_release", refuses)
        with pytest.raises(ReleaseError, match="unknown setting"):
            node.activate(upgraded)
    assert [sentence.split()[0] for sentence in node.activate(upgraded)] == ["restarted"]


def test_again_is_nothing_to_do(node: Node, first: str) -> None:
    node.activate(first)
    with closing(Supervisor(node.supervisor)) as supervisor:
        before = supervisor.pids("blue")
        assert node.activate(first) == []
        assert supervisor.pids("blue") == before
    assert len(set(before.values())) == 2


def test_a_slot_that_was_stopped_runs_again(node: Node, first: str) -> None:
    """As after a rollback, which ends the candidate's processes and leaves the pointer."""
    node.activate(first)
    with closing(Supervisor(node.supervisor)) as supervisor:
        assert supervisor.stop("blue", 30.0) == ["web-0", "web-1"]
        assert set(supervisor.states("blue").values()) == {"STOPPED"}
        assert supervisor.stop("blue", 30.0) == []
    assert node.activate(first) == ["started web-0, web-1"]
    for url in node.urls:
        wait_for_release(url, first, time.monotonic() + 1)


def test_back_to_the_release_before_needs_no_store(node: Node, first: str, second: str) -> None:
    node.activate(first)
    node.activate(second)
    done = activate(Activation(first, "blue", None, node.supervisor, node.urls, 30), node.root)
    assert [sentence.split()[0] for sentence in done] == ["pointed", "restarted"]


def test_after_a_kill_between_pointer_and_restart_it_restarts(node: Node, first: str, second: str) -> None:
    node.activate(first)
    activate(Activation(second, "blue", lambda: node.store), node.root)  # as far as a killed one came
    with pytest.raises(ReleaseError, match=f"is of the release {first}"):
        wait_for_release(node.urls[0], second, time.monotonic())
    done = node.activate(second)
    assert [sentence.split()[0] for sentence in done] == ["restarted"]


ACTIVATE = """
import sys
from pathlib import Path
from assay.releases.activate import Activation, activate
from assay.releases.folder_store import FolderStore
from assay.releases.root import Root
from assay.releases.supervisor import SupervisorAddress
root, store, release, supervisor, *urls = sys.argv[1:]
at = SupervisorAddress(supervisor)
wanted = Activation(release, "blue", lambda: FolderStore(Path(store)), at, urls, 30)
activate(wanted, Root(Path(root)))
"""


@pytest.mark.parametrize("seen", ["locks", "releases/{}", "releases/{}/code", "slots/.blue.unrestarted"])
def test_killed_at_any_moment_it_is_finished_by_the_next(
    node: Node, first: str, second: str, seen: str, tmp_path: Path
) -> None:
    node.activate(first)
    trace = node.root.path / seen.format(second)
    arguments = [str(node.root.path), str(node.store.folder), second, node.supervisor.url, *node.urls]
    process = Process("activate", [sys.executable, "-c", ACTIVATE, *arguments], tmp_path, {})
    process.start()
    try:
        while process.is_running and not trace.exists():
            pass
    finally:
        process.end()
    assert slots.pointed(node.root, "blue") in (first, second)
    node.activate(second)
    for url in node.urls:
        wait_for_release(url, second, time.monotonic() + 1)
    assert node.activate(second) == []


def test_two_activations_of_a_slot_come_one_after_the_other(node: Node, first: str, second: str) -> None:
    faults: list[Exception] = []

    def one(release: str) -> None:
        try:
            activate(Activation(release, "blue", lambda: node.store, node.supervisor), node.root)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=one, args=(release,)) for release in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    pointed = slots.pointed(node.root, "blue")
    assert pointed in (first, second)
    for url in node.urls:
        wait_for_release(url, pointed, time.monotonic() + 5)


def test_another_activation_of_the_slot_is_waited_for(root: Root, store: FolderStore, first: str) -> None:
    with root.lock("slot-blue"), pytest.raises(ReleaseError, match="at work on slot-blue"):
        activate(Activation(first, "blue", lambda: store, timeout_s=0.1), root)
    assert not root.has(first)
    activate(Activation(first, "blue", lambda: store), root)


def test_a_slot_is_stopped_after_the_activation_that_is_at_work_on_it(root: Root) -> None:
    """A rollback in the middle of a deployment: the processes that it starts must not outlive the stop."""
    did: list[str] = []

    class Group:
        def stop(self, group: str, limit_s: float) -> list[str]:
            assert 0 < limit_s <= 60
            did.append(f"stopped {group}")
            return ["web-0"]

    group: Any = Group()
    with root.lock("slot-blue"):
        stopping = threading.Thread(target=stop, args=("blue", group, 60.0, root))
        stopping.start()
        with pytest.raises(ReleaseError, match="another process has been at work on slot-blue"):
            stop("blue", group, 0.0, root)
        assert stop("green", group, 60.0, root) == ["web-0"]
        did.append("activated")
    stopping.join(60)
    assert did == ["stopped green", "activated", "stopped blue"]
    assert stop("blue", group, 60.0) == ["web-0"]


def test_a_slot_is_stopped_while_an_activation_only_waits_for_answers(node: Node, first: str) -> None:
    """It starts nothing any more, and hears of it; the candidate's workers must not run on for its sake."""
    waits, faults = threading.Event(), list[str]()
    silent_url = f"http://127.0.0.1:{free_port()}"

    def report(_done: int, _total: int, what: str) -> None:
        if what == f"waiting: {silent_url}":
            waits.set()

    def wait_in_vain() -> None:
        wanted = Activation(first, "blue", lambda: node.store, node.supervisor, (silent_url,), 120)
        try:
            activate(wanted, node.root, report)
        except ReleaseError as error:
            faults.append(str(error))

    activating = threading.Thread(target=wait_in_vain)
    activating.start()
    assert waits.wait(60)
    with closing(Supervisor(node.supervisor)) as supervisor:
        with pytest.raises(ReleaseError, match="at work on activation-blue"):
            activate(node.activation(first, timeout_s=0.1), node.root)
        assert stop("blue", supervisor, 20.0, node.root) == ["web-0", "web-1"]
        activating.join(60)
        assert set(supervisor.states("blue").values()) == {"STOPPED"}
    assert ["ended after the start" in fault for fault in faults] == [True]


def test_code_that_does_not_start_is_told(node: Node, tmp_path: Path) -> None:
    broken = small_release(tmp_path, "broken", code="import sys\nsys.exit(3 * (sys.argv[1] == 'web'))")
    publish(broken, node.store)
    with pytest.raises(ReleaseError, match=r"blue did not start|ended after the start|does not answer"):
        activate(node.activation(broken.name), node.root)


def test_a_process_that_ends_later_is_told_with_its_last_words(node: Node, tmp_path: Path) -> None:
    """As one that finds, once its models are loaded, that its password is wrong; it is not waited for."""
    is_waited_for = tmp_path / "waited-for"
    dies = SAYS_WHO_IT_IS.replace(
        'if sys.argv[1] == "web":',
        'if sys.argv[1] == "web":\n'
        "    import pathlib, time\n"
        f"    while not pathlib.Path({str(is_waited_for)!r}).exists(): time.sleep(0.01)\n"
        '    sys.exit("Redis refuses our password")',
    )
    release = publish(small_release(tmp_path, "dies", dies), node.store)

    def report(_done: int, _total: int, what: str) -> None:
        if what.startswith("waiting: "):
            is_waited_for.touch()

    with pytest.raises(
        ReleaseError, match=r"blue:web-\d.* ended after the start: Redis refuses our password"
    ):
        activate(node.activation(release, timeout_s=60), node.root, report)


def test_a_configuration_that_the_release_cannot_read_keeps_the_pointer(
    node: Node, tmp_path: Path, first: str
) -> None:
    node.activate(first)
    picky = (
        SAYS_WHO_IT_IS
        + '\nif sys.argv[1] == "config":\n    sys.exit("assay: unknown setting queue.pace_s")\n'
    )
    release = publish(small_release(tmp_path, "picky", picky), node.store)
    with pytest.raises(ReleaseError, match=r"config check.* failed .*: unknown setting queue\.pace_s"):
        node.activate(release)
    assert slots.slots(node.root) == {"blue": first}


def test_the_wrong_release_is_never_taken_for_the_right_one(
    root: Root, store: FolderStore, first: str
) -> None:
    for answer, told in [
        (content(b"", "200 OK", None, "X-Assay-Release: other-000000000000"), "is of the release other"),
        (content(b""), "it names none"),
        (content(b"", "503 Busy", None, f"X-Assay-Release: {first}"), "answered 503"),
    ]:
        with faulty_server(answer) as url, pytest.raises(ReleaseError, match=told):
            activate(Activation(first, "blue", lambda: store, wait_urls=[url], timeout_s=0.5), root)


def test_a_process_that_hangs_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.releases.activate._ANSWER_LIMIT_S", 0.2)
    with faulty_server(silent) as url, pytest.raises(ReleaseError, match="timed out"):
        wait_for_release(url, "x-000000000000", time.monotonic() + 0.1)


def test_without_store_and_release_it_says_what_to_give(root: Root) -> None:
    with pytest.raises(ConfigurationError, match=r"--store"):
        activate(Activation("first-000000000000", "blue"), root)
    assert slots.slots(root) == {}


def test_without_the_supervisor_the_pointer_stays(
    root: Root, store: FolderStore, first: str, tmp_path: Path
) -> None:
    wanted = Activation(first, "blue", lambda: store, SupervisorAddress(f"unix://{tmp_path}/nobody.sock"))
    with pytest.raises(ConfigurationError, match="is it running"):
        activate(wanted, root)
    assert slots.slots(root) == {}


def test_a_slot_without_programs_is_told(node: Node, first: str) -> None:
    wanted = Activation(first, "green", lambda: node.store, node.supervisor)
    with pytest.raises(ConfigurationError, match=r"no group green.*\[group:green\]"):
        activate(wanted, node.root)
    assert slots.slots(node.root) == {}


@pytest.mark.parametrize("url", ["tcp://x", "unix://", "supervisor", "http://"])
def test_what_is_no_supervisor_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="unix:///path"):
        Supervisor(SupervisorAddress(url))


@pytest.mark.parametrize("slot", ["../releases/x", "Blue", ""])
def test_a_slot_that_cannot_be_is_told_before_anything_is_done(
    root: Root, store: FolderStore, first: str, slot: str
) -> None:
    with pytest.raises(ConfigurationError, match="no name for a slot"):
        activate(Activation(first, slot, lambda: store), root)
    assert not root.path.exists()


def test_a_damaged_release_is_not_put_into_a_slot(root: Root, store: FolderStore, first: str) -> None:
    activate(Activation(first, "blue", lambda: store), root)
    path = root.release(first) / "code" / "assay" / "cli.py"
    path.chmod(0o644)
    path.write_text(SAYS_WHO_IT_IS + "# patched in place\n")
    with pytest.raises(ReleaseError, match=r"code/assay/cli\.py"):
        activate(Activation(first, "green", lambda: store), root)
    assert slots.slots(root) == {"blue": first}
    with pytest.raises(ReleaseError, match="is damaged"):
        install(root, first)


@pytest.mark.parametrize(
    ("url", "port"), [("http://[::1]", 80), ("https://[::1]", 443), ("http://[::1]:9", 9)]
)
def test_an_address_of_ipv6_needs_no_port(monkeypatch: pytest.MonkeyPatch, url: str, port: int) -> None:
    asked: list[Any] = []

    def refuse(address: Any, *_: Any) -> None:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("socket.create_connection", refuse)
    with pytest.raises(ReleaseError, match="does not answer as x"):
        wait_for_release(url, "x", time.monotonic() - 1)
    assert asked == [("::1", port)]


@pytest.mark.parametrize(
    "url",
    [
        *(
            "127.0.0.1:8080",
            "http://",
            "http://127.0.0.1:x",
            "http://[::1",
            "ftp://a",
            "http://a b",
            "http://a/ b",
        ),
        *(f"http://{'a' * 64}.org", "http://a..b"),
    ],
)
def test_an_address_that_is_none_is_told_before_anything_is_done(
    root: Root, store: FolderStore, first: str, url: str
) -> None:
    wanted = Activation(first, "blue", lambda: store, wait_urls=["http://127.0.0.1:9", url], timeout_s=0.5)
    with pytest.raises(ConfigurationError, match="no address of a web process"):
        activate(wanted, root)
    assert not root.has(first)
    assert slots.pointed(root, "blue") is None
