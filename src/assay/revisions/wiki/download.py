"""A wiki's history through its API into one file: what an operator trains from who has no dump.

Two stretches. First every revision of the articles from now back to `since`, or as many as are allowed,
without texts: `list=allrevisions`, 500 an answer. Then the texts of those that are named, 50 an answer. The
file is a journal: a line that says which wiki and which window, then one line for each answer, which holds
what came *and* where to go on. So a process that is killed loses one answer at most, and nothing is stored
twice; a last line that was torn is cut off. When all is there it is written out as a history
(`assay.revisions.files.history`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from assay.clock import Clock, Deadline
from assay.durable import replacing
from assay.errors import ConfigurationError, SourceError, SourceUnavailable
from assay.revisions.options import ApiOptions
from assay.revisions.record import iso
from assay.revisions.wiki import history_rows
from assay.revisions.wiki.action_api import ActionApi, ApiRefused, continuation
from assay.revisions.wiki.history_rows import Row
from assay.revisions.wiki.journal_file import JournalFile

FORMAT: Final = 1
ANSWER_LIMIT_S: Final = 900.0
"""For one answer with all its attempts: a wiki that lags says so for minutes."""
_ANY_LAG_S: Final = 86_400
ROWS_PER_ANSWER: Final = 500
TEXTS_PER_ANSWER: Final = 50

Report = Callable[[int, int, str], None]
"""Told (done, total, what)."""


def polite(contact: str) -> ApiOptions:
    """One connection, and patience: nobody waits for a download."""
    return ApiOptions(contact=contact, parallel=1, attempts=10, attempt_timeout_s=120.0, backoff_s=2.0)


def brisk(contact: str) -> ApiOptions:
    """For the first question, which any wiki answers soon: a wrong address must not be tried for minutes, and
    one whose replicas lag is a wiki all the same."""
    return replace(polite(contact), attempts=2, attempt_timeout_s=15.0, backoff_s=0.5, maxlag_s=_ANY_LAG_S)


@dataclass(frozen=True, slots=True)
class Window:
    """What is wanted of a wiki. `since`: ISO 8601, no revision before it; None: from the first on. Of more
    than `max_revisions` the latest."""

    api: str
    since: str | None = None
    max_revisions: int = 50_000
    namespace: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """What the wiki says of itself. `id`: its database's name. `edits`: in all namespaces."""

    id: str
    generator: str
    edits: int


async def read_site(api: ActionApi, clock: Clock) -> Site:
    """Raises `SourceError` when this is no API that may be read, saying what to do."""
    parameters = {"meta": "siteinfo", "siprop": "general|statistics"}
    try:
        query = (await ask(api, clock, parameters))["query"]
        general = query["general"]
        return Site(str(general["wikiid"]), str(general["generator"]), int(query["statistics"]["edits"]))
    except SourceUnavailable as error:
        raise SourceError(
            f"{error}. If this does not pass, give the address of api.php that Special:Version names."
        ) from None
    except (KeyError, TypeError, ValueError):
        raise SourceError(f"{api.url} does not answer as MediaWiki's API does: check the address.") from None


async def ask(api: ActionApi, clock: Clock, parameters: Mapping[str, str]) -> dict[str, Any]:
    """One answer. Raises `SourceUnavailable`, or `SourceError` for what no patience mends."""
    try:
        return await api.query({"action": "query", **parameters}, Deadline.after(ANSWER_LIMIT_S, clock))
    except ApiRefused as refused:
        if refused.api_code == "readapidenied":
            raise SourceError(
                f"{api.url}: the wiki is private, its API tells nothing to who is not logged in. {_EXPORT}"
            ) from None
        if refused.api_code in ("badvalue", "unknown_list"):
            raise SourceError(
                f"{refused}: list=allrevisions is not known before MediaWiki 1.27. {_EXPORT}"
            ) from None
        raise


_EXPORT: Final = (
    "Export it on its server (php maintenance/dumpBackup.php --full > wiki.xml) and give the file, "
    "--wiki NAME=wiki.xml; what learns from it is assay train NAME/reverted"
)


