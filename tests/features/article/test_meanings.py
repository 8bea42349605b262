"""What features of articles count, for people: one sentence each, of every feature and of no other."""

from __future__ import annotations

from collections import Counter

from assay.features.article.any_wiki import names_of_features
from assay.features.article.meanings import MEANINGS

PREFIX = "feature.assay.article."


def test_every_feature_has_a_meaning_and_no_other_has() -> None:
    assert sorted(MEANINGS) == sorted(name.removeprefix(PREFIX) for name in names_of_features())


def test_meanings_are_short_sentences_and_differ() -> None:
    for name, meaning in MEANINGS.items():
        assert meaning[0].isupper(), name
        assert meaning.endswith("."), name
        assert len(meaning) <= 90, f"{name}: the page would not show it"
    assert [meaning for meaning, times in Counter(MEANINGS.values()).items() if times > 1] == []
