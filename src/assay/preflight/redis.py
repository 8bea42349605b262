"""Every way by which a process of ours reaches Redis, gone with the very objects that serving uses.

ORES had two readers of one address in 2016: Celery's was right, its own kept the password's leading colon,
and no environment but production had a password. So each way is gone by itself here, with the
real secret, to the end: log in, write, read back, expire.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from kombu.exceptions import KombuError
from redis.asyncio import Redis
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from assay.clock import Clock
from assay.compose import queue as parts
from assay.errors import EngineUnavailable
from assay.preflight.check import Check, Failed, Group, Outcome, Passed
from assay.scoring.claims import Claims
from assay.scoring.queue.dispatch import Dispatcher
from assay.scoring.queue.envelope import queue_name
from assay.scoring.queue.message import Message
from assay.settings import Settings
from assay.stores.kv import KeyValueStore
from assay.stores.options import ClaimOptions, GuardOptions
from assay.stores.quota import Exceeded, Lease, Limits, Quotas
from assay.stores.redis_mode import unfit
from assay.stores.redis_options import RedisOptions, address, connect_sync, has_password, without_account
from assay.telemetry import Metrics
from assay.threads import in_thread

_KEEP_MS: Final = 60_000
_SHORT_MS: Final = 50
_LOOK_AGAIN_S: Final = 0.02
_TRIES: Final = 3
"""Serving's time limits are short, because a miss costs little; one slow answer is no reason to fail here."""
_ATTEMPTS: Final = 4
"""Tries of what has a short time limit in serving, and a first connection to make here."""
_REST_S: Final = 0.5
"""Longest that Redis is left alone here after an answer that was late: serving may do so for an hour, which
says nothing about Redis, and all tries must fit into a check's time."""
_HEARD_S: Final = 1.0
"""In which one process's claim is heard of by another."""
ADVICE: Final = "see that Redis answers in time: its load, its memory (maxmemory), the network between"


class _Broken(Exception):
    """Redis answers, but not as it must."""


class _Late(_Broken):
    """Not in the time that serving gives it, also in further tries. `setting`: how long that is."""

    def __init__(self, said: str, setting: str, limit_s: float) -> None:
        super().__init__(f"{said}: {_ATTEMPTS} times not within {limit_s:g} s")
        self.todo = f"{ADVICE}; where it cannot be quicker, raise {setting}"


