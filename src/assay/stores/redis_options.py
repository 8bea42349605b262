"""Where Redis is and with which secret, said once and understood by every client in the same way.

On 2016-08-01 ORES parsed the Redis address itself, beside its client library, and got the password wrong;
only production had one. Here redis-py alone parses; Celery's broker is given an address that is *made* from
the parsed parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import redis
import redis.asyncio
from redis.asyncio.connection import Connection
from redis.asyncio.connection import SSLConnection as AsyncSSLConnection
from redis.asyncio.connection import parse_url as parse_async_url
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection
from redis.connection import SSLConnection, UnixDomainSocketConnection, parse_url
from redis.sentinel import Sentinel

from assay.stores.redis_connection import telling

SENTINEL_PORT: Final = 26379
_LIMITS: Final = (
    "socket_connect_timeout",
    "socket_timeout",
    "health_check_interval",
    "max_connections",
)
"""Settings of their own here, so that the URL has no say in them."""
_OWN_SETTINGS: Final = frozenset({*_LIMITS, "username", "password", "host", "port", "path"})


@dataclass(frozen=True, slots=True)
class RedisOptions:
    """One Redis (or Valkey) server, or one that Sentinels know. Not a Redis Cluster: there, one command
    cannot ask for many keys."""

    url: str = field(default="redis://127.0.0.1:6379/0", repr=False)
    """``redis://[user:password@]host:port/db``, ``rediss://…`` for TLS, ``unix://[user:password@]/path?db=0``;
    other characters than letters and digits in a user name or password are percent-encoded (or given apart,
    as they are)."""

    username: str | None = None
    """User name, as it is; the URL must then name none."""

    password: str | None = field(default=None, repr=False)
    """Password, as it is; the URL must then hold none. Best from a file: ``ASSAY_REDIS__PASSWORD_FILE``, or
    one named ``redis.password`` among an environment's secrets."""

    tls_ca_file: str | None = None
    """Certificates that vouch for the server, PEM; None: the system's."""

    sentinels: tuple[str, ...] = ()
    """Sentinels as ``host:port``; then the URL's host and port count for nothing."""

    sentinel_service: str = "mymaster"
    """Name under which the Sentinels know the server."""

    sentinel_password: str | None = field(default=None, repr=False)
    """Password of the Sentinels themselves."""

    connect_timeout_s: float = 1.0
    """Seconds to connect."""

    answer_timeout_s: float = 2.0
    """Seconds for one answer."""

    max_connections: int = 64
    """Connections at once of one process and purpose; further commands wait for one."""

    def __post_init__(self) -> None:
        for address in self.sentinels:
            _host_and_port(address)
        _check(self)


@dataclass(frozen=True, slots=True)
class Broker:
    """What Celery needs to reach the same server. `options`: for its configuration, by key."""

    url: str = field(repr=False)
    transport_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tls: Mapping[str, Any] | None = None


class _WithSentinels(redis.asyncio.Redis):
    """Closes its connections to the Sentinels with its own; redis-py forgets them."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def connect(options: RedisOptions, *, answer_timeout_s: float | None = None) -> redis.asyncio.Redis:
    """A client for one event loop; it connects when it is first used."""
    limits = _limits(options, answer_timeout_s)
    if options.sentinels:
        sentinel = AsyncSentinel(_sentinels(options), sentinel_kwargs=_to_sentinels(options, limits))
        parts = _of_service(options, limits)
        kind = SentinelManagedSSLConnection if parts.get("ssl") else SentinelManagedConnection
        client: redis.asyncio.Redis = sentinel.master_for(
            options.sentinel_service, redis_class=_WithSentinels, **parts, connection_class=telling(kind)
        )
        return client
    parts = _parts(options, parse_async_url)
    parts["connection_class"] = telling(parts.get("connection_class", Connection))
    pool = redis.asyncio.BlockingConnectionPool(timeout=limits["socket_timeout"], **parts, **limits)
    return redis.asyncio.Redis.from_pool(pool)  # which closes the pool with itself


def connect_sync(options: RedisOptions, *, answer_timeout_s: float | None = None) -> redis.Redis:
    """A blocking client, for a worker's processes and for checks."""
    limits = _limits(options, answer_timeout_s)
    if options.sentinels:
        sentinel = Sentinel(_sentinels(options), sentinel_kwargs=_to_sentinels(options, limits))
        client: redis.Redis = sentinel.master_for(options.sentinel_service, **_of_service(options, limits))
        return client
    return redis.Redis.from_pool(redis.ConnectionPool(**_parts(options), **limits))


