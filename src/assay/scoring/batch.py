"""Scores long lists of revisions to JSON lines, so that killing it loses nothing and doubles nothing.

Lines stand in the order of the list, each written whole. The file itself is therefore the record of
progress: on resuming, a torn last line is cut off, the whole ones are counted, and the list goes on
behind them. One line: ``{"wiki", "rev_id", "scores": {model: …}, "bundles": {model: digest}, "features":
bool, "explain": bool}``, so that a file which was begun with other models, or to tell something else, is not
gone on with.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, Self

import orjson

from assay.clock import Clock, Deadline, SystemClock
from assay.errors import BadParameter, ConfigurationError, RetryableError, SourceUnavailable
from assay.models.model import Model
from assay.revisions.problem import Problem
from assay.revisions.record import MAX_ID
from assay.scoring.request import Cell, ScoreRequest
from assay.scoring.service import ScoringService, Table
from assay.telemetry import logger

Shape = Callable[[Cell, Model], Mapping[str, Any]]
"""Turns a cell of a model into its JSON document."""

_MAX_ID_DIGITS: Final = len(str(MAX_ID))
_LINE_HEAD: Final = b'{"wiki":"'
"""How every line of ours begins; a torn one has at least a piece of it."""

_OTHER: Final = {
    "wiki": "another wiki",
    "rev_id": "another list",
    "bundles": "other models or bundles",
    "features": "another choice of --features",
    "explain": "another choice of --explain",
}
"""What a differing value in a file's last line says about how the file was begun."""


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch is driven."""

    chunk: int = 16
    """Revisions asked for at once; small, so that few large texts are in memory at a time."""
    ahead: int = 2
    """Chunks under way at once: one is fetched while another is computed."""
    deadline_s: float = 120.0
    """For one chunk, fetching included."""
    retries: int = 5
    """How often a chunk with retryable problems is asked for again before the batch stops."""
    backoff_s: float = 2.0
    """Pause before the first retry; doubled for each further one."""


class Lines(Protocol):
    """Where documents go. `count`: how many it holds; `last`: the last of them, None when empty."""

    count: int
    last: dict[str, Any] | None

    def append(self, documents: Iterable[Mapping[str, Any]]) -> None: ...


class LinesStream:
    """Lines that nobody can take back: a pipe or a terminal."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0
        self.last: dict[str, Any] | None = None

    def append(self, documents: Iterable[Mapping[str, Any]]) -> None:
        lines = _encoded(documents)
        self._stream.write(b"".join(lines))
        self._stream.flush()
        self.count += len(lines)


class LinesFile:
    """An append-only file of JSON lines that belongs to one process at a time.

    Opening cuts off a torn last line. `count`: whole lines; `last`: the last of them, None in an empty file.
    Raises `ConfigurationError` when another process writes it, or it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = self._locked(path)
        self.count, self.last = self._recover()

    def append(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Write whole lines at once and hand them to the operating system: a killed process loses none."""
        lines = _encoded(documents)
        self._stream.write(b"".join(lines))
        self._stream.flush()
        self.count += len(lines)

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _locked(path: Path) -> BinaryIO:
        try:
            stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b")
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            raise ConfigurationError(f"another process is writing {path}: wait for it or end it") from None
        return stream

    def _recover(self) -> tuple[int, dict[str, Any] | None]:
        """Nothing is cut off before the file has proved to be ours."""
        whole, count, last, torn = 0, 0, b"", b""
        for line in self._stream:
            if not line.endswith(b"\n"):
                torn = line
                break
            whole, count, last = whole + len(line), count + 1, line
        document = self._parse(last) if count else None
        if torn[: len(_LINE_HEAD)] != _LINE_HEAD[: len(torn)]:
            raise self._foreign()
        self._stream.seek(whole)
        self._stream.truncate()
        return count, document

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("scores"), dict):
            raise self._foreign()
        return document

    def _foreign(self) -> ConfigurationError:
        self.close()
        return ConfigurationError(f"{self.path} holds something other than scores: give another file")