@dataclass(frozen=True)
class Ways:
    """All ways of one configuration."""

    settings: Settings
    metrics: Metrics
    clock: Clock

    def group(self) -> Group:
        scores, queue = self.settings.redis, parts.queue_options(self.settings)
        by_name = (
            ("scores", scores, self.scores),
            ("quotas", scores, self.quotas),
            ("claims", scores, self.claims),
            ("queue", queue, self.queue),
            ("broker", queue, self.broker),
            ("worker", queue, self.worker),
            ("replies", queue, self.replies),
        )
        checks = [self._check(name, options, way) for name, options, way in by_name]
        for section, options in parts.redis_sections(self.settings).items():
            checks.append(self._check("mode", options, partial(is_fit, options, section)))
            checks.append(self._check("password", options, partial(asks_for_password, options)))
        return Group("redis", checks, "a web process and workers need Redis: set redis.url")

    def _check(self, name: str, options: RedisOptions, way: Callable[[], Awaitable[Outcome]]) -> Check:
        section = "redis" if options == self.settings.redis else "queue_redis"

        async def run() -> Outcome:
            for attempt in range(1, _TRIES + 1):
                try:
                    return await way()
                except (RedisError, KombuError, OSError, EngineUnavailable, _Broken) as error:
                    failed = Failed(_said(error), _todo(error, section))
                    if attempt == _TRIES or not isinstance(_cause(error), RedisTimeoutError | TimeoutError):
                        break
            return failed

        return Check(name, address(options), run, ADVICE)

    # -- web processes -------------------------------------------------------------------------------

    async def scores(self) -> Outcome:
        """The score store inside its guard, which hides errors: so the client is spoken to first."""
        settings = _restless(self.settings)
        client = parts.scores_client(settings)
        try:
            said = await _converse(client, "score:preflight")
            store = parts.score_store(settings, client, self.metrics, self.clock)
            await _keep_a_score(store, settings.shared_store)
            return Passed(f"{said}; the score store gives back what it was given")
        finally:
            await client.aclose()

    async def quotas(self) -> Outcome:
        settings = _restless(self.settings)
        client = parts.quotas_client(settings)
        quotas = parts.shared_quotas(settings, client, self.clock)
        try:
            said = await _converse(client, "assay:quota:preflight")
            await client.eval("return 1", 0)
            await _count_a_client(quotas, settings.shared_store)
            return Passed(f"{said}; a client's places are counted in Redis")
        finally:
            await quotas.aclose()
            await client.aclose()

    async def claims(self) -> Outcome:
        settings = _restless(self.settings)
        clients = [parts.claims_client(settings) for _ in range(2)]
        mine, other = (parts.shared_claims(settings, c, self.metrics, self.clock) for c in clients)
        try:
            prefix = f"assay:claim:{settings.release}"
            said = await _converse(clients[0], f"{prefix}:preflight")
            await clients[0].eval("return 1", 0)
            await clients[0].publish(f"{prefix}:preflight-{_nonce()}", b"")
            await _claim(mine, other, settings.claims)
            return Passed(f"{said}; a second process waited for the first one's result and was told it")
        finally:
            await asyncio.gather(mine.aclose(), other.aclose())

    async def queue(self) -> Outcome:
        client = parts.queue_client(self.settings)
        try:
            said = await _converse(client, "assay:job:preflight")
            await client.llen(queue_name(self.settings.release, "interactive"))
            return Passed(f"{said}; the queue's length can be read")
        finally:
            await client.aclose()

    # -- workers -------------------------------------------------------------------------------------

    async def broker(self) -> Outcome:
        """A message sent as web processes send, received as workers receive."""
        queue = f"{queue_name(self.settings.release, 'interactive')}.preflight-{_nonce()}"
        body, started_s = secrets.token_bytes(16), time.perf_counter()
        sent_s = self.clock.now().timestamp()
        client = parts.queue_client(self.settings)
        dispatcher = Dispatcher(client, parts.send_limit_s(self.settings))
        try:
            await dispatcher.send(Message(queue, _nonce(), _nonce(), sent_s, body))
            await client.pexpire(queue, _KEEP_MS)  # so that nothing stays behind when nobody receives it
            from assay.compose.worker import celery  # its import costs what no other command should pay

            received = await in_thread(lambda: _receive(celery(self.settings), queue))
        finally:
            await dispatcher.aclose()
            await client.aclose()
        if received != body:
            raise _Broken("what a web process sent did not reach a worker's connection")
        took_ms = (time.perf_counter() - started_s) * 1000
        return Passed(f"a message went from a web process's client to a worker's broker in {took_ms:.0f} ms")

    async def worker(self) -> Outcome:
        return Passed(await in_thread(lambda: _converse_blocking(parts.worker_client(self.settings))))

    async def replies(self) -> Outcome:
        """From a worker's client into a stream, read by a web process's."""
        stream = f"assay:replies:{self.settings.release}:preflight-{_nonce()}"
        value = secrets.token_bytes(16)
        reader = parts.replies_client(self.settings)
        try:
            await in_thread(lambda: _write_reply(parts.worker_client(self.settings), stream, value))
            answer: Any = await reader.xread({stream: "0-0"}, count=1, block=1000)
            await reader.delete(stream)
        finally:
            await reader.aclose()
        if value not in _values(answer):
            raise _Broken("a worker's reply did not reach the web process's stream")
        return Passed("a worker's reply reached a web process's stream")


async def is_fit(options: RedisOptions, section: str) -> Outcome:
    """Neither a Cluster, of which each other way may by chance meet the right server, nor a Sentinel."""

    def ask() -> tuple[str, str] | None:
        with connect_sync(options) as client:
            return unfit(client, section)

    found = await in_thread(ask)
    return Passed("one server, no cluster") if found is None else Failed(f"this server {found[0]}", found[1])


async def asks_for_password(options: RedisOptions) -> Outcome:
    """A server that lets anybody in is told, not refused: on a machine of its own it may be meant so."""

    def ask() -> bool:
        with without_account(options) as client:
            try:
                return bool(client.ping())
            except (AuthenticationError, AuthorizationError, NoPermissionError):
                return False
            except ResponseError as error:  # of protected mode; any other proves nothing
                if not str(error).startswith("DENIED"):
                    raise
                return False

    if not await in_thread(ask):
        return Passed("who does not log in is refused")
    warning = "this Redis lets everybody in without a password: set requirepass, or let nobody else reach it"
    if has_password(options):
        warning += "; the password in the settings is not asked for, so it may be wrong unnoticed"
    return Passed("the server was asked", (warning,))


