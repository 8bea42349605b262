"""The client itself; `assay.client.blocking` runs it for programs without an event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

from assay import __version__
from assay.client.errors import ClientError, Interrupted, Refused
from assay.client.merging import merged
from assay.client.results import (
    Cells,
    ExplainedRevision,
    ModelDescription,
    Optimum,
    ScoreError,
    Thresholds,
    WikiInfo,
    is_retryable,
    parse_cells,
    parse_explained_cells,
)
from assay.client.transport import MAX_ANSWER_BYTES, Patience, Transport, read

T = TypeVar("T")

BATCH: Final = 50
"""Revisions of one request; the server takes no more."""
STREAM: Final = 5000
"""Revisions of one streamed request, half of what a server takes unless its operator says otherwise; one that
takes fewer says how many, and gets so many from then on."""
SHARE: Final = 500
"""Revisions of one streamed request when several are under way: each has enough to do until the next."""
TOO_LARGE: Final = 413
"""The status of a request with too many bytes; a proxy before the server may be stricter than the server."""
PATIENCE: Final = Patience()
USER_AGENT: Final = f"assay-client/{__version__}"


Injection = Mapping[str, Any]
"""Values by the names of features and datasources."""


@dataclass(frozen=True)
class _Asked:
    """What a table of scores is asked for with. `models`: None for all. `injection`: by revision."""

    wiki: str
    models: Sequence[str] | None
    flags: tuple[str, ...]
    injection: Mapping[int, Injection]

    @property
    def path(self) -> str:
        return f"/v3/scores/{quote(self.wiki, safe='')}/"

    def form(self, ids: Sequence[int]) -> dict[str, str]:
        form = {"revids": "|".join(map(str, ids)), **self._same}
        injected = {rev_id: self.injection[rev_id] for rev_id in ids if rev_id in self.injection}
        return form | ({"inject": json.dumps(injected, allow_nan=False)} if injected else {})

    @cached_property
    def _same(self) -> dict[str, str]:
        flags = dict.fromkeys(("error_codes", *self.flags), "true")
        return flags if self.models is None else {**flags, "models": "|".join(self.models)}


class AsyncClient:
    """One server's API.

    `url`: of the server, such as ``http://127.0.0.1:8080``. `user_agent`: who asks; a wiki's bot should
    name itself and how to reach its owner. `timeout_s`: for one request; `stream_timeout_s`: between two
    pieces of a stream. `patience`: how frequently to ask again, only where that may help. `at_once`:
    requests at the same time in `score`. `streams`: the same in one call of `stream`; a server lets a client
    have two (`web.stream.per_client`), whichever of its programs has them. `max_answer_bytes`: of one answer,
    or one line of a stream, once it is unpacked.

    Every method raises `assay.client.Refused` or `assay.client.Away` once patience is at its end, and
    `assay.client.TooLarge` at once.
    """

    def __init__(
        self,
        url: str,
        *,
        user_agent: str = USER_AGENT,
        timeout_s: float = 60.0,
        stream_timeout_s: float = 180.0,
        patience: Patience = PATIENCE,
        at_once: int = 4,
        streams: int = 1,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._transport = Transport(
            url,
            user_agent=user_agent,
            timeout_s=timeout_s,
            stream_timeout_s=stream_timeout_s,
            max_answer_bytes=max_answer_bytes,
        )
        self._streamed = STREAM if streams == 1 else SHARE
        self._streams = streams
        self._patience = patience
        self._places = asyncio.Semaphore(at_once)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    # -- scores --------------------------------------------------------------------------------------

    async def score(
        self,
        wiki: str,
        rev_ids: Iterable[int],
        models: Sequence[str] | None = None,
        *,
        features: bool = False,
        explain: bool = False,
        injection: Mapping[int, Injection] | None = None,
    ) -> dict[int, Cells]:
        """Scores of revisions by id, in batches of 50, a few at once. `models`: None for all of the wiki.
        `injection`: of some of the revisions, values instead of computed ones, such as another text.

        Cells whose error may pass are asked for again as long as patience lasts; then they are told as they
        are. A batch with too many bytes for the server is asked for in halves; a single revision whose
        injection is too large has the error `request_too_large`, and the others have their scores. For
        thousands of revisions `stream` costs the server less.
        """
        ids = list(dict.fromkeys(rev_ids))
        flags = tuple(name for name, wished in (("features", features), ("explain", explain)) if wished)
        asked = _Asked(wiki, models, flags, injection or {})
        batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
        tasks = [asyncio.create_task(self._batch(asked, batch)) for batch in batches]
        try:
            tables = await asyncio.gather(*tasks)
        finally:
            for task in tasks:  # of no use to anybody once one has failed
                task.cancel()
        return {rev_id: cells for table in tables for rev_id, cells in table.items()}

    async def _batch(self, asked: _Asked, ids: list[int]) -> dict[int, Cells]:
        table: dict[int, Cells] = {}
        left = ids
        for attempt in range(self._patience.retries + 1):
            table |= await self._cells(asked, left)
            left = [rev_id for rev_id in left if is_retryable(table[rev_id])]
            if not left or attempt == self._patience.retries:
                break
            await asyncio.sleep(self._patience.delay_s(attempt, None))
        return {rev_id: table[rev_id] for rev_id in ids}

    async def _cells(self, asked: _Asked, ids: list[int]) -> dict[int, Cells]:
        """A row for each id, in as many requests as the server's limit of bytes wants."""
        try:
            async with self._places:
                return await self._ask(
                    lambda told: _table(told, ids), "POST", asked.path, form=asked.form(ids)
                )
        except Refused as refused:
            if refused.status != TOO_LARGE or (len(ids) == 1 and ids[0] not in asked.injection):
                raise
            too_large = refused
        if len(ids) > 1:
            middle = len(ids) // 2
            return {**await self._cells(asked, ids[:middle]), **await self._cells(asked, ids[middle:])}
        names: Iterable[str] | None = asked.models
        if names is None:
            known = await self.wikis()
            if asked.wiki not in known:
                raise too_large
            names = known[asked.wiki].models
        error = ScoreError("request_too_large", "RequestTooLarge", str(too_large), False)
        return {ids[0]: dict.fromkeys(names, error)}

    async def stream(
        self,
        wiki: str,
        rev_ids: Iterable[int],
        models: Sequence[str] | None = None,
        *,
        features: bool = False,
        explain: bool = False,
    ) -> AsyncGenerator[tuple[int, Cells]]:
        """Scores of any number of revisions, each as soon as it is done; equal ids in one request once. With
        `streams`, several requests are under way at once, and one that the server has no place for is left
        to the others.

        A stream that is cut off is asked to go on with what is left. `rev_ids` is read as it is needed, and
        closing the generator ends the work. Cells are told as they are, also those whose error may pass.
        Raises `assay.client.Interrupted` when going on brings nothing new.
        """
        asked = {"features": features, "explain": explain} | ({} if models is None else {"models": [*models]})
        remaining = iter(rev_ids)

        def parts() -> Iterator[list[int]]:
            while ids := list(dict.fromkeys(islice(remaining, self._streamed))):
                yield ids

        def whole(ids: list[int]) -> AsyncGenerator[Mapping[str, Any]]:
            return self._whole(wiki, ids, asked)

        async with aclosing(merged(whole, parts(), self._streams)) as lines:
            async for line in lines:
                yield read(_row, line)

    async def lines(
        self, wiki: str, rev_ids: Sequence[int], **asked: Any
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """One streamed request as it is: every line of ``POST /api/{wiki}/scores``, asked once."""
        document = {"revisions": list(rev_ids), **asked}
        async with self._transport.stream(f"/api/{quote(wiki, safe='')}/scores", document) as lines:
            async for line in lines:
                yield read(_object, line)

    async def _whole(
        self, wiki: str, ids: list[int], asked: Mapping[str, Any]
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """A line for each id, however frequently the stream is cut off, in as many requests as the server
        wants."""
        left = dict.fromkeys(ids)
        attempt = 0
        while True:
            before, error, part = len(left), None, list(islice(left, self._streamed))
            try:
                async with aclosing(self.lines(wiki, part, **asked)) as lines:
                    async for line in lines:
                        if isinstance(rev_id := line.get("revision"), int):
                            left.pop(rev_id, None)
                            yield line
            except ClientError as refused:
                limit = _fewer(refused, len(part))
                if 0 < limit < len(part):
                    self._streamed = limit
                    continue
                if not refused.retryable:
                    raise
                error = refused
            if not left:
                return
            if left.keys().isdisjoint(part):
                continue
            attempt = 0 if len(left) < before else attempt + 1
            if attempt > self._patience.retries:
                raise error or Interrupted(f"the stream of {wiki} brings nothing new; {len(left)} are left")
            await asyncio.sleep(self._patience.delay_s(max(attempt - 1, 0), error))

    # -- one edit ------------------------------------------------------------------------------------

    async def explain(self, wiki: str, rev_id: int) -> ExplainedRevision:
        """One edit: what it did, its scores by all models, and what moved them."""
        return await self._ask(ExplainedRevision.parse, "GET", _path(wiki, "revisions", rev_id))

    async def what_if(
        self,
        wiki: str,
        rev_id: int,
        injection: Mapping[str, Any],
        models: Sequence[str] | None = None,
    ) -> Cells:
        """Scores of an edit with values replaced, by the names of features and datasources."""
        document = {"injection": dict(injection)} | ({} if models is None else {"models": list(models)})
        path = _path(wiki, "revisions", rev_id)
        return await self._ask(
            lambda told: parse_explained_cells(told["scores"]), "POST", path, document=document
        )

    async def score_text(
        self,
        wiki: str,
        text: str,
        *,
        parent_rev_id: int | None = None,
        parent_text: str | None = None,
        title: str | None = None,
        comment: str | None = None,
        is_minor: bool | None = None,
        actor: Mapping[str, Any] | None = None,
        models: Sequence[str] | None = None,
    ) -> ExplainedRevision:
        """Scores of a text that is not saved, with its difference from its parent. What is None is not
        told; `title` is needed unless `parent_rev_id` is given. `actor`: as in ``POST
        /api/{wiki}/text``."""
        document = _given(
            text=text,
            parent_rev_id=parent_rev_id,
            parent_text=parent_text,
            title=title,
            comment=comment,
            is_minor=is_minor,
            actor=actor,
            models=models and list(models),
        )
        return await self._ask(ExplainedRevision.parse, "POST", _path(wiki, "text"), document=document)

    # -- wikis and models ----------------------------------------------------------------------------

    async def wikis(self) -> dict[str, WikiInfo]:
        """All wikis by name, with their models."""
        return await self._ask(_wikis, "GET", "/api/wikis")

    async def recent(self, wiki: str, limit: int = 20) -> list[int]:
        """Ids of the latest edits, newest first, at most 50."""
        parameters = {"limit": str(limit)}
        path = _path(wiki, "recent")
        return await self._ask(lambda told: list(told["revisions"]), "GET", path, parameters=parameters)

    async def model_info(self, wiki: str, model: str) -> ModelDescription:
        """What a model is, how well it does, what it was learned from, and its limits."""
        return await self._ask(ModelDescription.parse, "GET", _path(wiki, "models", model))

    async def thresholds(self, wiki: str, model: str, label: str | None = None) -> Thresholds:
        """What a label's thresholds do, and named operating points. `label`: None for the model's first."""
        path = _path(wiki, "models", model, "thresholds")
        return await self._ask(Thresholds.parse, "GET", path, parameters=_given(label=label))

    async def best_threshold(self, wiki: str, model: str, query: str, label: str | None = None) -> Optimum:
        """The best cut, such as ``maximum recall @ precision >= 0.9``."""
        path = _path(wiki, "models", model, "thresholds")
        return await self._ask(Optimum.parse, "GET", path, parameters=_given(label=label, query=query))

    async def _ask(self, parse: Callable[[Any], T], method: str, path: str, **sent: Any) -> T:
        told = await self._patience.keep_asking(lambda: self._transport.ask(method, path, **sent))
        return read(parse, told)


def _fewer(error: ClientError, asked: int) -> int:
    """How many revisions to ask for instead of `asked`; 0 when it was not their number."""
    if not isinstance(error, Refused):
        return 0
    return error.limit or (asked // 2 if error.status == TOO_LARGE else 0)


def _table(told: Any, ids: Iterable[int]) -> dict[int, Cells]:
    """Raises KeyError when one of `ids` is not among it."""
    (answer,) = told.values()
    return {rev_id: parse_cells(answer["scores"][str(rev_id)]) for rev_id in ids}


def _object(line: Any) -> Mapping[str, Any]:
    if not isinstance(line, dict):
        raise TypeError(f"a line is no object but {line!r:.80}")
    return line


def _row(line: Any) -> tuple[int, Cells]:
    return line["revision"], parse_cells(line["scores"])


def _wikis(told: Any) -> dict[str, WikiInfo]:
    return {wiki["name"]: WikiInfo.parse(wiki) for wiki in told["wikis"]}


def _path(wiki: str, *parts: str | int) -> str:
    return "/".join(("/api", *(quote(str(part), safe="") for part in (wiki, *parts))))


def _given(**told: Any) -> dict[str, Any]:
    """What is not None."""
    return {name: value for name, value in told.items() if value is not None}
