"""Scores long lists of revisions to JSON lines, so that killing it loses nothing and doubles nothing.

Lines stand in the order of the list, each written whole. The file itself is therefore the record of
progress: on resuming, the whole lines are counted, and the list goes on behind them. One line: ``{"wiki",
"rev_id", "scores": {model: …}, "bundles": {model: digest}, "features": bool, "explain": bool}``, so that a
file which was begun with other models, or to tell something else, is not gone on with.

Who scores is behind one small interface: this process (`LocalScorer`), or a server elsewhere
(`assay.compose.remote`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil
from typing import Any, Final, Protocol

from assay.clock import Deadline, SystemClock
from assay.errors import ConfigurationError, RetryableError, SourceUnavailable
from assay.models.model import Model
from assay.scoring.lines import Lines
from assay.scoring.request import Cell, ScoreRequest
from assay.scoring.service import ScoringService
from assay.telemetry import logger

Document = Mapping[str, Any]
Shape = Callable[[Cell, Model], Document]
"""Turns a cell of a model into its JSON document."""

Row = Mapping[str, Document]
"""Documents of one revision's cells, by model: ``{"score": …}`` or ``{"error": …}``."""

_OTHER: Final = {
    "wiki": "another wiki",
    "rev_id": "another list",
    "bundles": "other models or bundles",
    "features": "another choice of --features",
    "explain": "another choice of --explain",
}
"""What a differing value in a file's last line says about how the file was begun."""

