"""The tree of all settings; each section is the options of the part that uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.events import EventSet
from assay.models.statistics.operating_points import OperatingPoint
from assay.precache.options import PrecacheOptions
from assay.releases.options import ReleaseOptions
from assay.revisions.options import ApiOptions
from assay.revisions.record import MAX_TEXT_BYTES
from assay.rollout.options import RolloutOptions
from assay.scoring.options import PoolOptions, ScoreCacheOptions
from assay.scoring.queue.options import CeleryOptions, WorkerOptions
from assay.serving.options import AppOptions, QuotaOptions, ServerOptions
from assay.stores.options import ClaimOptions, GuardOptions, MemoryStoreOptions
from assay.stores.redis_options import RedisOptions
from assay.telemetry import LogOptions, TracingOptions


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What an operator adds to a model of one wiki."""

    operating_points: Mapping[str, OperatingPoint] = field(default_factory=dict)
    """Named thresholds, besides those of the model's kind, or in place of them (``likelybad``)."""


@dataclass(frozen=True, slots=True)
class WikiSettings:
    """One wiki to score."""

    source: str
    """An api.php URL, an XML dump (plain, .gz, .bz2, .xz, .lzma, .7z) or a .jsonl(.xz) history."""
    bundles: str | None = None
    """Whose models to use: the wiki part of the bundles' names. None: those of the wiki's own name. Models
    that neither has come from ``anywiki``."""
    database: str | None = None
    """What the wiki calls itself (``wikiid`` in its siteinfo, ``dbname`` in its dumps). None: the wiki's name
    here. `assay preflight` refuses a source that is another wiki."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Further names of its models in ORES's API, each with the model that it means, such as
    ``quality = "articlequality"``; answers use the name that was asked. ``wp10`` needs none."""
    precache: Mapping[str, tuple[EventSet, ...]] | None = None
    """Which edits are scored as they happen: event sets by model, such as ``damaging = ["nonbot_edit"]``.
    None: the [usual ones](../how-to/precache.md#rules); empty: no edits."""
    models: Mapping[str, ModelSettings] = field(default_factory=dict)
    """Of its models, by name."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the web process listens."""

    host: str = "127.0.0.1"
    """Address; loopback by default, so that nobody serves the world by accident."""
    port: int = 8080
    """TCP port, 1 to 65535; 0 lets the system choose."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All of them; each section is the options of one part."""

    wikis: Mapping[str, WikiSettings] = field(default_factory=dict)
    """By database name. Empty: the sample wiki that comes with Assay."""
    test_wiki: bool = True
    """Whether ``testwiki`` is served, whose model any client can make wait (``feature.delay``): good for
    trying time limits, and a way to keep scoring processes busy; set it to false where strangers may ask."""
    server: ServerSettings = ServerSettings()
    release: str = "dev"
    """Name of this release: letters, digits, dots, hyphens, underscores. It stands in the queue's name, on
    every job and in every metric, so that processes of two releases never work for each other."""
    bundle_directories: tuple[str, ...] = ()
    """Folders with further bundles, ``<wiki>/<model>/``; the later wins over the earlier and the shipped."""
    shipped_bundles: bool = True
    """Whether the bundles that come with Assay's code count. A release sets it to false: it brings its own,
    and a wiki that these leave without a model must be an error, not a wiki with another model."""
    cache_dir: str | None = None
    """Folder for the indexes of dumps that lie in read-only folders, or in one for all users, such as /tmp.
    None: ``assay`` in the user's cache."""
    max_text_bytes: int = MAX_TEXT_BYTES
    """Revisions with a longer text are answered with a problem; MediaWiki's own limit is 2 MiB."""
    must_be_set: tuple[str, ...] = ()
    """Dotted names of settings that no environment may leave out, such as ``["redis.password"]``: a password
    that production alone has hides faults from all others."""
    wiki_api: ApiOptions = field(default_factory=ApiOptions)
    http: ServerOptions = field(default_factory=ServerOptions)
    web: AppOptions = field(default_factory=AppOptions)
    quota: QuotaOptions = field(default_factory=QuotaOptions)
    pool: PoolOptions = field(default_factory=PoolOptions)
    cache: ScoreCacheOptions = field(default_factory=ScoreCacheOptions)
    memory: MemoryStoreOptions = field(default_factory=MemoryStoreOptions)
    redis: RedisOptions = field(default_factory=RedisOptions)
    queue_redis: RedisOptions | None = None
    shared_store: GuardOptions = field(default_factory=GuardOptions)
    claims: ClaimOptions = field(default_factory=ClaimOptions)
    queue: CeleryOptions = field(default_factory=CeleryOptions)
    worker: WorkerOptions = field(default_factory=WorkerOptions)
    precache: PrecacheOptions = field(default_factory=PrecacheOptions)
    log: LogOptions = field(default_factory=LogOptions)
    tracing: TracingOptions = field(default_factory=TracingOptions)
    releases: ReleaseOptions = field(default_factory=ReleaseOptions)
    rollout: RolloutOptions = field(default_factory=RolloutOptions)
