"""Two scores have one identity when, and only when, they must be equal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.scoring.key import ScoreKey, injection_digest

KEY = ScoreKey("enwiki", "damaging", "digest", 123)


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, wiki="frwiki"),
        replace(KEY, model="goodfaith"),
        replace(KEY, model_identity="other"),
        replace(KEY, rev_id=124),
        replace(KEY, injection=injection_digest({"feature.x": 1})),
    ],
)
def test_every_part_counts(other: ScoreKey) -> None:
    assert str(other) != str(KEY)


def test_the_order_of_injected_names_does_not_count() -> None:
    assert injection_digest({"a": 1, "b": [2]}) == injection_digest({"b": [2], "a": 1})


def test_injected_values_count() -> None:
    values: list[dict[str, object]] = [{}, {"a": 1}, {"a": True}, {"a": None}, {"a": "1"}, {"b": 1}]
    assert len({injection_digest(value) for value in values}) == len(values)
    assert injection_digest({}) == ""
