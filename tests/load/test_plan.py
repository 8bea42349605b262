"""A plan is refused as a whole, with every fault named, before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from assay.errors import ConfigurationError
from assay.load import LoadPlan, fresh_revisions
from assay.load.plan import MAX_REQUESTS
from assay.revisions.record import MAX_ID


def _plan(**given: Any) -> LoadPlan:
    return LoadPlan(
        **{"urls": ("http://127.0.0.1:8080",), "wiki": "testwiki", "revisions": range(1, 101), **given}
    )


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "http://127.8.9.1:1/ores", "https://[::1]:8080/", "http://localhost:8080"]
)
def test_this_machine_may_be_loaded(url: str) -> None:
    assert _plan(urls=(url,)).urls == (url,)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1",
        "http://example.org",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://0.0.0.0",
        "http://[2001:db8::1]",
    ],
)
def test_another_machine_is_loaded_only_by_whoever_says_so(url: str) -> None:
    with pytest.raises(ConfigurationError, match="not this machine"):
        _plan(urls=("http://127.0.0.1", url))
    assert _plan(urls=(url,), may_load_remote=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"urls": ()}, "at least one URL"),
        ({"urls": ("ftp://127.0.0.1",)}, "must begin with http"),
        ({"urls": ("127.0.0.1:8080",)}, "must begin with http|is no address"),
        ({"urls": ("http://127.0.0.1:x",)}, "is no address"),
        ({"urls": ("http://me:secret@127.0.0.1",)}, "no user name"),
        ({"urls": ("http://127.0.0.1/?a=b",)}, "no user name, password, query"),
        ({"rate_per_s": 0}, "rate_per_s must be above 0"),
        ({"duration_s": float("inf")}, "duration_s must be above 0"),
        ({"timeout_s": float("nan")}, "timeout_s must be above 0"),
        ({"rate_per_s": 1e6}, "more than"),
        ({"revisions_per_request": 51}, "50 are the most"),
        ({"revisions": range(3), "revisions_per_request": 4}, "there are 3"),
        ({"revisions": ()}, "there are no revisions to ask for"),
        ({"cache": "cold", "arrivals": "constant"}, "up to 3000 revisions, and there are 100"),
        ({"mix": {"magic": 1.0}}, "called magic"),
        ({"mix": {}}, "nor all 0"),
        ({"mix": {"scores": -1.0, "bulk": 2.0}}, "not be below 0"),
        ({"mix": {"cell": 1.0}}, "name of a model"),
        ({"wiki": "\udcff"}, "must be UTF-8"),
        ({"models": ("\udcff",)}, "must be UTF-8"),
        ({"parameters": {"a": "\udcff"}}, "must be UTF-8"),
        ({"parameters": {"\udcff": "a"}}, "must be UTF-8"),
    ],
)
def test_faults_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _plan(**given)


def test_all_faults_are_told_at_once_and_no_password() -> None:
    places = ("127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999")
    urls = [f"{scheme}://me:secret@{place}" for scheme in ("http", "ftp") for place in places]
    urls += ["me:secret@127.0.0.1", "http:/me:secret@127.0.0.1"]
    with pytest.raises(ConfigurationError) as caught:
        _plan(urls=(*urls, "http://example.org"), rate_per_s=0)
    assert str(caught.value).count("; ") == len(urls) + 1
    assert "secret" not in str(caught.value)


def test_fresh_revisions_are_ids_that_no_later_run_meets() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    fresh, later = fresh_revisions(now), fresh_revisions(now + timedelta(seconds=10))
    assert later[0] - fresh[0] == 10_000_000  # more than ten seconds of load can ask for
    assert fresh[-1] <= MAX_ID
    assert len(fresh) >= MAX_REQUESTS


def test_a_document_is_json_and_does_not_list_a_million_ids() -> None:
    document = orjson.loads(orjson.dumps(_plan(revisions=range(1, 10**9)).document()))
    assert document["revisions"] == {"count": 10**9 - 1, "first": 1, "last": 10**9 - 1}


def test_a_cold_run_may_ask_for_every_revision_there_is() -> None:
    plan = {"cache": "cold", "arrivals": "constant", "rate_per_s": 10, "revisions_per_request": 5}
    assert _plan(**plan, duration_s=2)
    with pytest.raises(ConfigurationError, match="up to 105 revisions, and there are 100"):
        _plan(**plan, duration_s=2.1)