def without_account(options: RedisOptions) -> redis.Redis:
    """A blocking client to the same server that logs in with nothing: a safe server refuses it."""
    limits = _limits(options, None)
    if options.sentinels:
        sentinel = Sentinel(_sentinels(options), sentinel_kwargs=_to_sentinels(options, limits))
        client: redis.Redis = sentinel.master_for(
            options.sentinel_service, **_anonymous(_of_service(options, limits))
        )
        return client
    return redis.Redis.from_pool(redis.ConnectionPool(**_anonymous(_parts(options)), **limits))


def address(options: RedisOptions) -> str:
    """Where, for people, without any secret: ``10.0.0.1:6379/0``."""
    parts = _parts(options)
    db = _account(parts)["db"]
    if options.sentinels:
        return f"{options.sentinel_service} by {', '.join(options.sentinels)}, database {db}"
    if parts.get("connection_class") is UnixDomainSocketConnection:
        return f"{parts['path']}, database {db}"
    return f"{_bracketed(parts.get('host', '127.0.0.1'))}:{parts.get('port', 6379)}/{db}"


def secrets_of(options: RedisOptions) -> frozenset[str]:
    """Every secret in it, also as it stands in addresses: whoever prints something leaves them out."""
    given = (options.password, options.sentinel_password, _account(_parts(options))["password"])
    plain = {str(secret) for secret in given if secret}
    return frozenset(plain | {quote(secret, safe="") for secret in plain})


def has_password(options: RedisOptions) -> bool:
    """Whether clients log in with a password, given apart or in the URL."""
    return _account(_parts(options))["password"] is not None


def broker(options: RedisOptions) -> Broker:
    """The same server and account for Celery, whose own parser percent-decodes each part."""
    parts = _parts(options)
    account = _account(parts)
    login = _login(account["username"], account["password"])
    db = account["db"]
    limits: dict[str, Any] = {
        "socket_connect_timeout": options.connect_timeout_s,
        "socket_timeout": options.answer_timeout_s + 1.0,  # exceeds the second that a worker waits for work
    }
    if options.sentinels:
        url = ";".join(
            f"sentinel://{login}{_bracketed(host)}:{port}/{db}" for host, port in _sentinels(options)
        )
        service = {
            "master_name": options.sentinel_service,
            "sentinel_kwargs": {**limits, "password": options.sentinel_password},
        }
        return Broker(url, {**limits, **service}, _broker_tls(parts))
    if parts.get("connection_class") is UnixDomainSocketConnection:
        path = quote(str(parts["path"]).removeprefix("/"), safe="/")
        return Broker(f"redis+socket://{login}/{path}?virtual_host={db}", limits)
    host, port = parts.get("host", "127.0.0.1"), parts.get("port", 6379)
    return Broker(f"redis://{login}{_bracketed(host)}:{port}/{db}", limits, _broker_tls(parts))


def given_twice(options: RedisOptions) -> list[str]:
    """A sentence for each thing that the URL says and that is said apart as well; nothing secret is in it.

    A client would let one of the two win, and a stale password might be the one.
    """
    parts = parse_url(options.url)
    address = urlsplit(options.url)
    query = set(parse_qs(address.query, keep_blank_values=True))  # redis-py reads it; this only sees names
    faults = [
        f"the {name} stands in the URL and apart: keep one of them"
        for name, value in (("username", options.username), ("password", options.password))
        if value is not None and parts.get(name) is not None
    ]
    if options.tls_ca_file is not None and "ssl_ca_certs" in query:
        faults.append("the URL's ssl_ca_certs and tls_ca_file are one thing: keep tls_ca_file")
    if "db" in query and address.scheme != "unix" and address.path.strip("/"):
        faults.append("the URL names two databases, in its path and as db=: keep one of them")
    if own := sorted(query & _OWN_SETTINGS):
        faults.append(
            f"the URL's query holds {', '.join(own)}: write it before the ?, or as the setting for it"
        )
    return faults