# -- conversations -----------------------------------------------------------------------------------


def _nonce() -> str:
    return secrets.token_hex(8)


async def _converse(client: Redis, prefix: str) -> str:
    """Log in, write, read back, see it expire. Raises redis-py's errors and `_Broken`."""
    key, value, started_s = f"{prefix}:{_nonce()}", secrets.token_bytes(16), time.perf_counter()
    await client.set(key, value, px=_KEEP_MS)
    took_ms = (time.perf_counter() - started_s) * 1000
    _check_value(await client.get(key), value, await client.pttl(key))
    await client.set(key, value, px=_SHORT_MS)
    ends_s = time.monotonic() + 20 * _SHORT_MS / 1000
    while await client.exists(key):
        if time.monotonic() > ends_s:
            raise _Broken(f"a key that was to live {_SHORT_MS} ms is still there: keys do not expire")
        await asyncio.sleep(_LOOK_AGAIN_S)
    user = await _user(client)
    return f"logged in as {user}, wrote, read back, saw it expire; first answer {took_ms:.0f} ms"


async def _user(client: Redis) -> str:
    try:
        user = await client.acl_whoami()
    except ResponseError:  # not allowed to ask
        return "a user who may not ask for its name"
    return user.decode() if isinstance(user, bytes) else str(user)


def _converse_blocking(client: Any) -> str:
    with client:
        key, value = f"assay:preflight:{_nonce()}", secrets.token_bytes(16)
        client.set(key, value, px=_KEEP_MS)
        _check_value(client.get(key), value, client.pttl(key))
        client.delete(key)
    return "logged in, wrote, read back, and the key's time to live is set"


def _check_value(found: Any, value: bytes, lives_ms: int) -> None:
    if found != value:
        raise _Broken("what was written is not what is read")
    if not 0 < lives_ms <= _KEEP_MS:
        raise _Broken(f"a key that was to live {_KEEP_MS} ms has a time to live of {lives_ms} ms")


def _restless(settings: Settings) -> Settings:
    """The same, but for how long Redis is left alone after it did not answer."""
    shared_store, claims = settings.shared_store, settings.claims
    return replace(
        settings,
        shared_store=replace(shared_store, rest_s=min(shared_store.rest_s, _REST_S)),
        claims=replace(claims, rest_s=min(claims.rest_s, _REST_S)),
    )


