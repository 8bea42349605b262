"""Settings that are right one by one and wrong together."""

from __future__ import annotations

from typing import Any

import pytest

from assay import settings
from assay.errors import ConfigurationError
from assay.stores.redis_options import RedisOptions, account, given_twice, server

REFUSED = {
    "password": (
        {"url": "redis://:hunter2@h/0", "password": "new"},
        "the password stands in the URL and apart",
    ),
    "same password": (
        {"url": "redis://:pw@h/0", "password": "pw"},
        "the password stands in the URL and apart",
    ),
    "username": ({"url": "redis://me@h/0", "username": "you"}, "the username stands in the URL and apart"),
    "query": ({"url": "redis://h/0?password=hunter2"}, "the URL's query holds password"),
    "limits": ({"url": "redis://h/0?socket_timeout=5"}, "the URL's query holds socket_timeout"),
    "database": ({"url": "redis://h/1?db=2"}, "the URL names two databases"),
    "authority": (
        {"url": "rediss://h/0?ssl_ca_certs=/a.pem", "tls_ca_file": "/b.pem"},
        "ssl_ca_certs and tls_ca_file are one thing",
    ),
}


@pytest.mark.parametrize("section", ["redis", "queue_redis"])
@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_the_url_says_is_not_said_again(section: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"  {section}: .*{message}") as caught:
        settings.load(environment={}, flags={section: options})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        RedisOptions("redis://:pw@h:1/0"),
        RedisOptions("redis://h?db=3", username="u", password="pw"),
        RedisOptions("unix://me:pw@/run/redis.sock?db=1"),
        RedisOptions("rediss://h/2?ssl_ca_certs=/a.pem&ssl_check_hostname=true"),
    ],
)
def test_what_is_said_once_is_right(options: RedisOptions) -> None:
    assert given_twice(options) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RedisOptions("redis://h/0"), RedisOptions("rediss://h:6379/5")),
        (RedisOptions("unix:///r.sock?db=0"), RedisOptions("unix://:pw@/r.sock?db=7")),
        (
            RedisOptions("redis://a/0", sentinels=("s:1", "t")),
            RedisOptions("redis://b/1", sentinels=("t", "s:1")),
        ),
    ],
)
def test_equal_servers_are_known(one: RedisOptions, other: RedisOptions) -> None:
    assert server(one) == server(other)
    assert server(one) != server(RedisOptions("redis://elsewhere/0"))


def test_the_account_is_the_urls_or_the_one_given_apart() -> None:
    within, apart = (
        RedisOptions("redis://u:p%40@h/0"),
        RedisOptions("redis://h/0", username="u", password="p@"),
    )
    assert account(within) == account(apart) == ("u", "p@")
    assert account(RedisOptions("redis://h/0")) == ("default", None)


def test_one_server_has_one_password() -> None:
    one = {"url": "redis://h/0", "password": "one"}
    other = {"url": "redis://h/1", "password": "other"}
    with pytest.raises(ConfigurationError, match="redis and queue_redis are one server and one user"):
        settings.load(environment={}, flags={"redis": one, "queue_redis": other})
    for right in (
        {**other, "password": "one"},
        {**other, "username": "queue"},
        {**other, "url": "redis://i/1"},
    ):
        loaded = settings.load(environment={}, flags={"redis": one, "queue_redis": right})
        assert loaded.queue_redis is not None


def test_a_queue_of_its_own_on_the_default_address_is_one() -> None:
    """It used to be taken for no setting at all, and the queue went to the other server."""
    flags = {"redis": {"url": "redis://elsewhere/0"}, "queue_redis": {"url": "redis://127.0.0.1:6379/0"}}
    queue = settings.load(environment={}, flags=flags).queue_redis
    assert queue is not None
    assert server(queue) == ("tcp", "127.0.0.1", 6379)


def test_the_test_wiki_is_not_configured_twice() -> None:
    wikis = {"testwiki": {"source": "https://test.wikipedia.org/w/api.php"}}
    with pytest.raises(ConfigurationError, match="two wikis of one name"):
        settings.load(environment={}, flags={"wikis": wikis})
    assert settings.load(environment={}, flags={"wikis": wikis, "test_wiki": False}).wikis


@pytest.mark.parametrize("redis", [{}, {"redis": {}}, {"redis": {"password": ""}}])
def test_what_must_be_set_is_missed(redis: dict[str, Any]) -> None:
    flags = {"must_be_set": ["redis.password"], **redis}
    with pytest.raises(ConfigurationError, match=r"ASSAY_REDIS__PASSWORD_FILE$"):
        settings.load(environment={}, flags=flags)
    assert settings.load(environment={}, flags={**flags, "redis": {"password": "x"}}).redis.password == "x"


@pytest.mark.parametrize("name", ["redis.pasword", "redis", "wikis.<name>.source"])
def test_what_is_no_setting_cannot_be_missed(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"must_be_set: there is no setting '{name}'"):
        settings.load(environment={}, flags={"must_be_set": [name]})


def test_what_the_url_of_followers_says_is_not_said_again_either() -> None:
    twice = {"url": "redis://:pw@h/0", "password": "pw"}
    with pytest.raises(
        ConfigurationError, match=r"precache\.redis: the password stands in the URL and apart"
    ):
        settings.load(environment={}, flags={"precache": {"redis": twice}})
