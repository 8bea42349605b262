from __future__ import annotations

import lzma
from datetime import UTC, datetime

import orjson
import pytest

from assay.features.edit.derived import family
from assay.features.graph.node import Feature
from assay.features.graph.plan import Plan
from assay.features.lexicon import Lexicons
from assay.revisions.types import Actor, Page, Revision
from shared_data import shared

FEATURES = [node for node in family(Lexicons()) if isinstance(node, Feature)]


def revision(text: str, parent: str | None) -> Revision:
    values = {
        "page": Page("P"),
        "actor": Actor("A", False),
        "timestamp": datetime(2020, 1, 1, tzinfo=UTC),
        "comment": "",
    }
    old = None if parent is None else Revision(id=1, text=parent, **values)  # type: ignore[arg-type]
    return Revision(id=2, text=text, parent=old, **values)  # type: ignore[arg-type]


def test_from_the_recorded_base_values_they_equal_the_legacys_own() -> None:
    """The oracle recorded ORES's model features beside the base features that they came from."""
    with lzma.open(shared("data/oracle/editquality_enwiki_damaging.jsonl.xz")) as lines:
        recorded = [orjson.loads(line) for line in lines]
    given = frozenset(recorded[0]["base_features"])
    plan = Plan(FEATURES, given & {node.name for node in Plan(FEATURES).nodes})
    for row in recorded:
        found = plan.run(revision("", None), row["base_features"]).row(FEATURES)
        expected = [row["model_features"][feature.name] for feature in FEATURES]
        assert found == pytest.approx(expected, abs=1e-9)
    assert len(recorded) == 300
    assert len(FEATURES) == 14


def test_they_follow_the_texts() -> None:
    values = Plan(FEATURES).run(revision("== A ==\nTwo [[words]]", "Two WORDS")).row(FEATURES)
    by_name = dict(zip((feature.name for feature in FEATURES), values, strict=True))  # type: ignore[arg-type]
    assert by_name["feature.revision.diff.headings_change"] == 1
    assert by_name["feature.revision.diff.wikilinks_change"] == 1
    assert by_name["feature.revision.diff.words_change"] == 1
    assert by_name["feature.revision.parent.uppercase_words_per_word"] == 0.5
    assert by_name["feature.revision.parent.chars_per_word"] == 4.5


def test_a_page_creation_is_compared_with_nothing_and_divides_by_no_zero() -> None:
    values = Plan(FEATURES).run(revision("Some new words", None)).row(FEATURES)
    by_name = dict(zip((feature.name for feature in FEATURES), values, strict=True))  # type: ignore[arg-type]
    assert by_name["feature.revision.diff.chars_change"] == 14
    assert by_name["feature.revision.parent.words_per_token"] == 0
