"""What a pure function says of a string, remembered for the whole process: each distinct word is judged once.

Looking up a known string is one dictionary access without a call, and `of` does it for many in C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

V = TypeVar("V")


class Memo(dict[str, V]):
    """``memo[string]`` is ``compute(string)``. Forgets all when it holds `limit` strings."""

    def __init__(self, compute: Callable[[str], V], limit: int) -> None:
        super().__init__()
        self._compute = compute
        self._limit = limit

    def __missing__(self, string: str) -> V:
        value = self._compute(string)
        if len(self) >= self._limit:
            self.clear()
        self[string] = value
        return value

    def of(self, strings: Iterable[str]) -> Iterator[V]:
        """The values of several strings, in order."""
        return map(self.__getitem__, strings)
