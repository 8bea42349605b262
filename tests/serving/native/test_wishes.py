"""Which models and values a client wishes for: taken as meant, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from assay.errors import BadInjection, BadParameter
from assay.serving.native.wishes import read_wishes
from serving.native.any_json import JSON


def test_what_is_not_said_is_all_models_as_they_are() -> None:
    assert read_wishes({}) == (None, {})
    assert read_wishes({"models": None}) == (None, {})


@given(JSON, JSON)
def test_wishes_are_names_and_values_or_refused(models: Any, injection: Any) -> None:
    has_names = models is None or (
        isinstance(models, list) and bool(models) and all(isinstance(name, str) for name in models)
    )
    asked = {"models": models, "injection": injection}
    if not has_names:
        with pytest.raises(BadParameter, match="Could not interpret models"):
            read_wishes(asked)
    elif not isinstance(injection, dict):
        with pytest.raises(BadInjection, match="Could not interpret injection"):
            read_wishes(asked)
    else:
        assert read_wishes(asked) == (models and tuple(dict.fromkeys(models)), injection)


def test_names_are_bounded() -> None:
    with pytest.raises(BadParameter, match="Give a list of names"):
        read_wishes({"models": ["x"] * 101})
    assert read_wishes({"models": ["x"] * 100}) == (("x",), {})


def test_each_model_is_asked_once_in_the_order_of_wishes() -> None:
    names, injection = read_wishes({"models": ["b", "a", "b"], "injection": {"feature.x": 1}})
    assert (names, injection) == (("b", "a"), {"feature.x": 1})
    assert read_wishes({"models": ["a"]}) == (("a",), {})


def test_values_are_nested_no_deeper_than_anywhere_else() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    with pytest.raises(BadInjection, match="injection"):
        read_wishes({"injection": {"feature.x": deep}})
