"""What an operator sets about stores. Redis's address is in `redis_options`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """When the Redis of scores and quotas is given up, and for how long."""

    answer_timeout_s: float = 0.25
    """Seconds for one look-up or one storing, and to count one client; computing a score takes 0.02."""

    failures: int = 3
    """Failures in a row after which scores leave it alone; quotas do after one."""

    rest_s: float = 2.0
    """Seconds that it is left alone; then one request tries it."""


@dataclass(frozen=True, slots=True)
class MemoryStoreOptions:
    """Bounds of a `MemoryStore`."""

    max_entries: int = 200_000
    """Entries kept; 200 000 scores are a day of English Wikipedia's edits."""

    max_bytes: int = 128 * 1024 * 1024
    """Bytes of keys, values and overhead; a small server's share."""


@dataclass(frozen=True, slots=True)
class ClaimOptions:
    """How web processes agree on who computes."""

    ttl_s: float = 3.0
    """Seconds after which a dead process's claims are free; a living one renews them. A good answer lies in
    its claim's place for as long."""

    answer_timeout_s: float = 0.25
    """Seconds for Redis to answer; without an answer everybody computes."""

    rest_s: float = 2.0
    """Seconds that Redis is left alone after it did not answer."""
