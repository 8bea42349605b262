"""What no schema can say: settings that are right one by one and wrong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.scoring.synthetic import TEST_WIKI
from assay.settings.layers import FROM_FILE, NESTED, PREFIX
from assay.settings.sections import ANY_NAME, names
from assay.settings.tree import Settings
from assay.stores.redis_options import RedisOptions, account, given_twice, server


def cross_checks(settings: Settings, values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each fault. `values`: what was given, without defaults."""
    yield from _must_be_set(settings, values)
    yield from _two_redis(settings.redis, settings.queue_redis)
    if settings.precache.redis is not None:
        yield from (f"precache.redis: {fault}" for fault in given_twice(settings.precache.redis))
    if settings.test_wiki and TEST_WIKI in settings.wikis:
        yield f"wikis.{TEST_WIKI} and test_wiki are two wikis of one name: set test_wiki = false"


def _must_be_set(settings: Settings, values: Mapping[str, Any]) -> Iterator[str]:
    known = {name for name in names() if ANY_NAME not in name}
    for name in settings.must_be_set:
        if name not in known:
            yield f"must_be_set: there is no setting {name!r}"
            continue
        value: Any = values
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None or value == "":
            yield (
                f"{name}: must be set in every environment (must_be_set names it): write it into a secret "
                f"file named {name}, or set {PREFIX}{name.upper().replace('.', NESTED)}{FROM_FILE}"
            )


def _two_redis(redis: RedisOptions, queue: RedisOptions | None) -> Iterator[str]:
    """One server has one password for one user, however often it is named."""
    sections = {"redis": redis, **({"queue_redis": queue} if queue else {})}
    for name, options in sections.items():
        yield from (f"{name}: {fault}" for fault in given_twice(options))
    if queue is None or server(redis) != server(queue):
        return
    (user, password), (queue_user, queue_password) = account(redis), account(queue)
    if user == queue_user and password != queue_password:
        yield (
            "redis and queue_redis are one server and one user with different passwords: "
            "give both the same, or leave queue_redis out"
        )
