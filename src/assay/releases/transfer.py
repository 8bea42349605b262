"""Releases on their way: from a folder into a store, and from a store onto this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from assay.durable import sync_folder
from assay.errors import ReleaseError, ReleaseNotFound
from assay.releases.install import check, folder_faults
from assay.releases.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    FileEntry,
    ReleaseManifest,
    parse_manifest,
)
from assay.releases.progress import Report
from assay.releases.root import Root, read_manifest
from assay.releases.store import ReleaseStore, manifest_key, object_key
from assay.releases.tree import discard, entry_of, plain_files


def publish(folder: Path, store: ReleaseStore, report: Report = lambda *_: None) -> str:
    """Put the release in `folder` into the store; its id. Objects first, so that whoever finds the manifest
    finds all.

    Raises `ReleaseError` when the folder is not whole, and what the store raises.
    """
    manifest = read_manifest(folder)
    check(folder_faults(folder, manifest), manifest.id)
    for done, (path, entry) in enumerate(manifest.files.items()):
        report(done, len(manifest.files), f"publishing: {path}")
        store.put(object_key(entry), folder / path, entry)
    key = manifest_key(manifest.id)
    store.put(key, folder / MANIFEST, entry_of(folder / MANIFEST))
    fetch_manifest(store, manifest.id)  # what was written can be read, and is the same
    return manifest.id


def fetch(root: Root, release_id: str, store: ReleaseStore, report: Report = lambda *_: None) -> bool:
    """Bring the release onto this machine, proved byte for byte. False: it was there, whole.

    Files that other releases here have already are copied. After a kill it goes on with what had come; after
    an error nothing is left. Raises `ReleaseNotFound`, `ReleaseError`, and what the store raises.
    """
    with root.lock(f"release-{release_id}"):
        target = root.release(release_id)
        if root.has(release_id):
            check(folder_faults(target, root.manifest(release_id)), release_id)
            return False
        if target.exists():
            raise ReleaseError(
                f"{target} has no {MANIFEST}: a copy was broken off, or it was damaged; assay release remove "
                f"{release_id}"
            )
        part = root.releases / f".{release_id}.part"
        try:
            manifest = fetch_manifest(store, release_id)
            _fill(part, manifest, _here(root), store, report)
            (part / MANIFEST).write_bytes(manifest.to_bytes())
            check(folder_faults(part, manifest), release_id)
            os.sync()
            part.rename(target)
            sync_folder(root.releases)
        except Exception:
            discard(part)
            raise
        return True


def fetch_manifest(store: ReleaseStore, release_id: str) -> ReleaseManifest:
    """A release's manifest alone, proved against its id. Raises `ReleaseNotFound`, `ReleaseError`, and what
    the store raises."""
    raw = b""
    try:
        with closing(store.read(manifest_key(release_id))) as chunks:
            for chunk in chunks:
                raw += chunk
                if len(raw) > MAX_MANIFEST_BYTES:
                    break
    except ReleaseNotFound as error:
        raise ReleaseNotFound(
            f"{error}: was {release_id} published there, and if this is a mirror, is it up to date?"
        ) from None
    try:
        return parse_manifest(raw, release_id)
    except ReleaseError as error:
        raise ReleaseError(
            f"the release store {store.address} is not to be trusted with {release_id}: {error}"
        ) from None


def _fill(
    part: Path, manifest: ReleaseManifest, here: dict[str, Path], store: ReleaseStore, report: Report
) -> None:
    part.mkdir(parents=True, exist_ok=True)
    for name in set(plain_files(part)) - set(manifest.files):
        (part / name).unlink()  # begun when the process before was killed
    for done, (path, entry) in enumerate(manifest.files.items()):
        report(done, len(manifest.files), f"fetching: {path}")
        target = part / path
        if target.is_file() and entry_of(target) == entry:
            continue  # it had come before a kill
        target.parent.mkdir(parents=True, exist_ok=True)
        if not _copied(here.get(entry.sha256), target, entry):
            _download(store, path, target, entry)


def _here(root: Root) -> dict[str, Path]:
    """Files of whole releases on this machine, by digest."""
    found: dict[str, Path] = {}
    for release_id in root.ids():
        try:
            files = root.manifest(release_id).files
        except ReleaseError:
            continue  # a damaged release lends nothing
        found.update({entry.sha256: root.release(release_id) / path for path, entry in files.items()})
    return found


def _copied(source: Path | None, target: Path, entry: FileEntry) -> bool:
    """Copied and proved; False: there is none, or it is not what its release says."""
    if source is None:
        return False
    try:
        shutil.copyfile(source, target)
        return entry_of(target) == entry
    except OSError:
        return False


def _download(store: ReleaseStore, path: str, target: Path, entry: FileEntry) -> None:
    temporary = target.with_name(f".{target.name}.part")
    try:
        with closing(store.read(object_key(entry))) as chunks, temporary.open("wb") as sink:
            _prove_while_writing(chunks, sink, path, entry, store.address)
    except ReleaseNotFound as error:
        raise ReleaseNotFound(
            f"{error}, which is {path}: the store is incomplete; publish the release again, or use another "
            "store"
        ) from None
    temporary.replace(target)


def _prove_while_writing(
    chunks: Iterator[bytes], sink: BinaryIO, path: str, entry: FileEntry, address: str
) -> None:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > entry.size_bytes:
            raise _refused(path, f"is longer than its {entry.size_bytes} bytes: it was altered", address)
        digest.update(chunk)
        sink.write(chunk)
    if size < entry.size_bytes:
        raise _refused(path, f"ends after {size} of {entry.size_bytes} bytes: it was cut short", address)
    if digest.hexdigest() != entry.sha256:
        raise _refused(path, "was altered (its digest does not fit)", address)


def _refused(path: str, fault: str, address: str) -> ReleaseError:
    return ReleaseError(
        f"{path} from the release store {address} {fault}; publish the release again, or use another"
    )
