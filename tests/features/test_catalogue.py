"""All nodes together: names, types, docs; injection through the real graph."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from assay.errors import GraphError
from assay.features.catalogue import catalogue, features
from assay.features.graph.injection import decode_injection
from assay.features.graph.node import Datasource, Feature, Root
from assay.features.graph.plan import Plan
from assay.features.lexicon import Lexicon, Lexicons, shipped
from assay.revisions.problem import Problem, parent_not_found
from assay.revisions.types import Actor, Page, Revision

LEXICONS = Lexicons(
    [
        Lexicon.of("english.dictionary", ["hello", "world", "new", "Polish", "polish"]),
        Lexicon.of("english.badwords", ["poo+p"]),
    ]
)
ACTOR = Actor("A", False, groups=frozenset({"sysop"}), registered_at=datetime(2019, 1, 1, tzinfo=UTC))
PARENT = Revision(1, Page("P", namespace=0), ACTOR, datetime(2020, 1, 1, tzinfo=UTC), "", "Hello world\n")
REVISION = replace(
    PARENT, id=2, timestamp=datetime(2020, 1, 2, tzinfo=UTC), text="Hello new world\npoop\n", parent=PARENT
)
TOKENS = "datasource.tokenized(datasource.revision.text)"
WORDS = "datasource.wikitext.revision.words"


def values(names: list[str], raw: dict[str, Any] | None = None, revision: Revision = REVISION) -> Any:
    nodes = catalogue(LEXICONS)
    wanted = features(names, LEXICONS)
    injection = decode_injection(nodes.values(), raw or {})
    return Plan(wanted, frozenset(injection)).run(revision, injection).row(wanted)


def test_every_node_is_named_documented_and_typed() -> None:
    for name, node in catalogue(
        shipped("english.dictionary", "english.badwords", "english.informals")
    ).items():
        assert name == node.name
        assert node.doc
        assert name.startswith("feature." if isinstance(node, Feature) else "datasource.")
        assert isinstance(node, Feature | Datasource | Root)


def test_equal_lexicons_give_the_same_nodes() -> None:
    again = Lexicons([Lexicon.of(lexicon.name, lexicon.entries) for lexicon in LEXICONS.values()])
    assert all(catalogue(again)[name] is node for name, node in catalogue(LEXICONS).items())


def test_a_feature_that_does_not_exist_is_named() -> None:
    with pytest.raises(GraphError, match=r"feature\.no\.such"):
        features(["feature.no.such"], LEXICONS)


DICTIONARY = "feature.english.dictionary.revision.diff"
BADWORDS = "feature.english.badwords.revision.diff"


def test_word_lists_follow_the_edit() -> None:
    names = [
        f"{DICTIONARY}.dict_word_delta_sum",
        f"{DICTIONARY}.non_dict_word_delta_increase",
        f"{BADWORDS}.match_delta_sum",
        f"{BADWORDS}.match_prop_delta_sum",
    ]
    assert values(names) == [1, 1, 1, 1.0]


def test_spellings_of_one_word_are_counted_together() -> None:
    edit = replace(REVISION, text="polish\n", parent=replace(PARENT, text="Polish POLISH\n"))
    names = [f"{DICTIONARY}.dict_word_delta_sum", f"{DICTIONARY}.dict_word_prop_delta_sum"]
    assert values(names, revision=edit) == [-1, -0.5]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, [8.0, 4.0, 1]),
        ({"datasource.revision.text": "Hello world\n"}, [4.0, 2.0, 0]),
        ({TOKENS: ["a", " ", "b"]}, [3.0, 2.0, 0]),
        ({WORDS: ["hello", "hello", "new"]}, [8.0, 3.0, 1]),
        ({"datasource.revision.parent.text": None}, [8.0, 4.0, 3]),
    ],
)
def test_injected_texts_tokens_and_words_flow_downstream(raw: dict[str, Any], expected: list[Any]) -> None:
    names = [f"feature.len(<{TOKENS}>)", f"feature.len(<{WORDS}>)", f"{DICTIONARY}.dict_word_delta_sum"]
    got = values(names, raw)
    if TOKENS in raw:
        expected[2] = -2
    assert got == expected


def test_injected_matches_flow_downstream() -> None:
    raw = {"datasource.english.badwords.revision.matches": ["poop", "POOP", "pooop"]}
    assert values([f"{BADWORDS}.match_delta_sum"], raw) == [3]


def test_lists_of_tokens_hold_what_the_counts_say() -> None:
    node = catalogue(LEXICONS)[WORDS]
    words = Plan([node]).run(REVISION).raw(node)
    assert list(words) == ["Hello", "new", "world", "poop"]
    assert len(words) == 4
    assert words[1] == "new"


def test_a_missing_parent_spares_what_needs_only_the_revision() -> None:
    edit = replace(REVISION, parent=parent_not_found(2, 1))
    assert values([f"feature.len(<{TOKENS}>)", "feature.wikitext.revision.chars"], revision=edit) == [
        8.0,
        21.0,
    ]
    assert isinstance(values(["feature.wikitext.revision.parent.chars"], revision=edit), Problem)
