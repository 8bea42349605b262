"""Whether a server is one that Assay can work with: one Redis or Valkey, neither a Cluster nor a Sentinel.

A Redis Cluster lets us log in, and even keeps some keys; it is commands on several keys and Celery's queues
that it refuses, one by one, later. So it is asked what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis import Redis

CLUSTER = (
    "is a Redis Cluster, which cannot work: one command of Assay's asks for many keys, and Celery's queues "
    "lie all over it"
)
SENTINEL = "is a Sentinel, which only knows where the Redis is"


def unfit(client: Redis, section: str) -> tuple[str, str] | None:
    """What is wrong with the server, and what to do; None: nothing. `section`: of the settings.

    It is asked by HELLO, with which redis-py begins every connection anyway. Raises redis-py's errors.
    """
    mode = _text(_pairs(client.execute_command("HELLO")).get(b"mode", b""))
    if mode == "cluster":
        return CLUSTER, (
            f"set {section}.url to a Redis or Valkey without cluster mode (cluster-enabled no); one is "
            "enough, and Sentinels may watch over its replicas"
        )
    if mode == "sentinel":
        return SENTINEL, f"name it in {section}.sentinels, and the service in {section}.sentinel_service"
    return None


def _pairs(told: Any) -> Mapping[bytes, Any]:
    """HELLO's answer in the shape of either protocol version."""
    return told if isinstance(told, Mapping) else dict(zip(told[::2], told[1::2], strict=True))


def _text(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)
