"""A store in this process's memory, for one machine and for tests.

Bounded twice, by entries and by bytes; the least recently used entry goes first. Nothing survives
the process, and other processes see nothing of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from assay.clock import Clock
from assay.stores.options import MemoryStoreOptions

ENTRY_OVERHEAD_BYTES: Final = 256
"""What an entry costs beside key and value: dict slot, tuple, objects (measured, CPython 3.11: 253)."""


class MemoryStore:
    """A `KeyValueStore`: least recently used entries are dropped first, expired ones when met."""

    def __init__(self, options: MemoryStoreOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        now_s = self._clock.monotonic_s()
        found = {}
        for key in keys:
            entry = self._entries.get(key)
            if entry is None:
                continue
            if entry[1] <= now_s:
                self._drop(key)
                continue
            self._entries.move_to_end(key)
            found[key] = entry[0]
        return found

    async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        expires_s = self._clock.monotonic_s() + ttl_s
        for key, value in values.items():
            if key in self._entries:
                self._drop(key)
            if _size_bytes(key, value) > self._options.max_bytes:
                continue
            self._entries[key] = (value, expires_s)
            self.size_bytes += _size_bytes(key, value)
            self._shrink()

    async def answers(self) -> bool:
        return True

    async def aclose(self) -> None:
        self._entries.clear()
        self.size_bytes = 0

    def _drop(self, key: str) -> None:
        value, _ = self._entries.pop(key)
        self.size_bytes -= _size_bytes(key, value)

    def _shrink(self) -> None:
        while len(self._entries) > self._options.max_entries or self.size_bytes > self._options.max_bytes:
            self._drop(next(iter(self._entries)))


def _size_bytes(key: str, value: bytes) -> int:
    return len(key.encode()) + len(value) + ENTRY_OVERHEAD_BYTES
