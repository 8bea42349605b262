"""The parts of `assay precache`, plugged together."""

from __future__ import annotations

from pathlib import Path

from assay import __version__
from assay.clock import Clock, SystemClock
from assay.compose.bundles import choose, wikis_of
from assay.compose.precaching import rules_of, stream_faults
from assay.errors import ConfigurationError
from assay.events import Rules
from assay.precache.asking import Assay
from assay.precache.cursor import Cursor
from assay.precache.eventstreams import EventStreams
from assay.precache.options import SinkOptions, StreamOptions
from assay.precache.patience import Patience
from assay.precache.rcfeed_redis import RedisFeed
from assay.precache.rcfeed_udp import UdpFeed
from assay.precache.recentchanges import Pause, RecentChanges
from assay.precache.refilled import Refilled, Wake
from assay.precache.service import Follower
from assay.precache.sink import Sink
from assay.precache.sink_file import FileSink
from assay.precache.sink_http import HttpSink
from assay.precache.sink_redis import RedisSink
from assay.precache.sink_stdout import StdoutSink
from assay.precache.stream import Stream
from assay.precache.telling import Telling
from assay.revisions.wiki.action_api import ActionApi
from assay.scoring.wikis import models_for
from assay.settings import Settings, wrong
from assay.telemetry import Metrics, logger


def check_precache(settings: Settings) -> Rules:
    """The rules that are followed. Raises `ConfigurationError` for everything that is wrong."""
    choice = choose(settings)
    if told := stream_faults(settings):
        raise wrong(told)
    if not settings.precache.streams:
        raise ConfigurationError(
            "there is no stream to follow: give --follow, or precache.streams in the configuration"
        )
    found = choice.library.found
    models = {name: models_for(name, found, wiki.bundles) for name, wiki in choice.wikis.items()}
    rules = rules_of(wikis_of(settings), models)
    for name, sink in settings.precache.sinks.items():
        if sink.kind == "file":
            _check_file(f"precache.sinks.{name}.path", Path(sink.path))
    if not rules.models:
        raise ConfigurationError("no wiki has a rule for precaching: set wikis.<name>.precache")
    return rules


def _check_file(name: str, path: Path) -> None:
    """Raises `ConfigurationError` for what can never be appended to."""
    if not path.parent.is_dir():
        raise ConfigurationError(f"{name}: there is no folder {path.parent}: make it first")
    if path.is_dir() or path.is_fifo() or path.is_socket():
        raise ConfigurationError(f"{name}: {path} is no file, and lines cannot be appended to it")


def build_follower(settings: Settings, rules: Rules, patience: Patience, metrics: Metrics) -> Follower:
    """To be called in the event loop that it will run in, with the folder of positions held. Raises
    `ConfigurationError`."""
    options, clock = settings.precache, SystemClock()
    folder = Path(options.folder)
    streams = {
        name: (_stream(settings, stream, clock), Cursor(folder / f"{name}.json", _what(stream)))
        for name, stream in options.streams.items()
    }
    sinks = {name: _sink(settings, sink) for name, sink in options.sinks.items()}
    telling = Telling(sinks, patience, metrics)
    assay = Assay(options.assay, options.request_timeout_s)
    return Follower(options, rules, streams, assay, telling, patience, metrics, clock)


def precache_metrics(settings: Settings) -> Metrics:
    return Metrics(__version__, settings.release, "precache")


def _stream(settings: Settings, options: StreamOptions, clock: Clock) -> Stream:
    if options.kind == "eventstreams":
        return EventStreams(options.url, clock, settings.wiki_api.contact)
    if options.kind == "recentchanges":
        return _changes(settings, options, clock, None)
    wake = Wake(options.refill_s)
    if not options.wiki:
        logger(__name__).warning(
            "feed without a wiki to ask", kind=options.kind, advice="edits told while nobody listens are lost"
        )
    changes = _changes(settings, options, clock, wake.pause) if options.wiki else None
    if options.kind == "udp":
        return Refilled(UdpFeed(options.address), changes, wake)
    return Refilled(RedisFeed(settings.precache.redis or settings.redis, options.channel), changes, wake)


def _changes(settings: Settings, options: StreamOptions, clock: Clock, pause: Pause | None) -> RecentChanges:
    wiki = settings.wikis[options.wiki]
    return RecentChanges(
        ActionApi(wiki.source, settings.wiki_api),
        wiki.source,
        wiki.database or options.wiki,
        clock,
        poll_s=options.poll_s,
        overlap_s=options.overlap_s,
        pause=pause,
    )


def _what(options: StreamOptions) -> str:
    """Whose position it is: of a feed, its wiki's, so that the feed can be exchanged for another."""
    if options.kind == "eventstreams":
        return f"events of {options.url}"
    return f"recent changes of {options.wiki}" if options.wiki else options.kind


def _sink(settings: Settings, options: SinkOptions) -> Sink:
    if options.kind == "file":
        return FileSink(Path(options.path), fsync=options.fsync)
    if options.kind == "http":
        return HttpSink(options.url)
    if options.kind == "redis":
        redis = settings.precache.redis or settings.redis
        return RedisSink(redis, options.stream, options.max_entries)
    return StdoutSink()
