"""What a server says that it is, asked of real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from assay.compose.queue import check_redis
from assay.errors import ConfigurationError
from assay.settings import load
from assay.stores.redis_mode import unfit
from servers import redis as redis_server
from servers.redis import RedisServer


@pytest.fixture(scope="module")
def masters() -> Iterator[list[RedisServer]]:
    with redis_server.cluster() as started:
        yield started


@pytest.mark.parametrize("protocol", [2, 3])
def test_one_server_is_fit_and_a_cluster_is_not(masters: list[RedisServer], protocol: int) -> None:
    with redis_server.running() as server, redis.Redis(port=server.port, protocol=protocol) as client:
        assert unfit(client, "redis") is None
    for master in masters:
        with redis.Redis(port=master.port, protocol=protocol) as client:
            said, todo = unfit(client, "queue_redis") or ("", "")
            assert said.startswith("is a Redis Cluster")
            assert todo.startswith("set queue_redis.url to ")


def test_a_sentinel_is_told_where_to_stand(tmp_path: Path) -> None:
    with redis_server.running() as server, redis_server.sentinel(tmp_path, server.port) as watching:
        with watching.client() as client:
            said, todo = unfit(client, "redis") or ("", "")
        assert "Sentinel" in said
        assert "redis.sentinels" in todo


@pytest.mark.parametrize("section", ["redis", "queue_redis"])
def test_no_role_starts_on_a_cluster(masters: list[RedisServer], section: str) -> None:
    """A MOVED in the middle of some request would be the first that anybody hears of it."""
    with redis_server.running() as server:
        urls = {"ASSAY_REDIS__URL": server.url, f"ASSAY_{section.upper()}__URL": masters[0].url}
        with pytest.raises(ConfigurationError, match=rf"is a Redis Cluster, .*set {section}\.url"):
            check_redis(load(environment=urls))
