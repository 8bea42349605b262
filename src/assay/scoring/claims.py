"""Who computes what several web processes want at the same time.

A claim saves work, and nothing rests on it: who cannot ask whether somebody else computes, computes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import orjson

from assay.scoring.key import ScoreKey


def job_id(keys: Iterable[ScoreKey], *, features: bool, explain: bool, bulk: bool = False) -> str:
    """Equal for jobs that give the same cells: the same revision, models, injection and wishes. Bulk jobs
    are others, lest a person wait for one that stands far back in its lane."""
    content = orjson.dumps([sorted(map(str, keys)), features, explain, bulk])
    return hashlib.sha256(content).hexdigest()[:32]


class Claims(Protocol):
    """Claims by `job_id`. No method raises."""

    async def take(self, ids: Sequence[str]) -> set[str]:
        """Those that are ours to compute now; the others somebody else computes."""
        ...

    async def wait(self, claim: str, limit_s: float) -> bytes | None:
        """What the one who computes told, or told a moment ago, at most `limit_s` seconds later; None when
        nothing was told and the claim is free, or the time is over."""
        ...

    async def settle(self, results: Mapping[str, bytes | None], *, is_lasting: bool = False) -> None:
        """Give back claims of ours and tell those who wait; None: it came to nothing, another may try.
        `is_lasting`: tell those, too, who looked before the end and ask just after it."""
        ...

    async def aclose(self) -> None: ...


class LocalClaims:
    """One process alone: everything is its own to compute."""

    async def take(self, ids: Sequence[str]) -> set[str]:
        return set(ids)

    async def wait(self, claim: str, limit_s: float) -> bytes | None:  # noqa: ARG002 - the interface
        return None

    async def settle(self, results: Mapping[str, bytes | None], *, is_lasting: bool = False) -> None:
        """Nobody waits."""

    async def aclose(self) -> None:
        """Nothing to close."""
