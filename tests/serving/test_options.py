"""What an operator may write about serving, and that what stands there by default fits together."""

from __future__ import annotations

import pytest

from assay.scoring.options import MAX_REVISIONS, PoolOptions
from assay.serving.client import parse_networks
from assay.serving.options import (
    LOOPBACK,
    AppOptions,
    GuardOptions,
    HealthOptions,
    QuotaOptions,
    ServerOptions,
    StreamOptions,
)
from assay.stores.quota import Limits


@pytest.mark.parametrize(
    "origin",
    ["*", "https://example.org", "http://localhost:8080", "https://[2001:db8::1]:8443", "http://192.0.2.1"],
)
def test_sites_are_written_as_browsers_send_them(origin: str) -> None:
    assert GuardOptions(allowed_origins=("https://en.wikipedia.org", origin)).allowed_origins[1] == origin


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "example.org",
        "https://",
        "https://example.org/",
        "https://example.org/path",
        "https://*.example.org",
        "https://me@example.org",
        "ftp://example.org",
        "null",
        "https://example.org, https://example.com",
        " https://example.org",
        "https://example.org\n",
    ],
)
def test_what_no_browser_sends_would_never_match_and_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match=r"^allowed_origins: .* is no site") as refusal:
        GuardOptions(allowed_origins=("https://example.org", origin))
    assert repr(origin) in str(refusal.value)


@pytest.mark.parametrize("name", ["exempt", "trusted_proxies", "precache_clients"])
def test_networks_are_refused_by_the_settings_name(name: str) -> None:
    for bad in ("10.0.0.1/8", "everybody"):
        with pytest.raises(ValueError, match=f"^{name}: .*{bad}"):
            QuotaOptions(**{name: ("10.0.0.0/8", bad)})  # type: ignore[arg-type]


def test_a_client_may_always_ask_a_whole_request() -> None:
    assert QuotaOptions(burst=MAX_REVISIONS).burst == MAX_REVISIONS
    with pytest.raises(ValueError, match=rf"^burst: it is 49; a request may name {MAX_REVISIONS} revisions"):
        QuotaOptions(burst=MAX_REVISIONS - 1)


def test_limits_are_those_that_were_set() -> None:
    options = QuotaOptions(concurrent=3, revisions_per_minute=600, burst=70)
    assert options.limits(30.0) == Limits(concurrent=3, per_minute=600, burst=70, lease_s=30.0)


def test_this_machine_alone_is_outside_the_limits_and_its_proxies_are_believed() -> None:
    options = QuotaOptions()
    assert options.exempt == options.trusted_proxies == LOOPBACK
    assert [str(it) for it in parse_networks(LOOPBACK)] == ["127.0.0.0/8", "::1/128"]
    assert options.precache_clients == ()
    assert options.enabled


def test_times_leave_room_for_what_happens_within_them() -> None:
    app, server = AppOptions(), ServerOptions()
    assert app.request_timeout_s > PoolOptions().time_limit_s, "or a runaway is never told as such"
    assert app.stream.drain_s < server.drain_timeout_s, "or a stream's last line is cut off"
    assert app.stream.chunk_timeout_s >= app.request_timeout_s
    assert HealthOptions().reuse_s < HealthOptions().probe_timeout_s < 10, "a load balancer's patience"
    assert GuardOptions().body_timeout_s <= app.request_timeout_s


def test_sizes_hold_what_they_are_said_to_hold() -> None:
    assert StreamOptions().chunk <= MAX_REVISIONS <= QuotaOptions().burst
    assert StreamOptions().max_revisions > MAX_REVISIONS
    assert GuardOptions().max_body_bytes >= 2 * 2 * 2**20 * 2
    assert GuardOptions().max_url_bytes < ServerOptions().max_head_bytes
