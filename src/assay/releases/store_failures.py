"""What is said of a release store that does not do what it should: the same words for every kind of store."""

from __future__ import annotations

from assay.errors import ConfigurationError, StoreUnavailable
from assay.releases.store import CHUNK_BYTES


def too_slow(address: str, key: str, limit_s: float) -> StoreUnavailable:
    return StoreUnavailable(
        f"the release store {address} is too slow: less than {CHUNK_BYTES // 1024} KiB of {key} came in "
        f"{limit_s:g} s; try again, or use another store"
    )


def broken_off(address: str, key: str, reason: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the release store {address} broke off while it gave {key} ({reason}); try again, or use another "
        "store"
    )


def away(address: str, reason: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the release store {address} does not answer ({reason}): check the address and the network"
    )


def failing(address: str, key: str, reason: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the release store {address} fails ({reason}) when asked for {key}; try again, or use another store"
    )


def no_rights(address: str, key: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"the release store {address} does not let us at {key} ({reason}): check credentials and rights"
    )
