from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.errors import BadParameter
from assay.models.statistics.query import QUERY_PATTERN, Query

PIECES = (
    "maximum",
    "MiNiMuM",
    "recall",
    "!F1",
    "roc",
    "@",
    ">=",
    "<=",
    ">",
    ".5",
    "-1",
    "1e3",
    "٣",
    "x",
    "  ",
    "\n",
)
LIKE_QUERIES = st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join)
NEAR_QUERIES = st.builds(
    lambda query, place, piece: query[:place] + piece + query[place:],
    st.sampled_from(("maximum recall @ precision >= 0.9", "minimum !f1 @ fpr <= 12")),
    st.integers(0, 40),
    st.text(max_size=2) | st.sampled_from((*PIECES, " " * 200)),
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "maximum recall",
        "maximum recall @ precision >= 0.9xyz",
        "best recall @ precision >= 0.9",
        "maximum recall @ precision > 0.9",
        "maximum threshold @ precision >= 0.9",
        "maximum nothing @ precision >= 0.9",
        "maximum recall @ precision >= 0.9" + " " * 500,
        "maximum recall @ precision >= 1e400",
    ],
)
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        Query.parse(text)


@given(LIKE_QUERIES | NEAR_QUERIES)
@example("maximum recall @ precision >= 0.9" + " " * 167)
@example("maximum recall @ precision >= 0.9" + " " * 168)
def test_the_pattern_takes_what_is_parsed(text: str) -> None:
    try:
        Query.parse(text)
        is_query = True
    except BadParameter:
        is_query = False
    assert (re.search(QUERY_PATTERN, text) is not None) is is_query
