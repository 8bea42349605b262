"""Whatever a body holds, it is an inference or refused."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadParameter
from assay.revisions.record import MAX_ID
from assay.serving.liftwing.tensors import OUTPUTS, Inference, read_inference

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
tensors = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("rev_id") | json_values,
        "datatype": st.just("INT64") | json_values,
        "shape": st.lists(st.integers(0, 3), max_size=2) | json_values,
        "data": st.lists(st.integers(-1, 3) | json_values, max_size=3) | json_values,
    },
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values,
        "parameters": st.just({}) | json_values,
        "inputs": st.lists(tensors, min_size=1, max_size=1) | json_values,
        "outputs": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(OUTPUTS) | json_values}), max_size=3
        )
        | json_values,
    },
)


@given(bodies)
def test_any_body_is_read_or_refused(body: dict[str, Any]) -> None:
    try:
        asked = read_inference(body)
    except BadParameter:
        return
    assert 1 <= len(asked.rev_ids) <= 50
    assert all(type(rev_id) is int and 0 < rev_id <= MAX_ID for rev_id in asked.rev_ids)
    assert set(asked.outputs) <= set(OUTPUTS)


@given(
    st.lists(st.integers(1, MAX_ID), min_size=1, max_size=50),
    st.none() | st.text(max_size=20),
    st.lists(st.sampled_from(OUTPUTS), unique=True),
)
def test_a_sound_body_is_read_as_it_stands(ids: list[int], name: str | None, outputs: list[str]) -> None:
    body = {
        "id": name,
        "inputs": [{"name": "rev_id", "datatype": "INT64", "shape": [len(ids)], "data": ids}],
        "outputs": [{"name": output} for output in outputs],
    }
    assert read_inference(body) == Inference(tuple(ids), tuple(outputs) or OUTPUTS, name)
