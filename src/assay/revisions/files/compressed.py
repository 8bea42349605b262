"""Files opened as a stream of plain bytes, whatever packs them: .gz, .bz2, .xz, .lzma, .7z or nothing.

Nothing is unpacked to disk or held whole: py7zr can only *push* what it unpacks, so a .7z is
unpacked by a thread that waits whenever the reader is a few pieces behind.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import queue
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

import py7zr
from py7zr.io import Py7zIO, WriterFactory

from assay.errors import SourceError

PACKINGS = (".gz", ".bz2", ".xz", ".lzma", ".7z")

CHUNK_BYTES = 2**18
SIP_BYTES = 2**13
_START_BYTES = 512
_SIGNS = ((b"\x1f\x8b", ".gz"), (b"BZh", ".bz2"), (b"\xfd7zXZ\0", ".xz"), (b"7z\xbc\xaf\x27\x1c", ".7z"))
"""How packed files begin. The older .lzma has no sign of its own."""
_WEB_PAGE = (b"<!doctype html", b"<html")
_DAMAGE = (EOFError, OSError, lzma.LZMAError, zlib.error, py7zr.exceptions.ArchiveError, ValueError)


class Stream(Protocol):
    """Plain bytes of a packed file, and how far reading has come in the packed one."""

    def read(self, size: int, /) -> bytes: ...

    def packed_position(self) -> int:
        """Bytes of the file on disk read so far, for progress; may run a little ahead."""
        ...


@contextmanager
def open_stream(path: Path) -> Iterator[Stream]:
    """`path` unpacked by its suffix. Raises `SourceError` when it cannot be opened."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise SourceError(
            f"{path} cannot be opened ({error.strerror}): check the path and its permissions."
        ) from None
    with raw:
        check_start(raw.read(_START_BYTES), path)
        raw.seek(0)
        stream = _open(raw, path)
        try:
            yield stream
        finally:
            stream.close()


def check_start(start: bytes, path: Path) -> None:
    """Whether a file that begins with `start` is what its name says: a mistaken download looks like damage,
    but is mended otherwise. Raises `SourceError`."""
    if not start and path.suffix != ".jsonl":  # a history without a line is whole
        raise SourceError(f"{path} is empty: fetch or export it again.")
    if start.lstrip().lower().startswith(_WEB_PAGE):
        raise SourceError(
            f"{path} is a web page, as servers send it in place of a file: open its address in a browser to "
            "see what they say, and fetch the file again."
        )
    packing = next((suffix for sign, suffix in _SIGNS if start.startswith(sign)), None)
    if packing is not None and path.suffix not in (packing, ".lzma" if packing == ".xz" else packing):
        raise SourceError(f"{path} is packed as {packing}, unlike its name: rename it to end in {packing}.")
    if path.suffix in PACKINGS and start.lstrip().startswith((b"<", b"{")):
        raise SourceError(f"{path} is not packed, unlike its name: rename it to end without {path.suffix}.")


def _open(raw: IO[bytes], path: Path) -> _Unpacked | _SevenZip:
    if path.suffix == ".7z":
        return _SevenZip(raw, path)
    openers: dict[str, Callable[[Any], Any]] = {
        ".gz": gzip.open,
        ".bz2": bz2.open,
        ".xz": lzma.open,
        ".lzma": lzma.open,
    }
    opener = openers.get(path.suffix)
    return _Unpacked(opener(raw) if opener else raw, raw, path)


def _damaged(path: Path, error: BaseException) -> SourceError:
    return SourceError(
        f"{path} is damaged or cut short ({error or type(error).__name__}): fetch or copy it again."
    )


class _Unpacked:
    """What Python's own modules unpack."""

    def __init__(self, plain: IO[bytes], raw: IO[bytes], path: Path) -> None:
        self._plain, self._raw, self._path = plain, raw, path

    def read(self, size: int) -> bytes:
        try:
            return self._plain.read(size)
        except _DAMAGE as error:
            raise _damaged(self._path, error) from None

    def packed_position(self) -> int:
        return self._raw.tell()

    def close(self) -> None:
        if self._plain is not self._raw:
            self._plain.close()


