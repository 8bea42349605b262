"""What web processes share: scores, quotas, claims, and the queue of jobs, through Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redis.exceptions import AuthenticationError, RedisError, ResponseError

from assay.clock import Clock
from assay.errors import ConfigurationError
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
from assay.stores.redis_options import RedisOptions, connect, connect_sync
from assay.telemetry import Metrics, logger


@dataclass(frozen=True)
class Shared:
    """What a web process has in common with others."""

    engine: Engine
    store: KeyValueStore
    quotas: Quotas
    claims: Claims


def queue_options(settings: Settings) -> RedisOptions:
    """Where the queue lies: with the scores, unless a server of its own is configured."""
    return settings.redis if settings.queue_redis == RedisOptions() else settings.queue_redis


def build_shared(
    settings: Settings,
    models: ModelSets,
    make_pool: Callable[[], Engine],
    metrics: Metrics,
    clock: Clock,
) -> Shared:
    """`make_pool`: the engine to fall back on."""
    limit_s = settings.shared_store.answer_timeout_s
    store = RedisStore(connect(settings.redis, answer_timeout_s=limit_s))
    guarded = GuardedStore("scores", store, settings.shared_store, metrics, clock)
    shared = connect(settings.redis, answer_timeout_s=limit_s)
    quotas = RedisQuotas(shared, MemoryQuotas(clock), clock)
    is_local = settings.queue.when_away == "local"
    engine: Engine = _queue_engine(settings, models, metrics, clock, fails_fast=is_local)
    if is_local:
        engine = FallbackEngine(engine, make_pool, metrics, clock)
    claims = RedisClaims(connect(settings.redis), settings.release, settings.claims, metrics, clock)
    return Shared(engine, guarded, quotas, claims)


def _queue_engine(
    settings: Settings, models: ModelSets, metrics: Metrics, clock: Clock, *, fails_fast: bool
) -> CeleryEngine:
    options = queue_options(settings)
    return CeleryEngine(
        settings.queue,
        settings.release,
        models,
        connect(options),
        connect(options, answer_timeout_s=BLOCK_S + options.answer_timeout_s),
        metrics,
        clock,
        send_limit_s=options.connect_timeout_s + options.answer_timeout_s,
        fails_fast=fails_fast,
    )


def check_redis(settings: Settings) -> None:
    """Whether the secrets are right, by really using them. A server that is away may still come, so that is
    only logged. Raises `ConfigurationError`."""
    for section, options in (("redis", settings.redis), ("queue_redis", queue_options(settings))):
        client = connect_sync(options)
        try:
            client.ping()
        except (AuthenticationError, ResponseError) as error:
            raise ConfigurationError(
                f"Redis refuses our user name or password ({error}): mend the settings under {section}"
            ) from None
        except (RedisError, OSError) as error:
            logger(__name__).warning("redis is away", section=section, reason=repr(error))
        finally:
            client.close()
