"""A release store in a folder: local, or on a file system that machines share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from assay.durable import sync_folder
from assay.errors import ReleaseNotFound
from assay.releases.manifest import FileEntry, is_id
from assay.releases.store import CHUNK_BYTES
from assay.releases.store_failures import away, broken_off
from assay.releases.tree import entry_of


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A `ReleaseStore`. A static file server over this folder is one, too, for `HttpStore`."""

    folder: Path

    @property
    def address(self) -> str:
        return str(self.folder)

    def read(self, key: str) -> Generator[bytes, None, None]:
        try:
            with (self.folder / key).open("rb") as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError:
            if not self.folder.is_dir():
                raise away(self.address, "there is no such folder; is it mounted?") from None
            raise ReleaseNotFound(f"the release store {self.folder} has no {key}") from None
        except OSError as error:
            raise broken_off(self.address, key, error.strerror or repr(error)) from error

    def put(self, key: str, file: Path, entry: FileEntry) -> None:
        if self.holds(key, entry):
            return
        target = self.folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=".part-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as sink, file.open("rb") as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    sink.write(chunk)
                sink.flush()
                os.fsync(sink.fileno())
            Path(part).chmod(0o644)
            Path(part).replace(target)
            sync_folder(target.parent)
        finally:
            Path(part).unlink(missing_ok=True)

    def holds(self, key: str, entry: FileEntry) -> bool:
        try:
            return entry_of(self.folder / key) == entry
        except FileNotFoundError:
            return False
        except OSError as error:
            raise broken_off(self.address, key, error.strerror or repr(error)) from error

    def ids(self) -> tuple[str, ...]:
        if not self.folder.is_dir():
            raise away(self.address, "there is no such folder; is it mounted?")
        found = (path.name.removesuffix(".json") for path in (self.folder / "releases").glob("*.json"))
        return tuple(sorted(name for name in found if is_id(name)))
