"""What clients inject is converted, or refused by its name with what it must be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadInjection
from assay.features.graph import injection
from assay.features.graph.injection import decode_injection
from assay.features.graph.node import Datasource, Feature, Root
from assay.revisions.types import UNKNOWN

TEXT = Root("datasource.text", "", from_json=injection.string)
GROUPS = Root("datasource.groups", "")
WORDS = Datasource("datasource.words", "", (TEXT,), str.split, from_json=injection.strings)
LENGTH = Feature("feature.length", "", (TEXT,), len, type="int")
SHARE = Feature("feature.share", "", (TEXT,), len)
IS_LONG = Feature("feature.is_long", "", (LENGTH,), lambda n: n > 100, type="bool")
NODES = (TEXT, GROUPS, WORDS, LENGTH, SHARE, IS_LONG)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ({"feature.no": 1}, "feature.no: no such"),
        ({"datasource.text": 3}, "datasource.text: must be a string"),
        ({"datasource.words": ["a", 1]}, "datasource.words: must be a list of strings"),
        ({"feature.length": "3"}, "feature.length: must be a number"),
        ({"feature.length": True}, "must be a number"),
        ({"feature.length": float("nan")}, "finite"),
        ({"feature.length": 1e300}, "finite"),
        ({"feature.is_long": 1}, "must be true or false"),
        ({"datasource.groups": []}, "cannot be injected"),
    ],
)
def test_wrong_injections_are_refused_by_name(raw: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInjection, match=complaint):
        decode_injection(NODES, raw)


def test_all_faults_of_an_injection_are_told_together() -> None:
    with pytest.raises(BadInjection) as caught:
        decode_injection([TEXT, LENGTH], {"feature.no": 1, "datasource.text": 3, "feature.length": "x"})
    assert str(caught.value).count(";") == 2


def test_a_name_that_may_be_meant_is_told() -> None:
    with pytest.raises(BadInjection) as caught:
        decode_injection([TEXT, LENGTH], {"feature.lenght": 1, "z": 1})
    assert str(caught.value) == (
        "feature.lenght: no such feature or datasource; is feature.length meant?; "
        "z: no such feature or datasource"
    )


def test_a_hundred_thousand_wrong_names_are_not_repeated() -> None:
    wrong = {f"feature.{number}{'x' * 1000}": number for number in range(100_000)}
    with pytest.raises(BadInjection, match=r"; and 99990 more$") as caught:
        decode_injection([TEXT, LENGTH], wrong)
    assert len(str(caught.value)) < 2000


@given(st.dictionaries(st.sampled_from([node.name for node in NODES]), JSON))
def test_whatever_json_comes_is_taken_or_refused(raw: dict[str, Any]) -> None:
    decoded: dict[str, Any] = {}
    faults: set[str] = set()
    for name, value in raw.items():
        try:
            decoded |= decode_injection(NODES, {name: value})
        except BadInjection:
            faults.add(name)
    assert all((decoded[name] is UNKNOWN) == (raw[name] is None) for name in decoded)
    if faults:
        with pytest.raises(BadInjection) as caught:
            decode_injection(NODES, raw)
        assert {fault.partition(":")[0] for fault in str(caught.value).split("; ")} == faults
    else:
        assert decode_injection(NODES, raw) == decoded


@given(st.text(st.characters(codec=None, categories=["L", "Cs", "Zs"])))
def test_a_string_can_be_written_as_utf_8(value: str) -> None:
    taken = injection.string(value)
    assert len(taken.encode()) >= len(value)
    assert taken == value or "?" in taken


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.none() | st.integers(-14 * 60, 14 * 60))
def test_a_time_is_the_same_moment_in_utc(moment: datetime, minutes: int | None) -> None:
    zone = None if minutes is None else timezone(timedelta(minutes=minutes))
    written = moment.replace(tzinfo=zone)
    taken = injection.timestamp(written.isoformat())
    assert taken.tzinfo is UTC
    assert taken == (written.replace(tzinfo=UTC) if zone is None else written)


@pytest.mark.parametrize(
    ("convert", "value", "complaint"),
    [
        (injection.timestamp, "yesterday", "must be a time such as"),
        (injection.timestamp, 20160801, "must be a time such as"),
        (injection.timestamp, "0001-01-01T00:00:00+01:00", "must be a time such as"),
        (injection.timestamp, "9999-12-31T23:59:59-01:00", "must be a time such as"),
        (injection.integer, 2**63, "whole number below"),
        (injection.integer, True, "whole number below"),
        (injection.integer, 1.0, "whole number below"),
        (injection.boolean, 1, "true or false"),
        (injection.groups, "sysop", "list of group names"),
        (injection.groups, [1], "must be a string"),
        (injection.optional(injection.integer), "1", "whole number below"),
    ],
)
def test_what_a_converter_refuses(convert: Callable[[Any], Any], value: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        convert(value)


def test_what_may_be_missing_may_be_null() -> None:
    assert injection.optional(injection.string)(None) is None
    assert injection.optional(injection.integer)(7) == 7
    assert injection.groups(["sysop", "sysop"]) == frozenset({"sysop"})
