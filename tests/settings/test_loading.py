"""What is shown of settings, and whose variables they are read from; layers and faults: `test_load`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assay import settings
from assay.settings.layers import Given
from assay.settings.loading import plain, resolve

ARM = {"urls": ["http://me:hush@[::1]:81", "http://h:82"], "metrics_urls": ["http://:hush@h:83/metrics"]}
SECRET: dict[str, Any] = {
    "redis": {"url": "redis://me:hush@h/0", "sentinel_password": "hush"},
    "queue_redis": {"password": "hush"},
    "precache": {"redis": {"password": "hush"}},
    "wikis": {"enwiki": {"source": "https://me:hush@h/w/api.php"}},
    "rollout": {
        "data_centres": {
            "a": {"haproxy": "/a.sock", "front_url": "http://me:hush@h:80", "slots": {"stable": ARM}}
        }
    },
}
"""Every way to give a password: as one, and in addresses, which lists hold, too."""


def test_nothing_that_is_shown_is_secret() -> None:
    loaded = settings.load(environment={}, flags=SECRET)
    shown = json.dumps(settings.describe(loaded))
    assert "hush" not in shown
    assert shown.count("[redacted]") == json.dumps(SECRET).count("hush")
    assert json.dumps(plain(loaded)).count("hush") == json.dumps(SECRET).count("hush")


def test_what_is_not_secret_is_shown_as_it_is() -> None:
    loaded = settings.load(
        environment={},
        flags={
            "bundle_directories": ["a@b", "c"],
            "redis": {"url": "redis://h"},
            "wikis": {"cookiewiki": {"source": "https://h/w/api.php"}},
        },
    )
    assert settings.describe(loaded) == plain(loaded)


def test_variables_are_those_of_the_process_unless_others_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SERVER__PORT", "81")
    assert settings.load().server.port == 81
    assert settings.load(environment={}).server.port == 8080


def test_what_a_section_refuses_is_told_beside_all_else_and_once() -> None:
    given = {
        "redis": {"url": "nonsense", "max_connections": 0},
        "must_be_set": ["queue_redis.password"],
        "pool": {"processes": 0},
        "server": {"port": "x"},
        "wikis": {"a": {}, "b": {"source": 5}},
    }
    resolved = resolve(Given(flags=given))
    assert resolved.settings is None
    places = sorted(fault.partition(":")[0] for fault in resolved.faults)
    assert places == [
        *("pool.processes", "queue_redis.password", "redis", "redis.max_connections"),
        *("server.port", "wikis.a.source", "wikis.b.source"),
    ]