async def _succeeds(way: Callable[[int], Awaitable[bool]], rest_s: float) -> bool:
    """Whether one of some tries leads `way` to its end, which is given the try's number, from 0. `rest_s`: so
    long Redis is left alone after a failure, and meanwhile nobody asks it."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            await asyncio.sleep(1.1 * rest_s)
        if await way(attempt):
            return True
    return False


async def _keep_a_score(store: KeyValueStore, options: GuardOptions) -> None:
    """Raises `_Late`: the guard tells no other error."""

    async def keeps(_: int) -> bool:
        key, value = f"score:preflight:{_nonce()}", secrets.token_bytes(16)
        await store.set_many({key: value}, _KEEP_MS / 1000)
        return await store.get_many([key]) == {key: value}

    if not await _succeeds(keeps, options.rest_s):
        said = "the score store does not give back what it was given"
        raise _Late(said, "shared_store.answer_timeout_s", options.answer_timeout_s)


class _Unheard(Exception):
    """Redis did not answer in time, for as short a time as serving waits, and is left alone for a while."""


async def _count_a_client(quotas: Quotas, options: GuardOptions) -> None:
    async def counts(_: int) -> bool:
        try:
            await _count_once(quotas, f"preflight-{_nonce()}")
        except _Unheard:
            return False
        return True

    if not await _succeeds(counts, options.rest_s):
        said = "quotas are counted by each process alone, for Redis does not count a client"
        raise _Late(said, "shared_store.answer_timeout_s", options.answer_timeout_s)


async def _count_once(quotas: Quotas, client: str) -> None:
    """One place: the first is let in, the second is not, until the first has left."""
    limits = Limits(concurrent=1, per_minute=6000, burst=100, lease_s=10)
    first = await _entered(quotas, client, limits)
    if isinstance(first, Exceeded):
        raise _Broken("a client that has no place gets none")
    second = await _entered(quotas, client, limits)
    await quotas.leave(first)
    if not isinstance(second, Exceeded):
        raise _Broken("a client got two places where it may have one")
    if isinstance(third := await _entered(quotas, client, limits), Exceeded):
        raise _Broken("a place that was given back is not free")
    await quotas.leave(third)


async def _entered(quotas: Quotas, client: str, limits: Limits) -> Lease | Exceeded:
    """As Redis says. Raises `_Unheard`."""
    entered = await quotas.enter(client, 1, limits)
    if isinstance(entered, Lease) and not entered.shared:
        await quotas.leave(entered)
        raise _Unheard
    return entered


async def _claim(mine: Claims, other: Claims, options: ClaimOptions) -> None:
    """What one takes the other waits for. Who listens too late finds nothing: it is tried with more time."""

    async def is_shared(attempt: int) -> bool:
        claim, told = f"preflight-{_nonce()}", secrets.token_bytes(16)
        await mine.take([claim])
        if await other.take([claim]):  # not answered in time, or truly taken twice
            await asyncio.gather(mine.settle({claim: None}), other.settle({claim: None}))
            return False
        waiting = asyncio.ensure_future(other.wait(claim, _HEARD_S))
        await asyncio.sleep(0.05 * 2**attempt)
        await mine.settle({claim: told})
        return await waiting == told

    if not await _succeeds(is_shared, options.rest_s):
        said = "a claim of one process is not seen, or its result not heard, by another"
        raise _Late(said, "claims.answer_timeout_s", options.answer_timeout_s)


def _receive(app: Any, queue: str) -> bytes | None:
    """As a worker: through kombu, which reads its address by itself."""
    with app.connection_for_read() as connection:
        connection.ensure_connection(max_retries=1, timeout=connection.connect_timeout)
        message = connection.default_channel.basic_get(queue)
        if message is None:
            return None
        message.accept = {"application/x-msgpack"}
        (arguments, *_) = message.payload
        message.ack()
        return bytes(arguments[0])


def _write_reply(client: Any, stream: str, value: bytes) -> None:
    with client:
        client.xadd(stream, {"r": value}, maxlen=10)
        client.pexpire(stream, _KEEP_MS)


def _values(answer: Any) -> list[bytes]:
    """Of the one stream that was read, in the shape of either protocol version."""
    batches = list(answer.values()) if isinstance(answer, dict) else [entries for _, entries in answer or ()]
    flat = [entry for batch in batches for entry in (batch[0] if isinstance(answer, dict) else batch)]
    return [fields[b"r"] for _, fields in flat]


# -- what went wrong ---------------------------------------------------------------------------------


def _cause(error: BaseException) -> BaseException:
    """redis-py's or the system's own error, beneath those that only say that something failed."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, RedisError | OSError):
            return found
        found = found.__cause__
    return error


def _said(error: Exception) -> str:
    cause = _cause(error)
    return str(cause) or type(cause).__name__


def _todo(error: Exception, section: str) -> str:
    cause = _cause(error)
    if isinstance(cause, _Late):
        return cause.todo
    if isinstance(cause, AuthenticationError | AuthorizationError):
        return (
            f"mend user name and password under {section}, best as a file "
            f"(ASSAY_{section.upper()}__PASSWORD_FILE), or those of the server (requirepass, ACL)"
        )
    if isinstance(cause, NoPermissionError):
        return parts.RIGHTS
    if isinstance(cause, OutOfMemoryError):
        return "raise maxmemory of the Redis, and set maxmemory-policy to volatile-lru"
    if isinstance(cause, ReadOnlyError):
        return f"this Redis is a replica: set the address under {section} to the one that is written to"
    if isinstance(cause, ResponseError) and str(cause).startswith("MISCONF"):
        return "make room on the disk of that Redis, or mend what its log says of saving"
    if isinstance(cause, ResponseError) and "DB index" in str(cause):
        return f"mend the database in {section}.url: the server has fewer (databases)"
    if isinstance(cause, _Broken | ResponseError):
        return f"look at the server under {section}: a Redis or Valkey of version 6 or later?"
    return (
        f"start that Redis, mend its address under {section}, or open the way to it (firewall, bind, TLS); "
        f"{ADVICE}"
    )
