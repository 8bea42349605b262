"""Every setting of Assay, from files, environment variables and flags, checked all at once.

Layers, each over the one before: defaults, the base file, further files, environment variables,
flags. A file is TOML; ``[pool] processes = 4`` is ``ASSAY_POOL__PROCESSES=4`` in the environment. A
variable that ends in ``_FILE`` names a file that holds the value (for secrets). A key that no setting
has is an error that names the nearest one: a misspelt setting must never be a setting quietly not made.

pydantic validates; it does not read, because its settings reader ignores unknown environment variables.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

import orjson
from pydantic import TypeAdapter, ValidationError

from assay.errors import ConfigurationError
from assay.releases.options import ReleaseOptions
from assay.revisions.action_api import ApiOptions
from assay.revisions.record import MAX_TEXT_BYTES
from assay.scoring.cache import ScoreCacheOptions
from assay.scoring.pool import PoolOptions
from assay.scoring.queue.options import CeleryOptions, WorkerOptions
from assay.serving.app import AppOptions
from assay.serving.quota import QuotaOptions
from assay.serving.server import ServerOptions
from assay.stores.guarded import GuardOptions
from assay.stores.memory import MemoryStoreOptions
from assay.stores.redis_claims import ClaimOptions
from assay.stores.redis_options import RedisOptions
from assay.telemetry import LogOptions, TracingOptions, redacted

PREFIX: Final = "ASSAY_"
NESTED: Final = "__"
CONFIG_VARIABLE: Final = "ASSAY_CONFIG"
"""No setting: names configuration files, separated by colons, that are read before those of ``--config``."""
_MAX_FILE_BYTES: Final = 1024 * 1024
_RELEASE: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
_WIKI_NAME: Final = re.compile(r"[\w-]{1,100}")
"""Stands in the paths of the API as one segment."""
_LEAST_S: Final = 0.001
_MAY_BE_ZERO: Final = frozenset(
    {
        "queue.away_grace_s",
        "server.port",
        "http.drain_timeout_s",
        "web.health.reuse_s",
        "wiki_api.backoff_s",
        "wiki_api.maxlag_s",
        "worker.metrics_port",
    }
)


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


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the web process listens."""

    host: str = "127.0.0.1"
    """Address; loopback by default, so that nobody serves the world by accident."""
    port: int = 8080
    """TCP port, 1 to 65535; 0 lets the system choose."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError("port must lie in 0 … 65535 (0 lets the system choose)")


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
    """Folder for the indexes of dumps that lie in read-only folders. None: ``assay`` in the user's cache."""
    max_text_bytes: int = MAX_TEXT_BYTES
    """Revisions with a longer text are answered with a problem; MediaWiki's own limit is 2 MiB."""
    wiki_api: ApiOptions = field(default_factory=ApiOptions)
    http: ServerOptions = field(default_factory=ServerOptions)
    web: AppOptions = field(default_factory=AppOptions)
    quota: QuotaOptions = field(default_factory=QuotaOptions)
    pool: PoolOptions = field(default_factory=PoolOptions)
    cache: ScoreCacheOptions = field(default_factory=ScoreCacheOptions)
    memory: MemoryStoreOptions = field(default_factory=MemoryStoreOptions)
    redis: RedisOptions = field(default_factory=RedisOptions)
    queue_redis: RedisOptions = field(default_factory=RedisOptions)
    shared_store: GuardOptions = field(default_factory=GuardOptions)
    claims: ClaimOptions = field(default_factory=ClaimOptions)
    queue: CeleryOptions = field(default_factory=CeleryOptions)
    worker: WorkerOptions = field(default_factory=WorkerOptions)
    log: LogOptions = field(default_factory=LogOptions)
    tracing: TracingOptions = field(default_factory=TracingOptions)
    releases: ReleaseOptions = field(default_factory=ReleaseOptions)