class _Stopped(Exception):
    """Tells the unpacking thread that nobody reads any more."""


class _Pipe(Py7zIO):
    """What py7zr writes into; a few pieces deep, then it waits."""

    def __init__(self) -> None:
        self.pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(maxsize=4)
        self.stopped = threading.Event()
        self._size = 0

    def put(self, piece: bytes | BaseException | None) -> None:
        while not self.stopped.is_set():
            try:
                return self.pieces.put(piece, timeout=0.1)
            except queue.Full:
                continue
        raise _Stopped

    def write(self, s: bytes | bytearray) -> int:
        self._size += len(s)
        if s:
            self.put(bytes(s))
        return len(s)

    def read(self, size: int | None = None) -> bytes:  # noqa: ARG002 - py7zr's signature
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: ARG002 - likewise
        return 0

    def flush(self) -> None:
        """Nothing is held back."""

    def size(self) -> int:
        return self._size


class _Sipped(io.RawIOBase):
    """The archive, of which py7zr gets a little at a time.

    It unpacks whatever one read gave into one piece: from its usual megabyte, the 1.05 GB export of
    "Anarchism" becomes a single piece of 1 GB; from 8 KiB, pieces of 5 MB. Headers must come whole.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.most_bytes = -1

    def read(self, size: int | None = -1) -> bytes:
        size = -1 if size is None else size
        return self._raw.read(size if self.most_bytes < 0 else min(size, self.most_bytes))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


class _Pipes(WriterFactory):
    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe

    def create(self, filename: str) -> Py7zIO:  # noqa: ARG002 - likewise
        return self._pipe


class _SevenZip:
    """The one file of a .7z archive, unpacked by a thread."""

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        self._raw, self._path = raw, path
        self._pipe = _Pipe()
        self._rest = memoryview(b"")
        self._ended = False
        self._name = self._only_member()
        self._thread = threading.Thread(target=self._unpack, name="assay-7z", daemon=True)
        self._thread.start()

    def _archive(self, sipped: _Sipped) -> py7zr.SevenZipFile:
        """py7zr makes up a name for a member that has none, from the file's: hence always the same file."""
        sipped.seek(0)
        return py7zr.SevenZipFile(cast(IO[bytes], sipped), "r")

    def _only_member(self) -> str:
        try:
            with self._archive(_Sipped(self._raw)) as archive:
                names = [entry.filename for entry in archive.list() if entry.is_file]
        except Exception as error:  # py7zr raises many kinds on damage, struct.error and TypeError among them
            raise _damaged(self._path, error) from None
        if len(names) != 1:
            raise SourceError(
                f"{self._path} holds {len(names)} files: give an archive of exactly one, or unpack it first."
            )
        return str(names[0])

    def _unpack(self) -> None:
        end: BaseException | None = None
        try:
            sipped = _Sipped(self._raw)
            with self._archive(sipped) as archive:
                sipped.most_bytes = SIP_BYTES
                archive.extract(targets=[self._name], factory=_Pipes(self._pipe))
        except _Stopped:
            return
        except Exception as error:  # as above; handed to the reading thread
            end = error
        try:
            self._pipe.put(end)
        except _Stopped:
            return

    def read(self, size: int) -> bytes:
        if not self._rest and not self._ended:
            piece = self._pipe.pieces.get()
            if isinstance(piece, BaseException):
                self._ended = True
                raise _damaged(self._path, piece)
            self._ended = piece is None
            self._rest = memoryview(piece or b"")
        data, self._rest = self._rest[:size], self._rest[size:]
        return bytes(data)

    def packed_position(self) -> int:
        return self._raw.tell()

    def close(self) -> None:
        self._pipe.stopped.set()
        self._thread.join()
