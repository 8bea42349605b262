from __future__ import annotations

import pytest

from assay.errors import BadParameter
from assay.models.query import Query


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
