"""What a POST may say is taken as it was meant, or refused by its name: never half understood."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadParameter, TooManyRevisions
from assay.revisions.record import MAX_ID
from assay.serving.native.bodies import check_keys, choice, flag, revisions
from serving.native.any_json import JSON

IDS = st.integers(1, MAX_ID)


@given(st.lists(IDS, min_size=1, max_size=30), st.integers(1, 30))
def test_ids_are_unique_in_their_order_and_bounded(ids: list[int], most: int) -> None:
    if len(set(ids)) > most:
        with pytest.raises(TooManyRevisions):
            revisions({"revisions": ids}, most)
    else:
        assert list(revisions({"revisions": ids}, most)) == sorted(set(ids), key=ids.index)


@given(JSON)
def test_anything_else_is_no_list_of_ids(value: Any) -> None:
    is_good = isinstance(value, list) and bool(value)
    is_good = is_good and all(type(one) is int and 1 <= one <= MAX_ID for one in value)
    if is_good:
        assert set(revisions({"revisions": value}, 50)) == set(value)
    else:
        with pytest.raises(BadParameter, match="Could not interpret revisions"):
            revisions({"revisions": value}, 50)


@given(JSON)
def test_a_flag_is_a_truth_value_and_a_choice_one_of_those_there_are(value: Any) -> None:
    if isinstance(value, bool):
        assert flag({"features": value}, "features") is value
    else:
        with pytest.raises(BadParameter, match="Could not interpret features"):
            flag({"features": value}, "features")
    with pytest.raises(BadParameter, match=r"Could not interpret order. Give as_asked or as_done"):
        choice({"order": value}, "order", ("as_asked", "as_done"))


def test_what_is_not_said_is_the_default() -> None:
    assert flag({}, "features") is False
    assert choice({}, "order", ("as_asked", "as_done")) == "as_asked"
    assert choice({"order": "as_done"}, "order", ("as_asked", "as_done")) == "as_done"


def test_a_misspelt_key_is_refused_with_those_that_are_known() -> None:
    check_keys({"revisions": [1]}, ("revisions", "models"))
    with pytest.raises(BadParameter, match="There is no 'model'; known are revisions, models"):
        check_keys({"revisions": [1], "model": "x"}, ("revisions", "models"))
