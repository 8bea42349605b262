"""A stream's mark on the disk: whole, or as it was before."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from assay.durable import replacing
from assay.errors import ConfigurationError
from assay.precache.ledger import Mark, identities

_FORMAT: Final = 1


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder of positions, made when it is missing, for this process alone; the system lets go of it when
    the process dies. Raises `ConfigurationError` when another follower has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"another follower keeps its positions in {folder}: end it, or give this one another --folder"
            ) from None
        yield


class Cursor:
    """One file. `stream`: whose mark it is, as a text that changes when the stream becomes another: positions
    of one stream mean nothing to another."""

    def __init__(self, path: Path, stream: str) -> None:
        self._path = path
        self._stream = stream

    def load(self) -> Mark:
        """An empty one when there is no file yet. Raises `ConfigurationError` for a file that is not ours: to
        begin anew would leave out what happened in between."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return Mark()
        try:
            document = orjson.loads(text)
            if document["format"] != _FORMAT:
                raise ValueError(f"its format is {document['format']}, not {_FORMAT}")
            stream, position = document["stream"], document["position"]
            if not isinstance(position, str | None):
                raise ValueError("its position is no text")
            mark = Mark(position, identities(document["done"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{self._path} cannot be read as the position of a stream ({error}): move it away to begin "
                "with what happens from now on"
            ) from None
        if stream != self._stream:
            raise ConfigurationError(
                f"{self._path} is the position of {stream}, and the stream is {self._stream}: "
                "give the stream another name, or move the file away"
            )
        return mark

    def save(self, mark: Mark) -> None:
        """On the disk when this returns."""
        document = {
            "format": _FORMAT,
            "stream": self._stream,
            "position": mark.position,
            "done": mark.done,
        }
        with replacing(self._path) as file:
            file.write(orjson.dumps(document))
