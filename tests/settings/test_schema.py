"""The JSON Schema accepts exactly what the loader accepts, but for what no schema can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from assay.settings import Given, Rename, describe, json_schema, load, resolve
from assay.settings.layers import leaves, merged

BEYOND_A_SCHEMA = frozenset(
    {
        "must_be_set",  # names of settings, and that they are set
        "redis.url",  # redis-py's notation, and what is said twice
        "redis.sentinels",
        "queue_redis",  # the same, and that one server has one password
        "precache.streams",  # what each kind needs
        "precache.sinks",
        "precache.redis",  # as redis
        "quota.exempt",  # CIDRs
        "quota.trusted_proxies",
        "quota.precache_clients",
        "wikis.<name>.models.<name>.operating_points.<name>.query",  # threshold queries
        "rollout.data_centres.<name>.nodes.<name>.supervisor",  # no password, and both or neither
        "rollout.data_centres.<name>.nodes.<name>.supervisor_user",
        "rollout.data_centres.<name>.nodes.<name>.supervisor_password_file",
    }
)
"""What `load` refuses beyond the schema, with files that cannot be read and settings given twice."""

RENAMES = (
    Rename("redis.host_user", "redis.username", 2),
    Rename("wikis.<name>.sauce", "wikis.<name>.source", 2),
    Rename("scoring_systems", "pool", 2),
    Rename("old_release", "release", 1),
    Rename("queue_length", "pool.queue_jobs", 2),
)
RENAMED_SECTIONS = frozenset({part.split(".")[0] for rename in RENAMES for part in (rename.old, rename.new)})
SCHEMA, RENAMED = json_schema(), json_schema(RENAMES, 2)
NAMES = st.sampled_from(["enwiki", "a-b_1", "a b", "", "x\n", "é", "a" * 101])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


def _places(node: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every section and every value that the schema knows, ``<name>`` standing for any item."""
    if ".".join(place) in BEYOND_A_SCHEMA:
        return
    yield place, node
    for name, inner in node.get("properties", {}).items():
        yield from _places(inner, (*place, name))
    if isinstance(inner := node.get("additionalProperties"), Mapping):
        yield from _places(inner, (*place, "<name>"))


def _near(node: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that are right, and some that are just not."""
    if "enum" in node:
        return st.sampled_from([*node["enum"], "other", None, 1])
    types = [node["type"]] if isinstance(node["type"], str) else node["type"]
    edges = [node[key] for key in ("minimum", "maximum", "exclusiveMinimum") if key in node]
    numbers = [n for edge in edges for n in (edge, edge - 1, edge + 1, edge / 2, float(edge))]
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "string": st.sampled_from(["", "x", "7", "true", "a.b-c", "é", "x\n", "a" * 65]),
        "boolean": st.booleans() | st.sampled_from([0, 1, "true", "yes"]),
        "integer": st.sampled_from([*numbers, 100, 2.0, 2.5, 2**60, True, "3", 10**400]),
        "number": st.sampled_from([*numbers, 1, 0.5, 1e300, True, "1.5", 10**400]),
        "array": st.lists(_near(node["items"]) if "items" in node else st.nothing(), max_size=3),
        "object": st.just({}),
        "null": st.none(),
    }
    return st.one_of([by_type[kind] for kind in types])


@st.composite
def documents(
    draw: st.DrawFn, schema: Mapping[str, Any], sections: frozenset[str] | None = None
) -> dict[str, Any]:
    """Configurations with a few settings, most of them right or nearly so. `sections`: None for all."""
    known = [item for item in _places(schema) if sections is None or (item[0] and item[0][0] in sections)]
    document: dict[str, Any] = {}
    for place, node in draw(st.lists(st.sampled_from(known), min_size=1, max_size=3)):
        value = draw(st.one_of(_near(node), _near(node), _near(node), JUNK))
        names = [draw(NAMES) if part == "<name>" else part for part in place]
        if draw(st.integers(0, 9)) == 0:
            names.append(draw(st.sampled_from(["unknown", "", "URL", "<name>"])))
        for part in reversed(names):
            value = {part: value}
        if isinstance(value, dict):
            document = merged(document, value)
    if draw(st.booleans()):  # what sections with required keys need
        for wiki in [*document.get("wikis", {})] if isinstance(document.get("wikis"), dict) else []:
            document = merged({"wikis": {wiki: {"source": "x.xml"}}}, document)
    return document


def _is_loaded(document: Mapping[str, Any]) -> bool:
    return resolve(Given(flags=document)).settings is not None


def _is_beyond(document: Mapping[str, Any]) -> bool:
    """Whether a whole section that was drawn as junk brought what no schema can judge."""
    names = {".".join(place[:2]) for place, _ in leaves(document)} | {str(key) for key in document}
    return bool(names & BEYOND_A_SCHEMA)


@given(documents(SCHEMA))
@settings(max_examples=400)
def test_the_loader_accepts_what_the_schema_accepts(document: dict[str, Any]) -> None:
    assume(not _is_beyond(document))
    accepted = Draft202012Validator(SCHEMA).is_valid(document)
    event(f"accepted: {accepted}")
    assert _is_loaded(document) is accepted


@given(documents(RENAMED, RENAMED_SECTIONS))
@settings(max_examples=400)
def test_so_it_is_with_old_names(document: dict[str, Any]) -> None:
    """Both names with different values are what a schema cannot refuse."""
    assume(not _is_beyond(document))
    accepted = Draft202012Validator(RENAMED).is_valid(document)
    resolved = resolve(Given(flags=document), RENAMED)
    contradicts = any("under its old and its new name" in fault for fault in resolved.faults)
    event(f"accepted: {accepted}, contradicts itself: {contradicts}")
    assert (resolved.settings is not None) is (accepted and not contradicts)


def test_examples_of_both_kinds() -> None:
    """That the law above is not about nothing."""
    validator = Draft202012Validator(json_schema())
    right = {
        "wikis": {"enwiki": {"source": "x", "aliases": {"wp10": "articlequality"}}},
        "pool": {"processes": 2.0},
    }
    for document in (right, {}, {"queue_redis": None}, {"server": {"port": 0}}):
        assert validator.is_valid(document)
        assert _is_loaded(document)
    wrong: dict[str, Any]
    for wrong in (
        {"polo": {}},
        {"pool": {"processes": 0}},
        {"pool": {"processes": "2"}},
        {"wikis": {"en/wiki": {"source": "x"}}},
        {"wikis": {"enwiki": {}}},
        {"wikis": {"enwiki": {"source": "x", "aliases": {"a|b": "damaging"}}}},
        {
            "wikis": {
                "enwiki": {"source": "x", "models": {"reverted": {"operating_points": {"p": {"query": ""}}}}}
            }
        },
        {"quota": {"burst": 49}},
        {"tracing": {"share": 0}},
        {"worker": {"lanes": []}},
        {"rollout": {"stages": {"weights": [101]}}},
    ):
        assert not validator.is_valid(wrong), wrong
        assert not _is_loaded(wrong), wrong


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())
    Draft202012Validator.check_schema(json_schema(RENAMES, 2))


def test_it_names_every_section() -> None:
    assert set(json_schema()["properties"]) == set(describe(load(environment={})))


def test_every_section_refuses_unknown_keys() -> None:
    for place, node in _places(json_schema()):
        if "properties" in node:
            assert node["additionalProperties"] is False, place
