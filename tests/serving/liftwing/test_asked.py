"""Whatever a client of Lift Wing sends, it names what to score or is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadParameter
from assay.revisions.record import MAX_ID
from assay.scoring.unsaved import Unsaved
from assay.serving.liftwing.asked import Asked, read_asked, read_extended, read_rev_id
from assay.serving.liftwing.revertrisk import read_instances
from events.recorded import streamed

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
members = st.dictionaries(
    st.sampled_from(["id", "text", "title", "comment", "timestamp", "name", "groups", "edit_count"]),
    json_values,
    max_size=4,
)
data = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(max_size=5) | json_values,
        "page": members | st.just({"title": "x"}) | json_values,
        "parent": members | json_values,
        "user": members | json_values,
        "timestamp": json_values,
        "comment": json_values,
    },
)


@given(
    st.fixed_dictionaries({}, optional={"rev_id": json_values, "event": json_values, "revision_data": data})
)
def test_any_body_is_read_or_refused(body: dict[str, Any]) -> None:
    try:
        asked = read_asked(body)
    except BadParameter:
        return
    assert isinstance(asked.subject, Unsaved) or 0 < asked.subject <= MAX_ID


@given(
    json_values | st.lists(st.fixed_dictionaries({"rev_id": json_values, "lang": json_values}), max_size=3)
)
def test_any_batch_is_read_or_refused(instances: Any) -> None:
    try:
        lang, rev_ids = read_instances(instances)
    except BadParameter:
        return
    assert lang
    assert all(0 < rev_id <= MAX_ID for rev_id in rev_ids)


def test_the_first_of_three_ways_counts() -> None:
    page = {"title": "x"}
    event = {
        "$schema": "/mediawiki/revision/create/2.0.0",
        "meta": {"stream": "mediawiki.revision-create"},
        "database": "smallwiki",
        "rev_id": 2,
    }
    text = {"text": "x", "page": page}
    assert read_asked({"rev_id": 1}) == Asked(1)
    assert read_asked({"rev_id": 1, "event": event}) == Asked(2, "smallwiki")
    assert isinstance(read_asked({"rev_id": 1, "event": event, "revision_data": text}).subject, Unsaved)


@pytest.mark.parametrize("value", [1, MAX_ID, "1", str(MAX_ID), "007"])
def test_an_id_may_be_a_number_or_its_digits(value: int | str) -> None:
    assert read_rev_id({"rev_id": value}) == int(value)


@pytest.mark.parametrize(
    "value", [0, -1, MAX_ID + 1, "0", "-1", "1x", "\u0661", "", "9" * 20, 1.0, True, [1]]
)
def test_what_is_no_id_is_refused(value: Any) -> None:
    with pytest.raises(BadParameter, match=f"whole number from 1 to {MAX_ID}"):
        read_rev_id({"rev_id": value})


def test_who_names_nothing_is_told_what_could_be_named() -> None:
    with pytest.raises(BadParameter, match="give rev_id, event or revision_data"):
        read_asked({"rev_id": None, "event": None, "revision_data": None})


def test_an_event_of_no_new_revision_is_refused() -> None:
    event, *_ = streamed("page-delete")
    with pytest.raises(BadParameter, match="tells of no new revision"):
        read_asked({"event": event, "rev_id": 1})


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, False),
        ({"extended_output": None}, False),
        ({"extended_output": False}, False),
        ({"extended_output": "False"}, False),
        ({"extended_output": True}, True),
        ({"extended_output": "true"}, True),
        ({"extended_output": "True"}, True),
    ],
)
def test_features_are_wished_for_in_several_ways(body: dict[str, Any], wanted: bool) -> None:
    assert read_extended(body) is wanted


@pytest.mark.parametrize("value", [1, 0, "yes", "", [], {}])
def test_what_is_no_wish_is_refused(value: Any) -> None:
    with pytest.raises(BadParameter, match="Give true or false"):
        read_extended({"extended_output": value})
