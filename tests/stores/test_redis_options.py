"""One address and one secret, understood alike by every client."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ConnectionError, RedisError, ResponseError

from assay.stores.redis_options import (
    Broker,
    RedisOptions,
    address,
    broker,
    connect,
    connect_sync,
    has_password,
    secrets_of,
    without_account,
)
from servers.redis import RedisServer, free_port, missing, running, sentinel
from waiting import until_async

SECRETS = st.text(st.characters(codec="utf-8", min_codepoint=32), min_size=1, max_size=20)
NASTY = "p@ss:w/rd?#%25 %[]&=é✓"


def kombu_sees(target: Broker) -> tuple[object, ...]:
    seen = Connection(target.url)
    return seen.hostname, seen.port, seen.userid, seen.password, seen.virtual_host


def client_sees(options: RedisOptions) -> tuple[object, ...]:
    given = connect_sync(options).connection_pool.connection_kwargs
    return given["host"], given["port"], given.get("username"), given.get("password"), str(given["db"])


@given(SECRETS, SECRETS)
def test_any_account_means_the_same_to_all_clients(username: str, password: str) -> None:
    url = f"redis://{quote(username, safe='')}:{quote(password, safe='')}@localhost:7777/3"
    apart = RedisOptions("redis://localhost:7777/3", username=username, password=password)
    for options in (RedisOptions(url), apart):
        expected = ("localhost", 7777, username, password, "3")
        assert client_sees(options) == kombu_sees(broker(options)) == expected


async def _all_three_get_through(options: RedisOptions) -> None:
    asynchronous: AsyncRedis = connect(options)
    try:
        assert await asynchronous.ping()
    finally:
        await asynchronous.aclose()
    with connect_sync(options) as client:
        assert client.ping()
    target = broker(options)
    queue = uuid.uuid4().hex
    with _kombu(target) as connection:
        await asyncio.to_thread(connection.ensure_connection, max_retries=1)
        box = connection.SimpleQueue(queue)
        box.put("there")
        assert box.get(timeout=5).payload == "there"
        box.close()


@pytest.mark.parametrize("password", ["simple", NASTY, "a@b", "%41", "with space", "/", ":", "@"])
async def test_the_password_of_2016_08_01_is_never_misread_again(password: str) -> None:
    """Only production had a password, and ORES parsed it itself, beside its client library."""
    with running(password=password) as server:
        bare = f"redis://127.0.0.1:{server.port}/0"
        await _all_three_get_through(RedisOptions(bare, password=password))
        within = f"redis://:{quote(password, safe='')}@127.0.0.1:{server.port}/0"
        await _all_three_get_through(RedisOptions(within))


async def test_a_stale_secret_in_the_url_gives_way_to_the_one_given_apart() -> None:
    with running(password=NASTY) as server:
        stale = f"redis://nobody:stale@127.0.0.1:{server.port}/0"
        await _all_three_get_through(RedisOptions(stale, username="default", password=NASTY))


@pytest.mark.parametrize("sentinels", [(), ("s:1",)])
async def test_the_settings_limits_hold_for_every_client(sentinels: tuple[str, ...]) -> None:
    options = RedisOptions("redis://h?socket_timeout=99", sentinels=sentinels, max_connections=3)
    asynchronous = connect(options, answer_timeout_s=0.5)
    for pool in (asynchronous.connection_pool, connect_sync(options, answer_timeout_s=0.5).connection_pool):
        assert pool.max_connections == 3
        assert pool.connection_kwargs["socket_timeout"] == 0.5
    await asynchronous.aclose()


async def test_sentinels_do_not_switch_tls_off() -> None:
    options = RedisOptions("rediss://h", sentinels=("s:1",), tls_ca_file="/ca.pem")
    asynchronous = connect(options)
    for pool in (asynchronous.connection_pool, connect_sync(options).connection_pool):
        assert "SSL" in pool.connection_class.__name__
        assert pool.connection_kwargs["ssl_ca_certs"] == "/ca.pem"
    await asynchronous.aclose()
    assert broker(options).tls == {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": "/ca.pem",
    }


async def test_tls_works_and_a_stranger_is_not_trusted(tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path)
    port = free_port()
    tls = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    with running([*tls, "--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no"]):
        url = f"rediss://127.0.0.1:{port}/0"
        await _all_three_get_through(RedisOptions(url, tls_ca_file=str(certificate)))
        stranger = RedisOptions(url)
        with connect_sync(stranger) as client, pytest.raises(ConnectionError, match="certificate"):
            client.ping()
        with _kombu(broker(stranger)) as connection, pytest.raises(OperationalError, match="certificate"):
            connection.default_channel.client.ping()


def _self_signed(folder: Path) -> tuple[Path, Path]:
    program = shutil.which("openssl")
    if program is None:
        missing("openssl")
    certificate, key = folder / "server.pem", folder / "server.key"
    subprocess.run(
        [
            *(str(program), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def _kombu(target: Broker) -> Connection:
    return Connection(target.url, transport_options=dict(target.transport_options), ssl=target.tls)


async def test_user_names_work() -> None:
    with running() as server:
        with server.client() as client:
            client.acl_setuser(
                "wérker@1", enabled=True, passwords=[f"+{NASTY}"], commands=["+@all"], keys=["*"]
            )
            client.acl_setuser("default", enabled=False)
        await _all_three_get_through(RedisOptions(server.url, username="wérker@1", password=NASTY))


async def test_a_unix_socket_works(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with running(["--unixsocket", str(path)], password=NASTY):
        await _all_three_get_through(RedisOptions(f"unix://{path}?db=0", password=NASTY))


async def test_sentinels_lead_to_the_server_also_after_a_failover(tmp_path: Path) -> None:
    with (
        running() as first,
        running(["--replicaof", "127.0.0.1", str(first.port)]) as second,
        sentinel(tmp_path, first.port) as watching,
        watching.client() as client,
    ):
        options = RedisOptions(sentinels=(f"127.0.0.1:{watching.port}",))
        await _all_three_get_through(options)
        await until_async(lambda: _fails_over(client))
        with connect_sync(options) as found:
            await until_async(lambda: _leads_to(found, second))
        await _all_three_get_through(options)


def _fails_over(sentinel: Redis) -> bool:
    """False while the Sentinel has not yet heard of the replica."""
    try:
        return bool(sentinel.execute_command("SENTINEL", "FAILOVER", "mymaster"))
    except ResponseError:
        return False


def _leads_to(client: Redis, server: RedisServer) -> bool:
    try:
        info: Any = client.info("server")
        return bool(info["tcp_port"] == server.port)
    except RedisError:
        return False


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@host",
        "hunter2",
        "redis//hunter2",
        "redis://h:hunter2x/0",
        "unix://",
        "redis://h?hunter2=1",
    ],
)
def test_a_wrong_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="Redis URL") as caught:
        RedisOptions(url)
    assert "hunter2" not in str(caught.value)


def test_a_wrong_sentinel_is_refused() -> None:
    with pytest.raises(ValueError, match="host:port"):
        RedisOptions(sentinels=("host:port",))


def test_secrets_are_not_shown() -> None:
    options = RedisOptions("redis://:hunter2@h", password="hunter2", sentinel_password="hunter2")
    assert "hunter2" not in repr(options) + repr(broker(options))


@given(SECRETS, SECRETS)
def test_every_form_of_a_secret_is_known_and_none_stands_in_the_address(username: str, password: str) -> None:
    url = f"redis://{quote(username, safe='')}:{quote(password, safe='')}@localhost:7777/3"
    options = RedisOptions(url, sentinel_password="watcher")
    assert secrets_of(options) == {password, quote(password, safe=""), "watcher"}
    assert address(options) == "localhost:7777/3"
    assert has_password(options)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (RedisOptions("redis://[::1]:7/1"), "[::1]:7/1"),
        (RedisOptions("unix://u:p@/run/redis.sock?db=2"), "/run/redis.sock, database 2"),
        (RedisOptions("redis://x/4", sentinels=("a:1", "b:2")), "mymaster by a:1, b:2, database 4"),
    ],
)
def test_an_address_says_where(options: RedisOptions, where: str) -> None:
    assert address(options) == where


def test_who_gives_no_account_logs_in_with_nothing() -> None:
    with running(password=NASTY) as server:
        given = RedisOptions(f"redis://default:{quote(NASTY, safe='')}@127.0.0.1:{server.port}/0")
        assert has_password(given)
        with connect_sync(given) as known:
            assert known.ping()
        with without_account(given) as nobody, pytest.raises(RedisError):
            nobody.ping()
