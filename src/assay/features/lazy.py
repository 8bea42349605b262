"""Lists that are made when somebody looks into them: most requests need counts only, never the strings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import overload


class LazyStrings(Sequence[str]):
    """A read-only sequence whose strings are made at the first look by `_list`, which keeps them."""

    @property
    @abstractmethod
    def _list(self) -> list[str]: ...

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self._list[index]

    def __len__(self) -> int:
        return len(self._list)

    def __iter__(self) -> Iterator[str]:
        return iter(self._list)
