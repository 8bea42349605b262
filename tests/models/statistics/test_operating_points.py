"""Named operating points: ORES's levels, an operator's own, and what to say when one cannot be had."""

from __future__ import annotations

import pytest

from assay.models.statistics.operating_points import OperatingPoint, points_of


def test_levels_are_those_of_the_extensions_filters() -> None:
    damaging, goodfaith = (points_of(name, ("true", "false"), {}) for name in ("damaging", "goodfaith"))
    assert list(damaging) == list(goodfaith) == ["likelygood", "maybebad", "likelybad", "verylikelybad"]
    for name, point in damaging.items():
        assert goodfaith[name].query == point.query
        assert goodfaith[name].label != point.label


def test_unknown_kinds_have_points_of_each_label() -> None:
    assert list(points_of("spam", ("spam", "ham"), {})) == [
        "likely_spam",
        "verylikely_spam",
        "likely_ham",
        "verylikely_ham",
    ]


def test_a_point_that_is_no_query_is_refused_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="query: 'most' is no threshold query"):
        OperatingPoint("most")
