"""A text that comes in pieces: kept up to a limit, beyond it only measured and digested."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from assay.revisions.digest import base36, sha1_base36


@dataclass(frozen=True, slots=True)
class MeasuredText:
    """`text`: UTF-8, None when it is beyond the limit; `sha1` is told then, and None otherwise."""

    text: bytes | None
    size_bytes: int
    sha1: str | None = None


class BoundedText:
    """`limit`: characters while the text is read, bytes of UTF-8 once it is whole."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[str] = []
        self._characters = 0
        self._size_bytes = 0
        self._digest: hashlib._Hash | None = None

    @property
    def overflowed(self) -> bool:
        """Whether there are more characters than the limit: what came is no longer kept."""
        return self._digest is not None

    def add(self, piece: str) -> None:
        if self._digest is not None:
            self._count(self._digest, piece)
            return
        self._pieces.append(piece)
        self._characters += len(piece)
        if self._characters > self._limit:
            self._digest = hashlib.sha1(usedforsecurity=False)
            self._count(self._digest, "".join(self._pieces))
            self._pieces.clear()

    def _count(self, digest: hashlib._Hash, piece: str) -> None:
        encoded = piece.encode()
        self._size_bytes += len(encoded)
        digest.update(encoded)

    def string(self) -> str:
        """All of it; empty once it overflowed."""
        return "".join(self._pieces)

    def measured(self) -> MeasuredText:
        if self._digest is not None:
            return MeasuredText(None, self._size_bytes, base36(int.from_bytes(self._digest.digest(), "big")))
        text = self.string().encode()
        if len(text) > self._limit:
            return MeasuredText(None, len(text), sha1_base36(text))
        return MeasuredText(text, len(text))
