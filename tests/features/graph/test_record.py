"""Every datasource takes an injected value, whole records among them, and what follows from it follows."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import asdict, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadInjection
from assay.features.catalogue import catalogue
from assay.features.graph.injection import decode_injection
from assay.features.graph.node import Datasource, Feature, Node, Root
from assay.features.graph.plan import Plan
from assay.features.lexicon import shipped, shipped_names
from assay.features.text.alignment import Alignment
from assay.features.wikitext.wikicode import Wikicode
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, Page, PageHistory, Revision, Unknown
from features.edits import EDITOR, NOW, edit

NODES = catalogue(shipped(*shipped_names()))
SOURCES = [node for node in NODES.values() if isinstance(node, Root | Datasource)]
FEATURES = [node for node in NODES.values() if isinstance(node, Feature)]
LATER = NOW - timedelta(days=1)
PAGE_PAST = PageHistory(9, 2, 3, 4, NOW - timedelta(days=30), LATER, 1, 2)
ACTOR_PAST = ActorHistory(8, 2, 1, 3, 1, NOW - timedelta(days=20), LATER, None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def an_edit() -> Revision:
    actor = replace(EDITOR, id=5, groups=frozenset({"user"}), registered_at=LATER, edit_count=7)
    return edit(
        "== Apples ==\nAn apple is a [[fruit]] of 2 kinds.\n\n* ''Red''\n* Green\n",
        "== Apples ==\nAn apple is a STUPID [[fruit]] of 3 kinds.<ref>{{cite web|url=http://a.org}}</ref>\n",
        "/* Apples */ of course",
        actor=actor,
        page=Page("Some page", 1, 0),
        is_minor=False,
        page_history=PAGE_PAST,
        actor_history=ACTOR_PAST,
    )


def as_json(value: Any) -> Any:
    """What a client would write for a datasource's value."""
    if isinstance(value, Wikicode):
        return value.text
    if isinstance(value, Alignment):
        return [value.parent_text, value.text]
    if is_dataclass(value) and not isinstance(value, type):
        value = {name: it for name, it in asdict(value).items() if it is not UNKNOWN}
    elif hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict | Counter):
        return {name: as_json(it) for name, it in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return [as_json(it) for it in value]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_its_own_value_may_be_injected_and_changes_nothing(source: Root | Datasource) -> None:
    plan = Plan([*FEATURES, source])
    before = plan.run(an_edit())
    value = before.raw(source)
    raw = {source.name: None if isinstance(value, Unknown) else as_json(value)}
    after = Plan(FEATURES, frozenset(raw)).run(an_edit(), decode_injection([source], raw))
    changed = {
        node.name: (before.known(node), after.known(node))
        for node in FEATURES
        if before.known(node) != after.known(node)
    }
    assert changed == {}


def injected(raw: dict[str, Any], *names: str) -> list[Any]:
    features = [NODES[name] for name in names]
    values = Plan(features, frozenset(raw)).run(an_edit(), decode_injection(NODES.values(), raw))
    return [values.raw(node) for node in features]


@pytest.mark.parametrize(
    ("source", "value", "feature", "expected"),
    [
        ("page.history", as_json(replace(PAGE_PAST, edits=77)), "feature.assay.page_past.edits", 77),
        ("page.history", None, "feature.assay.page_past.edits", UNKNOWN),
        ("user.history", as_json(replace(ACTOR_PAST, reverts=5)), "feature.assay.actor_past.reverts", 5),
        ("parent.user", {"name": "Editor", "is_anonymous": True}, "feature.assay.parent.is_anon", True),
        ("parent.user", as_json(EDITOR), "feature.assay.parent.same_user", True),
        ("parent.user", None, "feature.assay.parent.is_anon", None),
    ],
)
def test_what_is_injected_flows_downstream(source: str, value: Any, feature: str, expected: Any) -> None:
    assert injected({f"datasource.revision.{source}": value}, feature) == [expected]


def test_matches_that_are_injected_are_counted() -> None:
    name = "datasource.english.idioms.revision.matches"
    assert injected({name: ["of course", "at all"]}, f"feature.len(<{name}>)") == [2.0]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("datasource.revision.page.history", [], "must be an object with edits, reverts"),
        ("datasource.revision.page.history", {}, "lacks edits, reverts, reverted"),
        (
            "datasource.revision.page.history",
            as_json(PAGE_PAST) | {"edit": 1},
            "has no field edit; its",
        ),
        ("datasource.revision.page.history", as_json(PAGE_PAST) | {"edits": "1"}, "edits must be a whole"),
        ("datasource.revision.page.history", as_json(PAGE_PAST) | {"created_at": None}, "created_at must be"),
        ("datasource.revision.parent.user", {"name": "A", "is_anonymous": 1}, "is_anonymous must be true"),
        ("datasource.assay.article.structure", {"layout": 1}, "lacks"),
        ("datasource.assay.article.words", ["a"], "must be an object of words"),
        ("datasource.revision.diff.alignment", ["a"], "must be a list of the parent's text"),
        ("datasource.wikitext.revision.wikicode", 1, "must be a string"),
    ],
)
def test_a_wrong_record_is_refused_by_its_field(name: str, value: Any, complaint: str) -> None:
    with pytest.raises(BadInjection, match=f"^{name}: {complaint}"):
        decode_injection([NODES[name]], {name: value})


def test_what_a_record_may_leave_out_is_not_known() -> None:
    raw = {"datasource.revision.parent.user": {"name": "A", "is_anonymous": False}}
    assert decode_injection(NODES.values(), raw) == {
        "datasource.revision.parent.user": Actor("A", is_anonymous=False)
    }


@given(source=st.sampled_from(SOURCES), value=JSON)
def test_whatever_json_comes_is_taken_or_refused(source: Node, value: Any) -> None:
    with suppress(BadInjection):
        assert set(decode_injection([source], {source.name: value})) == {source.name}
