"""The table of limits: of settings that there are, in a dialect that Python and ECMAScript share."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from assay.rollout.guards import GuardOptions
from assay.settings import json_schema, load
from assay.settings.limits import COUNT, LIMITS, SECONDS, Limits, limits_of
from assay.settings.schema import ITEM

NAMES = st.text(st.characters(codec="utf-8") | st.sampled_from("aZ09_-.\n"), max_size=120)


def allows(limits: Limits, value: Any) -> bool:
    return Draft202012Validator(limits.keywords()).is_valid(value)


def test_every_limit_is_of_a_setting() -> None:
    """A line for a setting that was renamed would limit nothing."""
    schema = json_schema()
    for name in LIMITS:
        node: Any = schema
        for part in name.split("."):
            if part == ITEM:
                node = node["items"]
            else:
                node = node["additionalProperties"] if part == "<name>" else node["properties"][part]


@pytest.mark.parametrize("name", LIMITS)
def test_no_line_says_what_would_hold_without_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json_schema()
    monkeypatch.delitem(LIMITS, name)
    assert json_schema() != whole


def test_what_has_no_limit_is_not_told() -> None:
    assert Limits().keywords() == {}
    assert Limits(0, 2, above=1, pattern="a", advice="b", least_items=3).keywords() == {
        "minimum": 0,
        "maximum": 2,
        "exclusiveMinimum": 1,
        "pattern": "a",
        "description": "b",
        "minItems": 3,
    }


def test_numbers_without_a_line_are_counts_or_times_but_those_of_rollouts_may_be_nought() -> None:
    assert limits_of("pool.processes", COUNT) == COUNT
    assert limits_of("pool.time_limit_s", SECONDS) == SECONDS
    assert allows(limits_of("rollout.stages.pairs_per_s", SECONDS), 0)
    assert [allows(COUNT, value) for value in (0, 1)] == [False, True]
    assert [allows(SECONDS, value) for value in (0, 0.001)] == [False, True]
    assert not allows(limits_of("rollout.stages.limit_s", COUNT), 0)


def test_no_reader_rounds_a_number_that_is_allowed() -> None:
    """ECMAScript has floats alone: above this, two whole numbers may be one."""
    most = max(limits.maximum or 0 for limits in (COUNT, SECONDS, *LIMITS.values()))
    for limits in (COUNT, SECONDS):
        assert allows(limits, most)
        assert not allows(limits, most + 1)
    assert float(most) != float(most - 1)
    assert float(most + 1) == float(most)


def test_the_defaults_lie_within() -> None:
    assert load(environment={}).rollout.guards == GuardOptions()


@pytest.mark.parametrize("name", [item.name for item in fields(GuardOptions) if "share" in item.name])
def test_shares_of_guards_are_shares(name: str) -> None:
    limits = LIMITS[f"rollout.guards.{name}"]
    assert allows(limits, 1)
    assert not allows(limits, 1.01)
    assert not allows(limits, -0.01)
    assert allows(limits, 0) == (name != "false_alarm_share")


@given(
    NAMES,
    st.sampled_from(["wikis.<name>", "precache.sinks.<name>", "release", "wikis.<name>.aliases.<name>"]),
)
def test_a_name_is_safe_in_a_path_a_file_and_a_queue(value: str, key: str) -> None:
    if allows(LIMITS[key], value):
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", value)
        assert len(value) <= (64 if key in ("release", "precache.sinks.<name>") else 100)
        assert ("." not in value) or key == "release"


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("wikis.<name>", ["enwiki", "a" * 100, "zh-min-nan_wiki"], ["", "a" * 101, "enwiki\n", "en.wiki"]),
        ("precache.streams.<name>", ["a" * 64], ["a" * 65]),
        ("release", ["2026-11.1_a", "a" * 64], ["", "a" * 65, "a b", "a/b", "a\n"]),
        (
            "web.guard.allowed_origins.<item>",
            ["*", "https://example.org", "http://[::1]:8080"],
            ["https://example.org/", "example.org", "**", "ftp://a", "https://a b", "*\n"],
        ),
        (
            "precache.assay",
            ["http://127.0.0.1:8080", "https://a.b/c"],
            ["127.0.0.1", "ftp://a", "http://a b"],
        ),
        ("server.port", [0, 65535], [-1, 65536]),
        ("worker.metrics_port", [0, 65535], [-1, 65536]),
        ("web.health.reuse_s", [0, 0.5], [-1]),
        ("rollout.stages.weights", [[100]], [[]]),
        ("rollout.data_centres.<name>.slots.<name>.urls", [["http://a"]], [[]]),
        ("tracing.share", [0.001, 1], [0, 1.1]),
        ("rollout.stages.weights.<item>", [1, 100], [0, 101]),
        ("rollout.stages.shadow_share", [0.001, 1], [0, 1.1]),
        ("rollout.guards.latency_ratio", [1], [0.9]),
        ("rollout.guards.processor_ratio", [1], [0.9]),
        ("worker.lanes", [["bulk"]], [[]]),
        ("quota.burst", [50], [49]),
        ("precache.batch", [1, 50], [0, 51]),
        ("web.stream.chunk", [1, 50], [0, 51]),
        ("wiki_api.maxlag_s", [0], [-1]),
        (
            "wikis.<name>.models.<name>.operating_points.<name>.query",
            ["maximum recall @ precision >= 0.9", "maximum filter_rate @ !recall >= 0.75"],
            ["", "recall", "maximum recall @ precision"],
        ),
    ],
)
def test_examples(key: str, right: list[Any], wrong: list[Any]) -> None:
    assert [value for value in right if not allows(LIMITS[key], value)] == []
    assert [value for value in wrong if allows(LIMITS[key], value)] == []


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("wikis.<name>", "is no name for a wiki: use letters, digits, - and _, as in enwiki"),
        ("precache.sinks.<name>", "is no name for a stream or a sink: use letters, digits, - and _"),
    ],
)
def test_advice_names_what_is_named(key: str, advice: str) -> None:
    assert LIMITS[key].advice == advice