def server(options: RedisOptions) -> tuple[Any, ...]:
    """Who answers: equal for options that lead to the same server, as far as names tell."""
    if options.sentinels:
        return ("sentinel", options.sentinel_service, *sorted(_sentinels(options)))
    parts = _parts(options)
    if parts.get("connection_class") is UnixDomainSocketConnection:
        return ("unix", parts["path"])
    return ("tcp", parts.get("host", "127.0.0.1"), parts.get("port", 6379))


def account(options: RedisOptions) -> tuple[str, str | None]:
    """User name, ``default`` where none is given, and password."""
    given = _account(_parts(options))
    return given["username"] or "default", given["password"]


def _check(options: RedisOptions) -> None:
    """Raises `ValueError` if redis-py refuses the URL, which is never repeated: it may hold a password."""
    try:
        parts = _parts(options)
        redis.ConnectionPool(**parts).make_connection()  # connects nowhere, but knows every option's name
        if parts.get("connection_class") is UnixDomainSocketConnection:
            parts["path"]
    except (ValueError, TypeError, LookupError, redis.RedisError):
        raise ValueError(
            "the Redis URL cannot be read: write redis://host:port/db, rediss://… or unix:///path, and give "
            "a password with special characters apart (password, or better a password file)"
        ) from None


def _parts(options: RedisOptions, parse: Callable[[str], Any] = parse_url) -> dict[str, Any]:
    """What a connection is made of: the URL as redis-py understands it, under what is given apart.

    Not `from_url`: there the URL wins, so that its stale password would beat the one from the secret file.
    """
    parts: dict[str, Any] = {**parse(options.url), **_secrets(options)}
    for limit in _LIMITS:
        parts.pop(limit, None)
    if options.tls_ca_file is not None and _uses_tls(parts):
        parts["ssl_ca_certs"] = options.tls_ca_file
    return parts


def _of_service(options: RedisOptions, limits: Mapping[str, Any]) -> dict[str, Any]:
    """For the server that the Sentinels name: all but its address. They themselves are asked without TLS."""
    parts = _parts(options)
    tls = {"ssl": True} if _uses_tls(parts) else {}
    for named in ("connection_class", "host", "port", "path"):
        parts.pop(named, None)
    return {**parts, **tls, **limits}


def _sentinels(options: RedisOptions) -> list[tuple[str, int]]:
    return [_host_and_port(address) for address in options.sentinels]


def _to_sentinels(options: RedisOptions, limits: Mapping[str, Any]) -> dict[str, Any]:
    return {**limits, "password": options.sentinel_password}


def _secrets(options: RedisOptions) -> dict[str, str]:
    given = {"username": options.username, "password": options.password}
    return {key: value for key, value in given.items() if value is not None}


def _account(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {"username": parts.get("username"), "password": parts.get("password"), "db": parts.get("db", 0)}


def _anonymous(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parts.items() if key not in ("username", "password")}


def _limits(options: RedisOptions, answer_timeout_s: float | None) -> dict[str, Any]:
    return {
        "socket_connect_timeout": options.connect_timeout_s,
        "socket_timeout": options.answer_timeout_s if answer_timeout_s is None else answer_timeout_s,
        "health_check_interval": 30,
        "max_connections": options.max_connections,
    }


def _uses_tls(parts: Mapping[str, Any]) -> bool:
    kind = parts.get("connection_class")
    return isinstance(kind, type) and issubclass(kind, SSLConnection | AsyncSSLConnection)


def _broker_tls(parts: Mapping[str, Any]) -> dict[str, Any] | None:
    if not _uses_tls(parts):
        return None
    given = {key: value for key, value in parts.items() if key.startswith("ssl_")}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **given}


def _login(username: str | None, password: str | None) -> str:
    if username is None and password is None:
        return ""
    return f"{quote(username or '', safe='')}:{quote(password or '', safe='')}@"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host:
        return address, SENTINEL_PORT
    if not port.isdigit():
        raise ValueError(f"{address!r} is no Sentinel's address: write host:port")
    return host.strip("[]"), int(port)
