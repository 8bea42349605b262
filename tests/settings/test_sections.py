"""A tree of settings, read from dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from assay.settings.sections import hints, is_mapping, is_optional, names, required, section_of


@dataclass(frozen=True)
class Leaf:
    value: int = 1
    maybe: str | None = None


@dataclass(frozen=True)
class Root:
    first: bool = True
    leaf: Leaf = Leaf()
    perhaps: Leaf | None = None
    leaves: Mapping[str, Leaf] = field(default_factory=dict)
    others: Mapping[str, Leaf] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    last: tuple[Leaf, ...] = ()


def test_names_are_dotted_and_in_order() -> None:
    assert [*names(Root)] == [
        "first",
        "leaf.value",
        "leaf.maybe",
        "perhaps.value",
        "perhaps.maybe",
        "leaves.<name>.value",
        "leaves.<name>.maybe",
        "others.<name>.value",
        "others.<name>.maybe",
        "words",
        "last",
    ]


def test_all_of_assay_s_have_a_name_of_their_own() -> None:
    found = [*names()]
    assert len(set(found)) == len(found)
    assert {"release", "pool.processes", "wikis.<name>.source", "queue_redis.url"} <= set(found)


@pytest.mark.parametrize(
    ("kind", "optional", "type_", "mapping", "section"),
    [
        (int, False, int, False, None),
        (str | None, True, str, False, None),
        (Leaf, False, Leaf, False, Leaf),
        (Leaf | None, True, Leaf, False, Leaf),
        (Mapping[str, Leaf], False, Mapping[str, Leaf], True, Leaf),
        (Mapping[str, Leaf] | None, True, Mapping[str, Leaf], True, Leaf),
        (dict[str, int], False, dict[str, int], True, None),
        (tuple[Leaf, ...], False, tuple[Leaf, ...], False, None),
        (int | str, False, int | str, False, None),
    ],
)
def test_types_are_told_apart(kind: Any, optional: bool, type_: Any, mapping: bool, section: Any) -> None:
    assert is_optional(kind) is optional
    assert required(kind) == type_
    assert is_mapping(kind) is mapping
    assert section_of(kind) is section


def test_a_key_s_type_is_the_type_itself_not_how_it_is_written() -> None:
    assert hints(Leaf) == {"value": int, "maybe": str | None}
