"""Each wiki's source is there, is the wiki that it is taken for, and its clock is ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, cast
from xml.etree import ElementTree

from assay.clock import Clock, Deadline
from assay.errors import SourceError, SourceUnavailable, reason_of
from assay.preflight.check import Check, Failed, Group, Outcome, Passed
from assay.revisions.files.compressed import open_stream
from assay.revisions.files.export import read_export
from assay.revisions.files.reader import RecordReader, record_reader
from assay.revisions.options import ApiOptions, is_live
from assay.revisions.wiki.action_api import ActionApi
from assay.settings import WikiSettings
from assay.telemetry import redacted
from assay.threads import in_thread

ADVICE: Final = "see that the wiki answers: its address, the network, what it says to others"
MAX_CLOCK_SKEW_S: Final = 10.0
"""Between a wiki's clock and ours. Ages of accounts and pages are counted in days, but a clock that is off by
more is not kept by anybody."""
_HEAD_BYTES: Final = 1024 * 1024
_SITEINFO: Final = {"action": "query", "meta": "siteinfo", "siprop": "general", "curtimestamp": "1"}


@dataclass(frozen=True)
class WikiSource:
    """One wiki by the name under which it is served."""

    name: str
    settings: WikiSettings
    api: ApiOptions
    clock: Clock
    limit_s: float

    def check(self) -> Check:
        run = self._live if is_live(self.settings.source) else self._file
        # An address may hold a password, however wrong that is.
        place = redacted("source", self.settings.source)
        return Check("source", f"{self.name} ({place})", run, ADVICE, self.limit_s)

    @property
    def database(self) -> str:
        return self.settings.database or self.name

    async def _live(self) -> Outcome:
        """Through the client that serving uses, with its retries and limits."""
        try:
            api = ActionApi(self.settings.source, self.api)
        except SourceError as error:
            return Failed(str(error), f"mend wikis.{self.name}.source")
        try:
            document = await api.query(_SITEINFO, Deadline.after(self.limit_s * 0.9, self.clock))
        except SourceUnavailable as error:
            return Failed(str(error), ADVICE)
        finally:
            await api.aclose()
        general = document.get("query", {}).get("general", {})
        if wrong := self._wrong(general.get("wikiid")):
            return wrong
        skew_s = _skew_s(document.get("curtimestamp"), self.clock.now())
        if skew_s is None or abs(skew_s) > MAX_CLOCK_SKEW_S:
            told = "tells no time" if skew_s is None else f"is {skew_s:+.0f} s from ours"
            return Failed(f"the wiki's clock {told}", "set this machine's clock (chrony, systemd-timesyncd)")
        return Passed(
            f"answers as {general['wikiid']} ({general.get('generator')}), its clock {skew_s:+.0f} s"
        )

    async def _file(self) -> Outcome:
        path = Path(self.settings.source)
        try:
            reader = record_reader(path)
            look = partial(_database_of, path) if reader is read_export else partial(_begin, reader, path)
            database = await in_thread(look)
        except (SourceError, OSError) as error:
            return Failed(reason_of(error), f"mend wikis.{self.name}.source")
        if database is None:
            return Passed("the file can be read", ("it does not say which wiki it is of",))
        return self._wrong(database) or Passed(f"an export of {database}")

    def _wrong(self, told: Any) -> Failed | None:
        if told == self.database:
            return None
        return Failed(
            f"it is the wiki {told!r}, not {self.database!r}",
            f"mend wikis.{self.name}.source; if it is right, set wikis.{self.name}.database = {str(told)!r}",
        )


def group(wikis: Mapping[str, WikiSettings], api: ApiOptions, clock: Clock, limit_s: float) -> Group:
    checks = [WikiSource(name, wiki, api, clock, limit_s).check() for name, wiki in wikis.items()]
    return Group("wiki", checks, "name the wikis to score: wikis.<name>.source")


def _skew_s(told: Any, now: datetime) -> float | None:
    """How far the wiki's clock is ahead of ours; it tells whole seconds."""
    try:
        return (datetime.fromisoformat(str(told)) - now).total_seconds()
    except (ValueError, TypeError):
        return None


def _begin(reader: RecordReader, path: Path) -> None:
    """Read the first revision, if there is one. Raises `SourceError`."""
    with open_stream(path) as stream:
        next(reader(stream, path), None)


def _database_of(path: Path) -> str | None:
    """``<dbname>`` of an export's head; None when it has none (schemas before 0.8). Raises `SourceError`."""
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(["start", "end"])
    with open_stream(path) as stream:
        head = stream.read(_HEAD_BYTES)
    if b"<!DOCTYPE" in head[:_HEAD_BYTES]:
        raise SourceError(f"{path} holds a document type definition: it is no MediaWiki export.")
    try:
        parser.feed(head)
        for event, element in cast(Iterable[tuple[str, ElementTree.Element]], parser.read_events()):
            tag = element.tag.rpartition("}")[2]
            if event == "end" and tag == "dbname":
                return element.text
            if event == "end" and tag == "siteinfo":
                return None
            if event == "start" and tag == "page":
                return None
    except ElementTree.ParseError as error:
        raise SourceError(f"{path} is no XML ({error}): fetch or export it again.") from None
    raise SourceError(f"{path} does not begin as a MediaWiki export: check the path.")
