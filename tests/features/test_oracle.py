"""Every base feature of ORES's enwiki damaging model against ORES's own values for 300 real edits."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import spearmanr

from assay.features.catalogue import features
from assay.features.graph import Plan
from assay.features.lexicon import shipped
from features.oracle import cases

WORD_LISTS = ("english.badwords", "english.dictionary", "english.informals")
LEAST_AGREEMENT = 0.99
LEAST_RANK_CORRELATION = 0.9

Table = dict[str, list[tuple[Any, Any]]]


@pytest.fixture(scope="module")
def table() -> Table:
    """(expected, own) values of each feature over all edits."""
    names = list(cases()[0].expected)
    wanted = features(names, shipped(*WORD_LISTS))
    plan = Plan(wanted)
    table: Table = {name: [] for name in names}
    for case in cases():
        row = plan.run(case.revision).row(wanted)
        assert isinstance(row, list), row
        for name, value in zip(names, row, strict=True):
            table[name].append((case.expected[name], value))
    return table


def test_every_base_feature_exists_with_the_legacys_type(table: Table) -> None:
    assert len(table) == 78
    wrong = {
        name: type(own).__name__
        for name, pairs in table.items()
        for expected, own in pairs
        if type(own) is not type(expected)
    }
    assert not wrong


def test_features_without_word_lists_equal_the_legacys(table: Table) -> None:
    exact = {name: pairs for name, pairs in table.items() if not name.startswith("feature.english")}
    agreement = {
        name: sum(abs(own - expected) <= 1e-9 for expected, own in pairs) / len(pairs)
        for name, pairs in exact.items()
    }
    assert len(agreement) == 54
    assert {name: share for name, share in agreement.items() if share < LEAST_AGREEMENT} == {}


def test_features_of_word_lists_rank_edits_as_the_legacys(table: Table) -> None:
    low = {}
    for name, pairs in table.items():
        expected, own = zip(*pairs, strict=True)
        if name.startswith("feature.english") and len(set(expected)) > 1:
            correlation = spearmanr(expected, own).statistic
            if not correlation >= LEAST_RANK_CORRELATION:
                low[name] = correlation
    assert low == {}