DIGEST_CHARS: Final = 12
"""Of a bundle's digest, in a line."""
_CHUNK_LIMIT_S: Final = 120.0
"""For one chunk, fetching included."""


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch is driven."""

    chunk: int = 16
    """Revisions asked for at once; small, so that few large texts are in memory at a time."""
    ahead: int = 2
    """Chunks under way at once: one is fetched while others are computed."""
    retries: int = 5
    """How often a chunk with retryable problems is asked for again before the batch stops."""
    backoff_s: float = 2.0
    """Pause before the first retry; doubled for each further one."""

    def busying(self, processes: int) -> BatchOptions:
        """So many chunks ahead that while one is fetched, each process has a job and its next one."""
        return replace(self, ahead=1 + ceil(2 * processes / self.chunk))


@dataclass(frozen=True, slots=True)
class Terms:
    """What all lines of a file have in common. `bundles`: digests of the models that score, by name."""

    wiki: str
    bundles: Mapping[str, str]
    features: bool = False
    explain: bool = False

    def document(self) -> dict[str, Any]:
        """As it stands in every line."""
        bundles = {name: digest[:DIGEST_CHARS] for name, digest in self.bundles.items()}
        return {"wiki": self.wiki, "bundles": bundles, "features": self.features, "explain": self.explain}


class ChunkScorer(Protocol):
    """Scores some revisions at a time, always on the same terms."""

    @property
    def terms(self) -> Terms: ...

    async def score(self, rev_ids: tuple[int, ...]) -> Mapping[int, Row]:
        """A row for each id; one that is missing was not reached, and is asked for again.

        Raises `RetryableError` when nothing could be had just now, other `AssayError`s to end the batch.
        """
        ...


class LocalScorer:
    """`ChunkScorer` of this process."""

    def __init__(
        self,
        service: ScoringService,
        wiki: str,
        models: Sequence[str],
        shape: Shape,
        *,
        features: bool = False,
        explain: bool = False,
    ) -> None:
        self._service = service
        self._models = service.wikis.named(wiki).models
        self._request = ScoreRequest(wiki, (), tuple(models), {}, features, explain)
        self._shape = shape
        self._clock = SystemClock()
        self.terms = Terms(wiki, {name: self._models[name].digest for name in models}, features, explain)

    async def score(self, rev_ids: tuple[int, ...]) -> Mapping[int, Row]:
        request = replace(self._request, rev_ids=rev_ids)
        table = await self._service.score(request, Deadline.after(_CHUNK_LIMIT_S, self._clock))
        return {
            rev_id: {name: self._shape(cell, self._models[name]) for name, cell in cells.items()}
            for rev_id, cells in table.items()
        }


class Batch:
    """One list of revisions of one wiki, scored by `scorer` into an output."""

    def __init__(
        self,
        scorer: ChunkScorer,
        options: BatchOptions = BatchOptions(),
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._scorer = scorer
        self._sleep = sleep
        self._terms = scorer.terms.document()
        self._options = options
        self._log = logger(__name__)

    async def run(self, rev_ids: Iterable[int], output: Lines, advanced: Callable[[int], None]) -> int:
        """Score what `output` does not hold yet; `advanced` is told how many more are done. Lines written.

        Raises `SourceUnavailable` when the wiki stays away; running again goes on where this stopped.
        """
        remaining = self._behind(iter(rev_ids), output)
        advanced(output.count)
        before = output.count
        async with aclosing(self._rows(remaining)) as chunks:
            async for ids, rows in chunks:
                output.append(self._line(rev_id, rows[rev_id]) for rev_id in ids)
                advanced(len(ids))
        return output.count - before

    def _behind(self, rev_ids: Iterator[int], output: Lines) -> Iterator[int]:
        """The ids after those that are done; the last done line must be the list's."""
        if output.last is None:
            return rev_ids
        reached = next(islice(rev_ids, output.count - 1, None), None)
        mine = {**self._terms, "rev_id": reached}
        other = [_OTHER[key] for key, value in mine.items() if output.last.get(key) != value]
        if other:
            raise ConfigurationError(
                f"the output was begun with {' and '.join(other)}: "
                "give the same again, or another file, or delete it to begin anew"
            )
        return rev_ids

    async def _rows(self, rev_ids: Iterator[int]) -> AsyncGenerator[tuple[list[int], Mapping[int, Row]]]:
        """Chunks in order, a few of them under way at a time."""
        under_way: deque[tuple[list[int], asyncio.Task[Mapping[int, Row]]]] = deque()
        try:
            while True:
                while len(under_way) < self._options.ahead and (ids := self._chunk(rev_ids)):
                    under_way.append((ids, asyncio.create_task(self._scored(ids))))
                if not under_way:
                    return
                ids, task = under_way.popleft()
                yield ids, await task
        finally:
            left = [task for _, task in under_way]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _line(self, rev_id: int, row: Row) -> Document:
        return {"wiki": self._terms["wiki"], "rev_id": rev_id, "scores": row, **self._terms}

    def _chunk(self, rev_ids: Iterator[int]) -> list[int]:
        return list(islice(rev_ids, self._options.chunk))

    async def _scored(self, ids: Sequence[int]) -> Mapping[int, Row]:
        unique = tuple(dict.fromkeys(ids))
        done: dict[int, Row] = {}
        pause_s, reason = self._options.backoff_s, ""
        for attempt in range(self._options.retries + 1):
            if attempt:
                self._log.warning("asking again", wiki=self._terms["wiki"], reason=reason, in_s=pause_s)
                await self._sleep(pause_s)
                pause_s *= 2
            missing = tuple(rev_id for rev_id in unique if rev_id not in done)
            try:
                rows = await self._scorer.score(missing)
            except RetryableError as error:
                reason, pause_s = str(error), max(pause_s, error.delay_s)
                continue
            done.update({rev_id: row for rev_id, row in rows.items() if not _retryable(row)})
            if len(done) == len(unique):
                return done
            reason = next(filter(None, map(_retryable, rows.values())), "the answer was cut off.")
        raise SourceUnavailable(
            f"gave up after {self._options.retries} retries: {reason} "
            "What is scored is in the file; run the same command again to go on."
        )


def _retryable(row: Row) -> str:
    """The message of the first error worth asking again for; empty when there is none."""
    for cell in row.values():
        if cell.get("error", {}).get("retryable"):
            return str(cell["error"]["message"])
    return ""
