"""Word lists and token weights: data, per language, identified by their content.

A lexicon is plain text, one entry a line. Shipped ones lie in ``assay/features/lexicons/*.txt[.gz]``;
a bundle carries a copy of those that its model was trained with, so that a newer Assay cannot change
an old model's scores.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Final

from assay.errors import ConfigurationError

MAX_LEXICON_BYTES: Final = 32 * 1024 * 1024
_SHIPPED: Final = files("assay.features").joinpath("lexicons")


@dataclass(frozen=True)
class Lexicon:
    """An immutable list of entries. `name`: ``<language>.<what>``, for example ``english.badwords``.

    `lines`: the entries, each ended by a line's end; as one text, because a process that only tells about
    models never reads them, and a dictionary of 170 000 words takes six times the room apart.
    """

    name: str
    lines: str = field(repr=False)
    digest: str

    @classmethod
    def of(cls, name: str, entries: Iterable[str]) -> Lexicon:
        """From entries: sorted, made unique, blank ones left out. Equal content gives equal digests.

        None may begin with ``#`` or hold a line's end: the list would not come back from its file.
        """
        kept = tuple(sorted({entry for entry in entries if entry.strip()}))
        digest = hashlib.sha256("\n".join((name, *kept)).encode()).hexdigest()
        return cls(name, "".join(f"{entry}\n" for entry in kept), digest)

    @classmethod
    def from_text(cls, name: str, text: str) -> Lexicon:
        """From a file's text; lines that begin with ``#`` are comments."""
        return cls.of(name, (line for line in text.splitlines() if not line.startswith("#")))

    @property
    def entries(self) -> list[str]:
        """Sorted, unique, without blank lines; made anew each time. Each is a word (dictionaries), a regular
        expression in RE2's syntax (badwords, informals, words to watch, idioms), or a token, a tab and a
        number (weights)."""
        return self.lines.split("\n")[:-1]

    @cached_property
    def words(self) -> frozenset[str]:
        """The entries as a set, for membership; made when it is first asked for."""
        return frozenset(self.entries)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lexicon) and other.digest == self.digest


class Lexicons(Mapping[str, Lexicon]):
    """Several lexicons by name; hashable, equal when the contents are."""

    def __init__(self, lexicons: Iterable[Lexicon] = ()) -> None:
        self._by_name = {lexicon.name: lexicon for lexicon in sorted(lexicons, key=lambda lex: lex.name)}
        joined = "\n".join(f"{name} {lexicon.digest}" for name, lexicon in self._by_name.items())
        self.digest = hashlib.sha256(joined.encode()).hexdigest()

    def __getitem__(self, name: str) -> Lexicon:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lexicons) and other.digest == self.digest


def shipped(*names: str) -> Lexicons:
    """The named lexicons that come with Assay. Raises `ConfigurationError` naming those that do not exist."""
    available = shipped_names()
    if missing := sorted(set(names) - set(available)):
        raise ConfigurationError(
            f"no such lexicon: {', '.join(missing)}; there are: {', '.join(sorted(available))}"
        )
    return Lexicons(Lexicon.from_text(name, _read(available[name])) for name in names)


def shipped_names() -> dict[str, str]:
    """Names of all shipped lexicons, with their file names."""
    return {
        entry.name.removesuffix(".gz").removesuffix(".txt"): entry.name
        for entry in _SHIPPED.iterdir()
        if entry.name.endswith((".txt", ".txt.gz"))
    }


def _read(file_name: str) -> str:
    data = _SHIPPED.joinpath(file_name).read_bytes()
    return (gzip.decompress(data) if file_name.endswith(".gz") else data).decode("utf-8")
