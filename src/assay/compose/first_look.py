"""A first question to each live wiki, so that a wrong address is told at the start, not with each score."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

from assay.clock import Clock
from assay.errors import SourceError
from assay.revisions.options import is_live
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.download import brisk, read_site
from assay.settings import WikiSettings
from assay.telemetry import logger

_AT_ONCE: Final = 4
"""Wikis that are asked: hundreds may stand behind one front, which counts questions by address."""


async def look(url: str, contact: str, clock: Clock) -> None:
    """Ask the api.php at `url` what it is, twice at most, for a quarter of a minute each; one that asks us to
    wait is waited for. Raises `SourceError`, saying what came instead and what to do."""
    async with aclosing(ActionApi(url, brisk(contact))) as api:
        await read_site(api, clock)


async def tell_silent(wikis: Mapping[str, WikiSettings], contact: str, clock: Clock) -> None:
    """Log each live wiki that does not answer as one. Raises nothing: a server starts all the same, for a
    wiki that is away comes back, and each of its scores says so until then."""
    live = {name: wiki.source for name, wiki in wikis.items() if is_live(wiki.source)}
    places = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_tell_silent(name, url, contact, clock, places) for name, url in live.items()))


async def _tell_silent(name: str, url: str, contact: str, clock: Clock, places: asyncio.Semaphore) -> None:
    try:
        async with places:
            await look(url, contact, clock)
    except SourceError as error:
        logger(__name__).warning("the wiki does not answer as one", wiki=name, reason=str(error))