def read_ids(lines: Iterable[str], name: str) -> Iterator[int]:
    """Revision ids, one a line; blank lines and ``#`` comments are passed over.

    Raises `BadParameter` naming the line that is no id.
    """
    for number, line in enumerate(lines, 1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        yield parse_id(text, f"{name}, line {number}: ")


def parse_id(text: str, place: str = "") -> int:
    """A revision id. Raises `BadParameter` that begins with `place`."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS else 0
    if not 0 < number <= MAX_ID:
        raise BadParameter(
            f"{place}{text[:40]!r} is not a revision id: give a whole number from 1 to {MAX_ID}"
        )
    return number


class Batch:
    """One list of revisions of one wiki, scored by `models` into `output`."""

    def __init__(
        self,
        service: ScoringService,
        wiki: str,
        models: Sequence[str],
        shape: Shape,
        *,
        features: bool = False,
        explain: bool = False,
        options: BatchOptions = BatchOptions(),
        clock: Clock | None = None,
    ) -> None:
        self._service = service
        self._models = service.wikis.named(wiki).models
        bundles = {name: self._models[name].digest[:12] for name in models}
        self._terms = {"bundles": bundles, "features": features, "explain": explain}
        self._request = ScoreRequest(wiki, (), tuple(models), {}, features, explain)
        self._shape = shape
        self._options = options
        self._clock = clock or SystemClock()
        self._log = logger(__name__)

    async def run(self, rev_ids: Iterable[int], output: Lines, advanced: Callable[[int], None]) -> int:
        """Score what `output` does not hold yet; `advanced` is told how many more are done. Lines written.

        Raises `SourceUnavailable` when the wiki stays away; running again goes on where this stopped.
        """
        remaining = self._behind(iter(rev_ids), output)
        advanced(output.count)
        before = output.count
        async for ids, table in self._tables(remaining):
            output.append(self._document(rev_id, table) for rev_id in ids)
            advanced(len(ids))
        return output.count - before

    def _behind(self, rev_ids: Iterator[int], output: Lines) -> Iterator[int]:
        """The ids after those that are done; the last done line must be the list's."""
        if output.last is None:
            return rev_ids
        reached = next(islice(rev_ids, output.count - 1, None), None)
        mine = {"wiki": self._request.wiki, "rev_id": reached, **self._terms}
        other = [_OTHER[key] for key, value in mine.items() if output.last.get(key) != value]
        if other:
            raise ConfigurationError(
                f"the output was begun with {' and '.join(other)}: "
                "give the same again, or another file, or delete it to begin anew"
            )
        return rev_ids

    async def _tables(self, rev_ids: Iterator[int]) -> AsyncIterator[tuple[list[int], Table]]:
        """Chunks in order, a few of them under way at a time."""
        under_way: deque[tuple[list[int], asyncio.Task[Table]]] = deque()
        try:
            while True:
                while len(under_way) < self._options.ahead and (ids := self._chunk(rev_ids)):
                    under_way.append((ids, asyncio.create_task(self._table(ids))))
                if not under_way:
                    return
                ids, task = under_way.popleft()
                yield ids, await task
        finally:
            for _, task in under_way:
                task.cancel()

    def _chunk(self, rev_ids: Iterator[int]) -> list[int]:
        return list(islice(rev_ids, self._options.chunk))

    async def _table(self, ids: Sequence[int]) -> Table:
        unique = tuple(dict.fromkeys(ids))
        done: dict[int, Mapping[str, Cell]] = {}
        pause_s, reason = self._options.backoff_s, ""
        for attempt in range(self._options.retries + 1):
            if attempt:
                self._log.warning("asking again", wiki=self._request.wiki, reason=reason, in_s=pause_s)
                await asyncio.sleep(pause_s)
                pause_s *= 2
            missing = tuple(rev_id for rev_id in unique if rev_id not in done)
            try:
                table = await self._ask(missing)
            except RetryableError as error:
                reason, pause_s = str(error), max(pause_s, error.delay_s)
                continue
            done.update({rev_id: cells for rev_id, cells in table.items() if not _retryable(cells)})
            if len(done) == len(unique):
                return done
            reason = next(message for cells in table.values() if (message := _retryable(cells)))
        raise SourceUnavailable(
            f"gave up after {self._options.retries} retries: {reason} "
            "What is scored is in the file; run the same command again to go on."
        )

    async def _ask(self, ids: tuple[int, ...]) -> Table:
        base = self._request
        request = ScoreRequest(base.wiki, ids, base.models, {}, base.features, base.explain)
        return await self._service.score(request, Deadline.after(self._options.deadline_s, self._clock))

    def _document(self, rev_id: int, table: Table) -> dict[str, Any]:
        scores = {name: self._shape(cell, self._models[name]) for name, cell in table[rev_id].items()}
        return {"wiki": self._request.wiki, "rev_id": rev_id, "scores": scores, **self._terms}


def _encoded(documents: Iterable[Mapping[str, Any]]) -> list[bytes]:
    return [orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents]


def _retryable(cells: Mapping[str, Cell]) -> str:
    """The message of the first problem worth asking again for; empty when there is none."""
    for cell in cells.values():
        if isinstance(cell, Problem) and cell.retryable:
            return cell.message
    return ""
