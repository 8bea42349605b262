"""What every release store promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest

from assay.errors import ReleaseError, ReleaseNotFound, StoreUnavailable
from assay.releases.manifest import MANIFEST, FileEntry
from assay.releases.open import open_store
from assay.releases.root import Root
from assay.releases.store import ReleaseStore
from assay.releases.transfer import fetch, publish
from assay.releases.tree import entry_of, plain_files
from releases.small_release import small_release
from servers.file_server import file_server
from servers.redis import free_port
from servers.s3 import CREDENTIALS, s3_server

LIMIT_S = 5.0


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3")) as (url, _):
        yield url


class Case:
    """`store`: what is tested. `writable`: where its contents are put. `damage`: overwrite a key."""

    def __init__(
        self, store: ReleaseStore, writable: ReleaseStore, damage: Callable[[str, bytes | None], None]
    ) -> None:
        self.store, self.writable, self.damage = store, writable, damage


@pytest.fixture(params=["folder", "http", "s3", "s3 with a prefix"])
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    if request.param.startswith("s3"):
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        endpoint = request.getfixturevalue("s3")
        yield _s3_case(endpoint, "releases/here" if "prefix" in request.param else "")
        return
    folder = tmp_path / "store"
    folder.mkdir()
    writable = open_store(str(folder), LIMIT_S)

    def damage(key: str, content: bytes | None) -> None:
        (folder / key).unlink() if content is None else (folder / key).write_bytes(content)

    if request.param == "folder":
        yield Case(writable, writable, damage)
    else:
        with file_server(folder, tmp_path) as (url, _):
            yield Case(open_store(url, LIMIT_S), writable, damage)


def _s3_case(endpoint: str, prefix: str) -> Case:
    client = boto3.client("s3", endpoint_url=endpoint)
    bucket = f"assay-{free_port()}"
    client.create_bucket(Bucket=bucket)
    store = open_store(f"s3://{bucket}/{prefix}", LIMIT_S, endpoint)

    def damage(key: str, content: bytes | None) -> None:
        place = f"{prefix}/{key}" if prefix else key
        if content is None:
            client.delete_object(Bucket=bucket, Key=place)
        else:
            client.put_object(Bucket=bucket, Key=place, Body=content)

    return Case(store, store, damage)


def _put(case: Case, tmp_path: Path, content: bytes, key: str = "objects/a") -> FileEntry:
    file = tmp_path / "content"
    file.write_bytes(content)
    entry = entry_of(file)
    case.writable.put(key, file, entry)
    return entry


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 1_000_000])
def test_what_is_put_is_read(case: Case, tmp_path: Path, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    _put(case, tmp_path, content)
    assert b"".join(case.store.read("objects/a")) == content


def test_putting_again_does_no_harm_and_heals(case: Case, tmp_path: Path) -> None:
    entry = _put(case, tmp_path, b"content")
    assert case.writable.holds("objects/a", entry)
    _put(case, tmp_path, b"content")
    case.damage("objects/a", b"con")
    assert not case.writable.holds("objects/a", entry)
    _put(case, tmp_path, b"content")
    assert b"".join(case.store.read("objects/a")) == b"content"


def test_what_is_missing_is_told(case: Case, tmp_path: Path) -> None:
    _put(case, tmp_path, b"content")
    with pytest.raises(ReleaseNotFound, match=r"has no objects/b"):
        next(case.store.read("objects/b"))
    entry = FileEntry(sha256="0" * 64, size_bytes=1)
    assert not case.writable.holds("objects/b", entry)


def test_reading_can_stop_early(case: Case, tmp_path: Path) -> None:
    _put(case, tmp_path, bytes(1_000_000))
    with closing(case.store.read("objects/a")) as chunks:
        assert next(chunks) == bytes(65536)


def test_a_release_arrives_whole(case: Case, small: Path, root: Root) -> None:
    assert publish(small, case.writable) == small.name
    assert fetch(root, small.name, case.store)
    arrived = root.release(small.name)
    names = set(plain_files(small))
    assert set(plain_files(arrived)) == names
    assert all((arrived / name).read_bytes() == (small / name).read_bytes() for name in names)
    assert not fetch(root, small.name, case.store)


def test_releases_are_listed_where_that_is_possible(case: Case, small: Path, tmp_path: Path) -> None:
    other = small_release(tmp_path, "other")
    for release in (small, other):
        publish(release, case.writable)
    assert case.writable.ids() == tuple(sorted([small.name, other.name]))


def test_a_release_that_was_never_published_is_told(
    case: Case, small: Path, root: Root, tmp_path: Path
) -> None:
    publish(small_release(tmp_path, "other"), case.writable)
    with pytest.raises(ReleaseNotFound, match=r"was small-\w+ published there.*up to date"):
        fetch(root, small.name, case.store)
    assert _left(root) == []


def test_a_stale_manifest_is_refused(case: Case, small: Path, root: Root, tmp_path: Path) -> None:
    """A mirror that gives what it once had under another name."""
    publish(small, case.writable)
    older = small_release(tmp_path, "small", ballast=b"older")
    case.damage(f"releases/{small.name}.json", (older / MANIFEST).read_bytes())
    with pytest.raises(ReleaseError, match=r"not to be trusted.*another release's"):
        fetch(root, small.name, case.store)
    assert _left(root) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content[:-3], "was cut short"),
        (lambda content: content + b"more", "is longer than"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "its digest does not fit"),
        (lambda content: b"", "was cut short"),
        (lambda content: None, "the store is incomplete"),
    ],
    ids=["truncated", "longer", "altered", "empty", "missing"],
)
def test_every_object_is_proved(
    case: Case, small: Path, root: Root, change: Callable[[bytes], bytes | None], told: str
) -> None:
    publish(small, case.writable)
    wheel = next((small / "wheel").iterdir())
    case.damage(f"objects/{entry_of(wheel).sha256}", change(wheel.read_bytes()))
    with pytest.raises(
        ReleaseError, match=rf"(wheel/assay.* from the release store |which is wheel/assay).*{told}"
    ):
        fetch(root, small.name, case.store)
    assert _left(root) == []


def test_a_damaged_release_is_not_published(case: Case, small: Path) -> None:
    (small / "configuration.toml").write_text("# changed\n")
    with pytest.raises(ReleaseError, match=r"configuration\.toml"):
        publish(small, case.writable)
    with pytest.raises(ReleaseNotFound):
        next(case.writable.read(f"releases/{small.name}.json"))


def test_publishing_is_resumed(case: Case, small: Path, root: Root) -> None:
    publish(small, case.writable)
    case.damage(f"releases/{small.name}.json", None)
    wheel = next((small / "wheel").iterdir())
    case.damage(f"objects/{entry_of(wheel).sha256}", None)
    publish(small, case.writable)
    assert fetch(root, small.name, case.store)


def _left(root: Root) -> list[str]:
    return [path.name for path in root.releases.iterdir()] if root.releases.exists() else []


def test_a_folder_that_is_not_mounted_is_told(tmp_path: Path, small: Path, root: Root) -> None:
    store = open_store(str(tmp_path / "nowhere"), LIMIT_S)
    with pytest.raises(StoreUnavailable, match="is it mounted"):
        fetch(root, small.name, store)
    with pytest.raises(StoreUnavailable, match="is it mounted"):
        store.ids()
