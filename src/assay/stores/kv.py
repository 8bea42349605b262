"""Bytes under string keys: the one interface to this process's memory and to Redis.

A store may forget anything at any time; whoever asks must be able to compute the value again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class KeyValueStore(Protocol):
    """Every store passes the one suite in ``tests/stores/test_kv.py``."""

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are there, in one round trip; keys without a value are left out."""
        ...

    async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        """Keep `values` for at most `ttl_s` seconds (> 0); an older value of a key is replaced."""
        ...

    async def answers(self) -> bool:
        """Whether values that were set can be got just now."""
        ...

    async def aclose(self) -> None: ...
