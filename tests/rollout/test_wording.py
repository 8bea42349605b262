"""Entries in plain words, whatever they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.rollout.journal import Entry
from assay.rollout.wording import CONTROLLER, MAX_TEXT, checks_of, outcome, who, words
from rollout.any_json import JSON

KINDS = [
    "started",
    "stage",
    "weights",
    "verdict",
    "aborted",
    "rolling_back",
    "paused",
    "resumed",
    "done",
    "note",
]


FIELDS = ["by", "reason", "text", "weights", "checks", "stage", "candidate", "data_centre", "served", "kind"]


def entry(kind: str, /, **data: Any) -> Entry:
    return Entry(1, datetime(2026, 11, 26, tzinfo=UTC), kind, data, "", "")


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (
            "stage",
            {"number": 3, "data_centre": "eqiad", "kind": "weight", "weight": 5},
            "stage 3: eqiad, 5 % of users",
        ),
        (
            "stage",
            {"number": 1, "data_centre": "eqiad", "kind": "shadow", "weight": 0},
            "stage 1: eqiad, shadow",
        ),
        (
            "weights",
            {"data_centre": "eqiad", "weights": {"blue": 95, "green": 5}},
            "weights in eqiad: blue 95 %, green 5 %",
        ),
        (
            "started",
            {"candidate": {"release": "new"}, "stable": {"release": "old"}},
            "rollout of new in place of old",
        ),
        (
            "started",
            {
                "candidate": {"release": "new"},
                "stable": {},
                "is_emergency": True,
                "plan": [{"kind": "weight"}, 5],
            },
            "rollout of new in place of a release without a name, as an emergency",
        ),
        (
            "started",
            {"candidate": {"release": "new"}, "stable": "old", "plan": [{"kind": "watch"}]},
            "new is watched beside ?",
        ),
        ("weights", {"data_centre": "eqiad"}, "weights in eqiad: none told"),
        ("verdict", {"checks": "none"}, "verdict good: nothing yet"),
        ("unchanged", {"entry": 7}, "the verdict of entry 7 stands"),
        ("aborted", {"reason": "too slow"}, "ordered to roll back: too slow"),
        ("ended", {"reason": "another candidate"}, "no longer watched: another candidate"),
        ("paused", {"reason": "lunch"}, "paused: lunch"),
        ("resumed", {}, "resumed: no reason told"),
        ("rolling_back", {"reason": "shape: x"}, "decided to roll back: shape: x"),
        ("done", {"served": 9, "failed": None}, "done: 9 requests served by the candidate, unknown failed"),
        ("rolled_back", {}, "rolled back"),
        ("note", {"text": "a\n b"}, "note: a b"),
        ("note", {}, "note"),
    ],
)
def test_an_entry_in_words(kind: str, data: dict[str, Any], said: str) -> None:
    assert words(entry(kind, **data)) == said


def test_a_verdict_in_words_names_what_is_bad_or_what_is_missing() -> None:
    checks = [
        {"name": n, "status": s, "sentence": f"{n} it is"} for n, s in (("a", "good"), ("b", "no_data"))
    ]
    assert words(entry("verdict", checks=checks)) == "verdict good: a; no data: b"
    bad = [*checks, {"name": "c", "status": "bad", "sentence": "worse"}]
    assert words(entry("verdict", checks=bad)) == "verdict bad: c: worse"
    assert [outcome(some) for some in (checks[:1], checks, bad, [])] == ["good", "no_data", "bad", "no_data"]


def test_a_text_is_cut_only_when_it_is_too_long() -> None:
    assert words(entry("note", text="x" * (MAX_TEXT - 6))) == f"note: {'x' * (MAX_TEXT - 6)}"
    longer = words(entry("note", text="x" * (MAX_TEXT - 5)))
    assert (len(longer), longer[-2:]) == (MAX_TEXT, "x…")


def test_what_is_no_check_is_left_out() -> None:
    check = {"name": "a", "status": "good"}
    assert checks_of({"checks": [check, "b", None]}) == [check]
    assert checks_of({"checks": check}) == checks_of({}) == []


def test_who_acted() -> None:
    assert who(entry("paused", by="ada")) == "ada"
    assert who(entry("paused")) == who(entry("paused", by="")) == CONTROLLER


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_entry_has_words_of_bounded_length(kind: str, data: dict[str, Any]) -> None:
    assert 0 < len(words(entry(kind, **data))) <= MAX_TEXT
    assert 0 < len(who(entry(kind, **data))) <= MAX_TEXT
