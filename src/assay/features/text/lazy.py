"""What is made when somebody looks at it: most requests need counts only, never the strings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class kept(Generic[T]):  # noqa: N801 (reads as `property` does)
    """A property that is found at the first look and then kept.

    As `functools.cached_property`, but without the lock that Python 3.11 takes at each first look, half a
    microsecond each. Two threads that look at once may both find the value, so `find` must be pure.
    """

    def __init__(self, find: Callable[[Any], T]) -> None:
        self._find = find
        self._name = find.__name__
        self.__doc__ = find.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> kept[T]: ...
    @overload
    def __get__(self, owner: object, kind: type) -> T: ...
    def __get__(self, owner: object | None, kind: type) -> kept[T] | T:
        if owner is None:
            return self
        value = owner.__dict__[self._name] = self._find(owner)
        return value


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