def load(
    files: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings that these layers give. `environment`: None for the process's own.

    Raises `ConfigurationError` that lists *every* fault of all layers, each with its file or variable.
    """
    faults: list[str] = []
    merged: dict[str, Any] = {}
    for name, layer in _layers(
        files, os.environ if environment is None else environment, flags or {}, faults
    ):
        faults.extend(f"{name}: {fault}" for fault in _unknown_keys(layer, Settings))
        merged = _merge(merged, layer)
    try:
        settings = TypeAdapter(Settings).validate_python(merged)
        faults.extend(_out_of_range(describe(settings)))
        faults.extend(
            f"wikis: {name!r} is no name for a wiki: use letters, digits, - and _, as in enwiki"
            for name in settings.wikis
            if not _WIKI_NAME.fullmatch(name)
        )
        if not _RELEASE.fullmatch(settings.release):
            faults.append("release: use 1 to 64 letters, digits, dots, hyphens and underscores")
    except ValidationError as error:
        faults.extend(_describe(error))
    if faults:
        raise ConfigurationError("the configuration is wrong:\n  " + "\n  ".join(dict.fromkeys(faults)))
    return settings


def read_file(path: Path) -> dict[str, Any]:
    """A configuration file as it stands. Raises `ConfigurationError`."""
    try:
        return _read(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def merged(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Layers as one, each over the one before."""
    whole: dict[str, Any] = {}
    for layer in layers:
        whole = _merge(whole, layer)
    return whole


def files_of(environment: Mapping[str, str]) -> list[Path]:
    """The configuration files that the environment names."""
    return [Path(part) for part in environment.get(CONFIG_VARIABLE, "").split(":") if part]


def describe(settings: Settings) -> dict[str, Any]:
    """As plain values, for ``assay config show``; nothing in it is secret."""
    plain = TypeAdapter(Settings).dump_python(settings, mode="json")
    assert isinstance(plain, dict)
    return _redacted(plain)


def _redacted(section: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _redacted(value) if isinstance(value, Mapping) else redacted(key, value)
        for key, value in section.items()
    }


def json_schema() -> dict[str, Any]:
    """JSON Schema of the configuration that this code reads."""
    return TypeAdapter(Settings).json_schema()


def names(section: type = Settings, prefix: str = "") -> Iterator[str]:
    """Dotted names of all settings (``pool.processes``, ``wikis.<name>.source``), in order."""
    for name, kind in hints(section).items():
        inner = section_of(kind)
        if inner is None:
            yield f"{prefix}{name}"
        else:
            yield from names(inner, f"{prefix}{name}." + ("<name>." if is_mapping(kind) else ""))


def _layers(
    files: Sequence[Path], environment: Mapping[str, str], flags: Mapping[str, Any], faults: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in files:
        try:
            yield str(path), _read(path)
        except (OSError, ValueError) as error:
            faults.append(f"{path}: {error}")
    for variable, value in sorted(environment.items()):
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE:
            try:
                yield variable, _from_variable(variable, value)
            except (OSError, ValueError) as error:
                faults.append(f"{variable}: {error}")
    yield "command line", dict(flags)


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise ValueError(f"is larger than {_MAX_FILE_BYTES} bytes: is it a configuration file?")
    return tomllib.loads(path.read_text("utf-8"))


def _from_variable(variable: str, value: str) -> dict[str, Any]:
    """``ASSAY_POOL__PROCESSES=4`` as ``{"pool": {"processes": 4}}``; JSON where it is a list or an object."""
    name = variable.removeprefix(PREFIX)
    if name.endswith("_FILE"):
        name, value = name.removesuffix("_FILE"), Path(value).read_text("utf-8").strip()
    decoded: Any = value
    if value[:1] in ("[", "{"):
        decoded = orjson.loads(value)
    for part in reversed(name.lower().split(NESTED)):
        decoded = {part: decoded}
    assert isinstance(decoded, dict)
    return decoded


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _unknown_keys(layer: Mapping[str, Any], section: type, path: str = "") -> Iterator[str]:
    known = hints(section)
    for key, value in layer.items():
        if key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0.5)
            advice = f"did you mean {path}{near[0]}?" if near else f"there are: {', '.join(sorted(known))}"
            yield f"unknown setting {path}{key}; {advice}"
            continue
        inner = section_of(known[key])
        if inner is None or not isinstance(value, Mapping):
            continue
        if is_mapping(known[key]):
            for name, item in value.items():
                if isinstance(item, Mapping):
                    yield from _unknown_keys(item, inner, f"{path}{key}.{name}.")
        else:
            yield from _unknown_keys(value, inner, f"{path}{key}.")


@cache
def hints(section: type) -> dict[str, Any]:
    """The types of a section's keys."""
    types = get_type_hints(section)
    return {item.name: types[item.name] for item in fields(section)}


def is_mapping(kind: Any) -> bool:
    """Whether a key holds named items, as `wikis` does."""
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def section_of(kind: Any) -> type | None:
    """The dataclass that a section, or each item of a mapping, is made of; None for a plain value."""
    candidate = get_args(kind)[1] if is_mapping(kind) else kind
    return candidate if isinstance(candidate, type) and is_dataclass(candidate) else None


def _out_of_range(section: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every number is a size, a count or a time; only those of `_MAY_BE_ZERO` mean something when zero."""
    for key, value in section.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            yield from _out_of_range(value, f"{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            least = 0 if name in _MAY_BE_ZERO else 1 if isinstance(value, int) else _LEAST_S
            if not least <= value < math.inf:
                yield f"{name}: must be a number from {least} on (it is {value})"


def _describe(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False):
        place = ".".join(str(part) for part in fault["loc"]) or "settings"
        yield f"{place}: {fault['msg']}{_told(place, fault['input'])}"


def _told(place: str, value: Any) -> str:
    """The faulty value, unless it may hold a secret."""
    if isinstance(value, Mapping):
        return ""
    return f" (it is {redacted(place, value)!r:.80})"
