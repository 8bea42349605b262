"""Every base feature of ORES's enwiki damaging model against ORES's own values for 300 real edits."""

from __future__ import annotations

import pytest
from scipy.stats import spearmanr

from features.oracle import Table, needs_word_list, of_edits

LEAST_AGREEMENT = 0.99
LEAST_RANK_CORRELATION = 0.9


@pytest.fixture(scope="module")
def table() -> Table:
    return of_edits()


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
    exact = {name: pairs for name, pairs in table.items() if not needs_word_list(name)}
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
        if needs_word_list(name) and len(set(expected)) > 1:
            correlation = spearmanr(expected, own).statistic
            if not correlation >= LEAST_RANK_CORRELATION:
                low[name] = correlation
    assert low == {}
