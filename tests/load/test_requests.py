"""What is asked: the servers' own parser must read what was meant."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.load.requests import KINDS, Kind, Request, requests, target
from assay.serving.parameters import parse

MODELS = st.text(st.characters(blacklist_characters="|", codec="utf-8")).map(str.strip).filter(bool)
"""Blanks around names are none of theirs."""


def _asked(count: int, **given: Any) -> list[Request]:
    defaults: dict[str, Any] = {
        "wiki": "testwiki",
        "revisions": range(1, 11),
        "models": ("revid",),
        "mix": {"scores": 1.0},
        "per_request": 1,
        "parameters": {},
        "seed": 1,
    }
    return list(islice(requests(**{**defaults, **given}), count))


@given(
    st.lists(st.integers(1, 2**63 - 1), min_size=1, max_size=50, unique=True),
    st.lists(MODELS, max_size=3),
)
def test_the_server_reads_what_was_meant(rev_ids: list[int], models: list[str]) -> None:
    fields = dict(parse_qsl(urlsplit(target("bulk", "enwiki", rev_ids, models, {})).query))
    parsed = parse(fields)
    assert parsed.rev_ids == tuple(rev_ids)
    assert (parsed.models or ()) == tuple(dict.fromkeys(models))
    assert parsed.bulk


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("scores", "/v3/scores/a%2Fwiki/?revids=7%7C8&models=m%7Cn&feature.delay=1"),
        ("bulk", "/v3/scores/a%2Fwiki/?revids=7%7C8&models=m%7Cn&precache=true&feature.delay=1"),
        ("revision", "/v3/scores/a%2Fwiki/7/?models=m%7Cn&feature.delay=1"),
        ("cell", "/v3/scores/a%2Fwiki/7/m/?feature.delay=1"),
        ("models", "/v3/scores/a%2Fwiki/"),
        ("wikis", "/v3/scores/"),
    ],
)
def test_each_kind_has_its_path(kind: Kind, expected: str) -> None:
    assert target(kind, "a/wiki", (7, 8), ("m", "n"), {"feature.delay": "1"}) == expected


@pytest.mark.parametrize("revisions", [range(1, 8), (5, 3, 9, 4)])
def test_no_revision_is_asked_for_twice_before_all_were(revisions: range | tuple[int, ...]) -> None:
    asked = [rev for request in _asked(30, revisions=revisions, per_request=3) for rev in request.rev_ids]
    whole = len(asked) // len(revisions) * len(revisions)
    for first in range(0, whole, len(revisions)):
        assert asked[first : first + len(revisions)] == list(revisions)


def test_the_mix_is_kept_and_follows_from_the_seed() -> None:
    mix = {"scores": 3.0, "cell": 1.0, "wikis": 0.0}
    asked = _asked(4000, mix=mix, models=("a", "b"))
    kinds = Counter(request.kind for request in asked)
    assert set(kinds) == {"scores", "cell"}
    assert 2800 < kinds["scores"] < 3200
    assert {request.models for request in asked if request.kind == "cell"} == {("a",), ("b",)}
    assert asked == _asked(4000, mix=mix, models=("a", "b"))
    assert asked != _asked(4000, mix=mix, models=("a", "b"), seed=2)


def test_every_kind_can_be_asked() -> None:
    asked = _asked(200, mix=dict.fromkeys(KINDS, 1.0), per_request=4)
    sizes = {request.kind: len(request.rev_ids) for request in asked}
    assert sizes == {"scores": 4, "bulk": 4, "revision": 1, "cell": 1, "models": 0, "wikis": 0}
