"""The first question to live wikis."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from assay.clock import SystemClock
from assay.compose.first_look import look, tell_silent
from assay.errors import SourceError
from assay.settings import WikiSettings
from servers.mediawiki import StandInMediaWiki, recorded, status


async def test_a_wiki_is_known_and_what_is_none_is_told_with_what_to_do() -> None:
    async with StandInMediaWiki(recorded()).serving() as wiki:
        await look(wiki.url, "", SystemClock())
        wiki.faults.append(status(404))
        with pytest.raises(SourceError, match=r"HTTP 404: check the wiki's address\..*Special:Version"):
            await look(wiki.url, "", SystemClock())


async def test_files_are_not_asked_and_no_wiki_stops_a_server() -> None:
    wikis = {
        "dumped": WikiSettings(source="dump.xml"),
        "gone": WikiSettings(source="http://127.0.0.1:9/w/api.php"),
    }
    with capture_logs() as told:
        await tell_silent(wikis, "", SystemClock())
    (warning,) = told
    assert (warning["log_level"], warning["wiki"]) == ("warning", "gone")
    assert "http://127.0.0.1:9/w/api.php: the connection failed" in warning["reason"]
