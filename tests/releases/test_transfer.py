"""A release on its way: killed, resumed, borrowed from what is here. What all stores promise is in
test_store."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assay.errors import ReleaseError, ReleaseNotFound
from assay.releases.folder_store import FolderStore
from assay.releases.http_store import HttpStore
from assay.releases.install import folder_faults
from assay.releases.manifest import MAX_MANIFEST_BYTES, FileEntry
from assay.releases.remove import remove
from assay.releases.root import Root, read_manifest
from assay.releases.transfer import fetch, publish
from releases.small_release import small_release
from servers.faulty_http import faulty_server, head
from servers.file_server import file_server
from servers.processes import Process

FETCH = """
import sys
from pathlib import Path
from assay.releases.http_store import HttpStore
from assay.releases.root import Root, read_manifest
from assay.releases.transfer import fetch
fetch(Root(Path(sys.argv[1])), sys.argv[2], HttpStore(sys.argv[3], 60))
"""


@dataclass(frozen=True)
class Counting(FolderStore):
    """Tells which keys were read."""

    keys: list[str] = field(default_factory=list)

    def read(self, key: str) -> Generator[bytes, None, None]:
        self.keys.append(key)
        yield from FolderStore.read(self, key)


@pytest.fixture
def published(tmp_path: Path, small: Path) -> Path:
    """A folder store that has the small release."""
    folder = tmp_path / "store"
    publish(small, FolderStore(folder))
    return folder


def test_killed_in_mid_fetch_it_is_not_here_and_then_resumed(
    root: Root, small: Path, published: Path, tmp_path: Path
) -> None:
    """A mirror that gives three objects and then hangs; -9; then a mirror that works."""
    served: list[str] = []

    def hangs_after_three(connection: socket.socket, ended: threading.Event) -> None:
        if len(served) >= 4:  # the manifest and three objects
            ended.wait()
            return
        key = wanted[len(served)]
        served.append(key)
        content = (published / key).read_bytes()
        connection.sendall(head("200 OK", len(content)) + content)

    manifest = read_manifest(small)
    wanted = [f"releases/{small.name}.json", *(f"objects/{e.sha256}" for e in manifest.files.values())]
    part = root.releases / f".{small.name}.part"
    with faulty_server(hangs_after_three) as url:
        process = Process(
            "fetch", [sys.executable, "-c", FETCH, str(root.path), small.name, url], tmp_path, {}
        )
        process.start()
        try:
            process.until(lambda: len(served) == 4 and len(arrived(part)) == 3, 30)
        finally:
            process.end()
    assert not root.has(small.name)
    assert root.ids() == ()
    store = Counting(published)
    assert fetch(root, small.name, store)
    assert folder_faults(root.release(small.name), manifest) == []
    assert set(store.keys) == {wanted[0], *wanted[4:]}
    assert not part.exists()


def arrived(part: Path) -> list[Path]:
    return [path for path in part.rglob("*") if path.is_file() and not path.name.startswith(".")]


def test_what_a_kill_left_is_proved_before_it_is_used(root: Root, small: Path, published: Path) -> None:
    part = root.releases / f".{small.name}.part"
    part.mkdir(parents=True)
    (part / "golden.jsonl").write_bytes(b"y")
    (part / ".golden.jsonl.part").write_bytes(b"half")
    (part / "foreign").write_bytes(b"?")
    assert fetch(root, small.name, FolderStore(published))
    assert (root.release(small.name) / "golden.jsonl").read_bytes() == b"x"
    assert not (root.release(small.name) / "foreign").exists()


def test_files_of_other_releases_here_are_not_fetched_again(
    root: Root, small: Path, published: Path, tmp_path: Path
) -> None:
    """A hot fix brings its wheel, not its models."""
    fetch(root, small.name, FolderStore(published))
    fixed = small_release(tmp_path, "fixed", code="print('fixed')")
    publish(fixed, FolderStore(published))
    store = Counting(published)
    assert fetch(root, fixed.name, store)
    wheel = read_manifest(fixed).code.sha256
    configuration = read_manifest(fixed).files["configuration.toml"].sha256
    assert set(store.keys) == {
        f"releases/{fixed.name}.json",
        f"objects/{wheel}",
        f"objects/{configuration}",
    }


@pytest.mark.parametrize("name", ["requirements.txt", "release.json"])
def test_damaged_files_of_other_releases_are_not_borrowed(
    root: Root, small: Path, published: Path, tmp_path: Path, name: str
) -> None:
    fetch(root, small.name, FolderStore(published))
    (root.release(small.name) / name).write_bytes(b"altered")
    fixed = small_release(tmp_path, "fixed", code="print('fixed')")
    publish(fixed, FolderStore(published))
    assert fetch(root, fixed.name, FolderStore(published))
    assert folder_faults(root.release(fixed.name), root.manifest(fixed.name)) == []


def test_a_damaged_copy_here_is_told_and_not_used(root: Root, small: Path, published: Path) -> None:
    fetch(root, small.name, FolderStore(published))
    (root.release(small.name) / "golden.jsonl").write_bytes(b"z")
    with pytest.raises(ReleaseError, match=r"golden\.jsonl was altered"):
        fetch(root, small.name, FolderStore(published))


def test_a_folder_without_a_manifest_is_told_before_anything_is_fetched(
    root: Root, small: Path, published: Path
) -> None:
    """As a copy of a root that was broken off leaves it."""
    (root.release(small.name) / "bundles").mkdir(parents=True)
    store = Counting(published)
    with pytest.raises(ReleaseError, match=rf"{small.name} has no release\.json: .*release remove"):
        fetch(root, small.name, store)
    assert store.keys == []
    remove(root, small.name)
    assert fetch(root, small.name, store)


def test_all_is_proved_once_more_and_on_disk_before_it_has_its_name(
    root: Root, small: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True)
    class Losing(FolderStore):
        """While other files come, the disk loses one that had come."""

        def read(self, key: str) -> Generator[bytes, None, None]:
            for lost in root.releases.glob(".*/golden.jsonl"):
                lost.write_bytes(b"z")
            yield from FolderStore.read(self, key)

    with pytest.raises(ReleaseError, match=r"golden\.jsonl was altered"):
        fetch(root, small.name, Losing(published))
    assert root.ids() == ()
    named_then: list[bool] = []
    monkeypatch.setattr("os.sync", lambda: named_then.append(root.has(small.name)))
    assert fetch(root, small.name, FolderStore(published))
    assert named_then == [False]


class Forgetful(FolderStore):
    """A store that says it has written manifests, and has not."""

    def put(self, key: str, file: Path, entry: FileEntry) -> None:
        if not key.startswith("releases/"):
            FolderStore.put(self, key, file, entry)


def test_what_cannot_be_read_again_was_not_published(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseNotFound, match=small.name):
        publish(small, Forgetful(tmp_path / "store"))


class Endless(FolderStore):
    """A server that answers every question with a page without end."""

    def read(self, key: str) -> Generator[bytes, None, None]:
        for _ in range(MAX_MANIFEST_BYTES // 2**20 + 1):
            yield b" " * 2**20
        raise AssertionError(f"{key} is read on and on")


def test_a_manifest_without_end_is_given_up(root: Root, small: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"not to be trusted.*has more than"):
        fetch(root, small.name, Endless(tmp_path))


def test_two_at_once_fetch_it_once(root: Root, small: Path, published: Path, tmp_path: Path) -> None:
    with file_server(published, tmp_path) as (url, server):
        processes = [
            Process(
                f"fetch-{n}", [sys.executable, "-c", FETCH, str(root.path), small.name, url], tmp_path, {}
            )
            for n in range(2)
        ]
        for process in processes:
            process.start()
        assert [process.wait() for process in processes] == [0, 0]
        asked = [line for line in server.text().splitlines() if "GET /objects" in line]
    assert len(asked) == len({entry.sha256 for entry in read_manifest(small).files.values()})
    assert fetch(root, small.name, HttpStore("http://127.0.0.1:1", 1)) is False
