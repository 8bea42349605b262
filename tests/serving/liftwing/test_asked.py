"""Whatever a client of Lift Wing sends, it names what to score or is refused."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadParameter
from assay.revisions.record import MAX_ID
from assay.scoring.unsaved import Unsaved
from assay.serving.liftwing.asked import Asked, read_asked
from assay.serving.liftwing.revertrisk import read_instances

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
