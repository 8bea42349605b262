"""Models that cost nothing, for tests of scoring and serving; importable in scoring processes, too."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from assay.features.graph.node import Feature, FeatureValue
from assay.features.roots import COMMENT, PARENT_TEXT, TEXT, USER_EDIT_COUNT
from assay.models.model import Explanation, Label, Score
from assay.models.revid import RevIdModel
from assay.scoring.wikis import ModelSets

TEXT_CHARS = Feature("feature.test.chars", "Characters.", (TEXT,), len, type="int")
COMMENT_CHARS = Feature("feature.test.comment_chars", "Characters.", (COMMENT,), len, type="int")
PARENT_CHARS = Feature("feature.test.parent_chars", "Characters.", (PARENT_TEXT,), len, type="int")
EDIT_COUNT = Feature("feature.test.edit_count", "Edits.", (USER_EDIT_COUNT,), int, type="int")
IS_LONG = Feature("feature.test.is_long", "Over 100.", (TEXT_CHARS,), lambda n: n > 100, type="bool")


def _crash(text: str) -> int:
    """Ends the process that computes it when the text says so, as a defect in C code would."""
    if "CRASH" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    return text.count("!")


WORDS = Feature("feature.test.words", "Words; told, not read.", (TEXT,), lambda t: len(t.split()), type="int")
SHOUTS = Feature("feature.test.shouts", "Exclamation marks.", (TEXT,), _crash, type="int")
BROKEN = Feature("feature.test.broken", "Fails on empty texts.", (TEXT,), lambda t: 1 / len(t))


@dataclass(frozen=True)
class LinearModel:
    """Sigmoid of a weighted sum: the simplest model with exact contributions."""

    wiki: str
    name: str
    features: tuple[Feature, ...]
    weight: float = 0.01
    version: str = "1.2.3"
    labels: tuple[Label, ...] = (True, False)
    needs_parent: bool = False
    told: tuple[Feature, ...] = ()

    @property
    def digest(self) -> str:
        return f"{self.wiki}-{self.name}-{self.weight}"

    def score(self, row: Sequence[FeatureValue]) -> Score:
        if any(value == 666 for value in row):
            raise ArithmeticError("the number of the beast")
        chance = 1 / (1 + exp(-sum(self._parts(row)) + 1))
        return Score(chance > 0.5, {True: chance, False: 1 - chance})

    def explain(self, row: Sequence[FeatureValue]) -> Explanation:
        return Explanation({True: -1.0}, {True: self._parts(row)})

    def _parts(self, row: Sequence[FeatureValue]) -> list[float]:
        return [self.weight * float(value or 0) for value in row]


@dataclass(frozen=True)
class ClassModel(LinearModel):
    """Three named classes."""

    labels: tuple[Label, ...] = ("FA", "B", "Stub")

    def score(self, row: Sequence[FeatureValue]) -> Score:
        top = min(0.9, float(row[0] or 0) / 1000)
        return Score("FA" if top > 0.5 else "Stub", {"FA": top, "B": 0.1, "Stub": 0.9 - top})

    def explain(self, row: Sequence[FeatureValue]) -> Explanation:
        return Explanation(
            dict.fromkeys(self.labels, 0.5), {label: self._parts(row) for label in self.labels}
        )


def small_models() -> ModelSets:
    """``testwiki/revid``; ``smallwiki`` with damaging, goodfaith, articlequality; ``anywiki/reverted``."""
    shared = (TEXT_CHARS, IS_LONG)
    return ModelSets(
        [
            RevIdModel("testwiki", "revid", "1.0.0", "revid-digest"),
            LinearModel("smallwiki", "damaging", (*shared, SHOUTS)),
            LinearModel("smallwiki", "goodfaith", (*shared, COMMENT_CHARS, EDIT_COUNT), weight=-0.02),
            LinearModel("smallwiki", "parented", (PARENT_CHARS,), needs_parent=True),
            LinearModel("smallwiki", "fragile", (BROKEN,)),
            ClassModel("smallwiki", "articlequality", shared, told=(WORDS,)),
            LinearModel("anywiki", "reverted", shared, weight=0.005),
        ]
    )
