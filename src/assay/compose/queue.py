"""What web processes share: scores, quotas, claims, and the queue of jobs, through Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import (
    AuthenticationError,
    MasterDownError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from assay.clock import Clock
from assay.errors import ConfigurationError, worded
from assay.scoring.claims import Claims
from assay.scoring.engine import Engine
from assay.scoring.fallback import FallbackEngine
from assay.scoring.queue.engine import CeleryEngine
from assay.scoring.queue.replies import BLOCK_S
from assay.scoring.wikis import ModelSets
from assay.settings import Settings
from assay.stores.guarded import GuardedStore
from assay.stores.kv import KeyValueStore
from assay.stores.quota import MemoryQuotas, Quotas, RedisQuotas
from assay.stores.redis import RedisStore
from assay.stores.redis_claims import RedisClaims
from assay.stores.redis_mode import unfit
from assay.stores.redis_options import RedisOptions, address, connect, connect_sync
from assay.telemetry import Metrics, logger

RIGHTS: Final = (
    "give Assay's user its rights on the server: ACL SETUSER … ~* &* +@all -@admin -@dangerous +info"
)
_PASSING_STATES: Final = ("MISCONF", "BUSY", "NOREPLICAS")
"""How a server answers that is the right one, and cannot work just now: of a full disk, even to PING."""


@dataclass(frozen=True)
class Shared:
    """What a web process has in common with others."""

    engine: Engine
    store: KeyValueStore
    quotas: Quotas
    claims: Claims


def queue_options(settings: Settings) -> RedisOptions:
    """Where the queue lies: with the scores, unless a server of its own is configured."""
    return settings.queue_redis or settings.redis


def redis_sections(settings: Settings) -> dict[str, RedisOptions]:
    """Each server once, by the section of the settings that names it."""
    sections = {"redis": settings.redis, "queue_redis": queue_options(settings)}
    return {name: options for name, options in sections.items() if name == "redis" or settings.queue_redis}


def build_shared(
    settings: Settings,
    models: ModelSets,
    make_pool: Callable[[], Engine],
    metrics: Metrics,
    clock: Clock,
) -> Shared:
    """`make_pool`: the engine to fall back on."""
    store = score_store(settings, scores_client(settings), metrics, clock)
    quotas = shared_quotas(settings, quotas_client(settings), clock)
    is_local = settings.queue.when_away == "local"
    engine: Engine = queue_engine(settings, models, metrics, clock, fails_fast=is_local)
    if is_local:
        engine = FallbackEngine(engine, make_pool, metrics, clock)
    claims = shared_claims(settings, claims_client(settings), metrics, clock)
    return Shared(engine, store, quotas, claims)


# -- every way by which a process of ours reaches Redis; preflight goes each of them -----------------


def scores_client(settings: Settings) -> AsyncRedis:
    return connect(settings.redis, answer_timeout_s=settings.shared_store.answer_timeout_s)


def quotas_client(settings: Settings) -> AsyncRedis:
    return connect(settings.redis, answer_timeout_s=settings.shared_store.answer_timeout_s)


def claims_client(settings: Settings) -> AsyncRedis:
    return connect(settings.redis)


def queue_client(settings: Settings) -> AsyncRedis:
    """A web process's, for lanes and jobs."""
    return connect(queue_options(settings))


def replies_client(settings: Settings) -> AsyncRedis:
    """A web process's, which sleeps in Redis until a reply comes."""
    options = queue_options(settings)
    return connect(options, answer_timeout_s=BLOCK_S + options.answer_timeout_s)


def worker_client(settings: Settings) -> redis.Redis:
    """A worker's, for replies and signs of life."""
    return connect_sync(queue_options(settings))


# -- what stands on these clients --------------------------------------------------------------------


def score_store(settings: Settings, client: AsyncRedis, metrics: Metrics, clock: Clock) -> KeyValueStore:
    return GuardedStore("scores", RedisStore(client), settings.shared_store, metrics, clock)


def shared_quotas(settings: Settings, client: AsyncRedis, clock: Clock) -> Quotas:
    guard = settings.shared_store
    own = MemoryQuotas(clock)
    return RedisQuotas(client, own, clock, timeout_s=guard.answer_timeout_s, rest_s=guard.rest_s)


def shared_claims(settings: Settings, client: AsyncRedis, metrics: Metrics, clock: Clock) -> Claims:
    return RedisClaims(client, settings.release, settings.claims, metrics, clock)


def send_limit_s(settings: Settings) -> float:
    """Seconds that one message may take on its way to the queue."""
    options = queue_options(settings)
    return options.connect_timeout_s + options.answer_timeout_s


def queue_engine(
    settings: Settings, models: ModelSets, metrics: Metrics, clock: Clock, *, fails_fast: bool = False
) -> CeleryEngine:
    """The engine of a web process, not yet started."""
    return CeleryEngine(
        settings.queue,
        settings.release,
        models,
        queue_client(settings),
        replies_client(settings),
        metrics,
        clock,
        send_limit_s=send_limit_s(settings),
        fails_fast=fails_fast,
    )


def check_redis(settings: Settings) -> None:
    """Whether the secrets are right, by really using them, and the server is no Cluster. One that is away may
    still come, so that is only logged. Raises `ConfigurationError`."""
    for section, options in redis_sections(settings).items():
        client = connect_sync(options)
        try:
            client.ping()
            if found := unfit(client, section):
                raise ConfigurationError(f"The server at {address(options)} {found[0]}: {found[1]}")
        except (RedisError, OSError) as error:
            if refused := _refusal(error, options, section):
                raise ConfigurationError(refused) from None
            logger(__name__).warning("redis is away", section=section, reason=worded(error))
        finally:
            client.close()


def _refusal(error: Exception, options: RedisOptions, section: str) -> str | None:
    """What an operator must mend here before this server can be used; None: it may yet serve us as it is."""
    if isinstance(error, AuthenticationError):
        return f"Redis refuses our user name or password ({error}): mend the settings under {section}"
    if isinstance(error, NoPermissionError):
        return f"Redis gives the user under {section} too few rights ({error}): {RIGHTS}"
    if isinstance(error, ResponseError) and not _may_pass(error):
        return f"The server at {address(options)} refuses us ({error}): mend the settings under {section}"
    return None


def _may_pass(error: ResponseError) -> bool:
    """redis-py takes away the word at the beginning where it has a class for it."""
    return isinstance(error, MasterDownError) or str(error).startswith(_PASSING_STATES)