class Download:
    """The journal of one download. Not for two processes at once: the second is refused.

    `until`: the moment of the first query; later edits are not in it.
    """

    def __init__(self, path: Path, window: Window, site: Site, now: datetime) -> None:
        self._file = JournalFile(path)
        try:
            self._begin(window, site, now)
            self._read()
        except BaseException:
            self.close()
            raise

    def _begin(self, window: Window, site: Site, now: datetime) -> None:
        """Write the first line, or prove that it speaks of the same."""
        header = {"assay_download": FORMAT, "wiki": site.id, **asdict(window)}
        told = next(iter(self._file.lines()), None)
        if told is None:
            told = {**header, "until": iso(now)}
            self._file.append(told)
        different = sorted(key for key, value in header.items() if told.get(key) != value)
        if different:
            shown = ", ".join(f"{key} {told.get(key)!r} instead of {header[key]!r}" for key in different)
            raise ConfigurationError(
                f"{self._file.path} holds another download ({shown}): "
                "give another --work folder, or remove the file"
            )
        self.window, self.until = window, str(told["until"])

    def _read(self) -> None:
        self.rows: list[Row] = []
        self._following: dict[str, str] | None = {}
        self._texts: set[int] = set()
        for line in self._file.lines():
            if "rows" in line:
                self.rows += line["rows"]
                self._following = line["continue"]
            self._texts.update(map(int, line.get("texts", ())))

    def close(self) -> None:
        self._file.close()

    async def fetch_revisions(self, api: ActionApi, clock: Clock, edits: int, report: Report) -> None:
        """All revisions of the window that are not there yet, the latest first. `edits`: of the wiki.

        Raises `SourceUnavailable` when the wiki does not answer: what came is kept, and the next run goes on.
        """
        limit = self.window.max_revisions
        while self._following is not None:
            report(len(self.rows), min(edits, limit), "revisions")
            left = limit - len(self.rows)
            document = await ask(api, clock, {**self._listed(left), **self._following})
            rows, following = history_rows.rows(document)[:left], continuation(document)
            if following is not None and following == self._following:
                raise SourceUnavailable("The wiki's answer goes on where it began: try again later.")
            self._following = None if len(rows) == left else following
            self._file.append({"rows": rows, "continue": self._following})
            self.rows += rows
        report(len(self.rows), len(self.rows), "revisions")

    def _listed(self, left: int) -> dict[str, str]:
        parameters = {
            "list": "allrevisions",
            "arvdir": "older",
            "arvstart": self.until,
            "arvnamespace": str(self.window.namespace),
            "arvlimit": str(min(ROWS_PER_ANSWER, left)),
            "arvprop": history_rows.PROPERTIES,
            "arvslots": "main",
        }
        return parameters if self.window.since is None else {**parameters, "arvend": self.window.since}

    async def fetch_texts(self, api: ActionApi, clock: Clock, wanted: Iterable[int], report: Report) -> None:
        """Texts of the revisions that are named and not there yet. Raises as `fetch_revisions`."""
        chosen = set(wanted)
        missing = [row["rev_id"] for row in self.ordered() if row["rev_id"] in chosen - self._texts]
        had = len(chosen) - len(missing)
        for start in range(0, len(missing), TEXTS_PER_ANSWER):
            report(had + start, len(chosen), "texts")
            await self._fetch_batch(api, clock, missing[start : start + TEXTS_PER_ANSWER])
        report(len(chosen), len(chosen), "texts")

    async def _fetch_batch(self, api: ActionApi, clock: Clock, rev_ids: Sequence[int]) -> None:
        """What the wiki does not give any more, since it was deleted meanwhile, counts as hidden."""
        parameters = {
            "prop": "revisions",
            "revids": "|".join(map(str, rev_ids)),
            "rvprop": "ids|content",
            "rvslots": "main",
        }
        texts: dict[int, str | None] = dict.fromkeys(rev_ids)
        following: dict[str, str] | None = {}
        while following is not None:
            document = await ask(api, clock, {**parameters, **following})
            before, following = following, continuation(document)
            texts.update({it: text for it, text in history_rows.texts(document).items() if it in texts})
            if following is not None and following == before:
                await self._fetch_singly(api, clock, rev_ids)
                return
        self._keep(texts)

    async def _fetch_singly(self, api: ActionApi, clock: Clock, rev_ids: Sequence[int]) -> None:
        """An answer that leads to itself is MediaWiki's way to say that the next text is larger than it gives
        at once (`$wgAPIMaxResultSize`): alone, such a text counts as hidden."""
        if len(rev_ids) == 1:
            self._keep(dict.fromkeys(rev_ids))
            return
        for rev_id in rev_ids:
            await self._fetch_batch(api, clock, [rev_id])

    def _keep(self, texts: Mapping[int, str | None]) -> None:
        self._file.append({"texts": {str(rev_id): text for rev_id, text in texts.items()}})
        self._texts.update(texts)

    def write_history(self, path: Path) -> None:
        """All revisions in the format of `assay.revisions.files.history`, with the texts that were fetched.

        The file appears when it is whole, and is left alone when it is as young as what is known.
        """
        if path.exists() and path.stat().st_mtime_ns >= self._file.path.stat().st_mtime_ns:
            return
        lines = self._file.lines()
        texts: dict[str, str | None] = {}
        with replacing(path) as stream:
            for row in self.ordered():
                if row["rev_id"] in self._texts:
                    row = {**row, **_text_of(str(row["rev_id"]), texts, lines)}
                stream.write(orjson.dumps(row) + b"\n")

    def ordered(self) -> list[Row]:
        """Page after page in the order of time: as texts are asked for, and as the history is written."""
        return sorted(self.rows, key=lambda row: (row["page_id"], row["timestamp"], row["rev_id"]))


def _text_of(rev_id: str, texts: dict[str, str | None], lines: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Fields of a history's line. `texts`: read from `lines` and not yet written; these are mostly in the
    order of writing, so that few texts are held at a time."""
    while rev_id not in texts:
        texts.update(next(lines).get("texts", {}))
    text = texts.pop(rev_id)
    return {"text": None, "text_hidden": True} if text is None else {"text": text}
