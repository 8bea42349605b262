"""The operator's own wiki: its history from its API, as far as a model needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from assay.clock import Clock
from assay.errors import ConfigurationError, SourceUnavailable, TooFewReverts
from assay.models.training.chosen_edits import Choice, choose
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.download import Download, Report, Site, Window, brisk, polite, read_site

MAX_EDITS: Final = 20_000
"""Edits whose texts are fetched: more rows of one small wiki hardly make the model better."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class WikiHistory:
    """A history that was downloaded to `path`. `first`, `until`: what it spans, ISO 8601. `revisions`: all of
    its lines; `choice`: those with texts."""

    wiki: str
    window: Window
    path: Path
    generator: str
    revisions: int
    first: str
    until: str
    choice: Choice

    @property
    def told(self) -> str:
        """For a card."""
        learned = len(self.choice.edits)
        sampled = "" if learned == self.choice.usable else f", of which {learned} were drawn by lot"
        return (
            f"identity reverts in the history of {self.window.api} ({self.generator}): {self.revisions} "
            f"revisions of articles from {self.first[:10]} to {self.until[:10]}, {self.choice.usable} usable "
            f"edits{sampled}, {self.choice.reverted} reverted"
        )


async def fetch_history(
    name: str | None,
    window: Window,
    folder: Path,
    clock: Clock,
    now: datetime,
    report: Report,
    *,
    contact: str = "",
    max_edits: int = MAX_EDITS,
    least_reverted: int = 0,
) -> WikiHistory:
    """The history of the wiki in `folder`; begun before, it goes on where it was.

    `name`: None for the wiki's own. `max_edits`: 0 fetches no texts. Raises `TooFewReverts` before any text
    is fetched, `SourceError` for a wiki that cannot be read, `SourceUnavailable` when it does not answer now.
    """
    report(0, 1, f"asking {window.api}")
    site = await _site(window.api, contact, clock)
    wiki = _checked(site.id if name is None else name, given=name is not None)
    path = folder / f"{wiki}.jsonl"
    journal = folder / f"{wiki}.download.jsonl"
    async with aclosing(ActionApi(window.api, polite(contact))) as api:
        with _going_on_later(), closing(Download(journal, window, site, now)) as download:
            await download.fetch_revisions(api, clock, site.edits, report)
            rows = download.ordered()
            choice = choose(rows, max_edits)
            if choice.reverted < least_reverted:
                raise TooFewReverts(_too_few(wiki, window, choice.reverted, least_reverted))
            await download.fetch_texts(api, clock, choice.texts, report)
            download.write_history(path)
    first = min((row["timestamp"] for row in rows), default=download.until)
    return WikiHistory(wiki, window, path, site.generator, len(rows), first, download.until, choice)


@contextmanager
def _going_on_later() -> Iterator[None]:
    """Says of a wiki that stopped answering what becomes of what came."""
    try:
        yield
    except SourceUnavailable as error:
        raise SourceUnavailable(f"{error}. What came is kept: run the same command again later.") from None


async def _site(url: str, contact: str, clock: Clock) -> Site:
    async with aclosing(ActionApi(url, brisk(contact))) as api:
        return await read_site(api, clock)


def _checked(name: str, *, given: bool) -> str:
    if _NAME.fullmatch(name):
        return name
    whose = "" if given else ", which the wiki calls itself,"
    raise ConfigurationError(
        f"{name!r}{whose} is no name for a bundle: give --name with small letters, digits, - and _, "
        "beginning with a letter"
    )


def _too_few(wiki: str, window: Window, reverted: int, least: int) -> str:
    return (
        f"too few reverts ({reverted}; at least {least} are needed): use anywiki, which does as well or "
        f"better then and needs no training: assay serve --wiki {wiki}={window.api}"
    )
