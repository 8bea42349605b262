"""What a server answers, as values. Each has a `parse` for its JSON document; unknown members are passed
over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

Document = Mapping[str, Any]
Label = bool | str
Value = float | bool | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one label, in log-odds: `base` plus all contributions is the logit of its probability."""

    base: float
    contributions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Score:
    """What a model says. `probability`: by label (``true``, ``false`` or a class). `features`,
    `explanation` (by label): None when not asked for."""

    prediction: Label
    probability: Mapping[str, float]
    features: Mapping[str, Value] | None = None
    explanation: Mapping[str, Explanation] | None = None

    @classmethod
    def parse(cls, cell: Document) -> Self:
        """A cell of ``/v3/scores/`` and of streams."""
        score = cell["score"]
        explained = cell.get("explanation")
        return cls(
            score["prediction"],
            score["probability"],
            cell.get("features"),
            explained
            and {name: Explanation(part["base"], part["contributions"]) for name, part in explained.items()},
        )

    @classmethod
    def parse_explained(cls, cell: Document) -> Self:
        """A cell of ``/api/{wiki}/revisions/{id}``."""
        return cls(
            cell["prediction"],
            cell["probability"],
            {feature["name"]: feature["value"] for feature in cell["features"]},
            {
                label: Explanation(
                    part["base"],
                    {feature["name"]: feature["contributions"][label] for feature in cell["features"]},
                )
                for label, part in cell["explanation"].items()
            },
        )


@dataclass(frozen=True, slots=True)
class ScoreError:
    """Why there is no score. `code` is stable; `type` is ORES's name; asking again may help if
    `retryable`."""

    code: str
    type: str
    message: str
    retryable: bool

    @classmethod
    def parse(cls, error: Document) -> Self:
        return cls(error["code"], error["type"], error["message"], error["retryable"])


Result = Score | ScoreError
Cells = Mapping[str, Result]
"""Of one revision, by model."""


def parse_cells(cells: Document, parse: Callable[[Document], Score] = Score.parse) -> Cells:
    """`parse`: of a cell with a score."""
    return {
        name: ScoreError.parse(cell["error"]) if "error" in cell else parse(cell)
        for name, cell in cells.items()
    }


def parse_explained_cells(cells: Document) -> Cells:
    """Of ``/api/{wiki}/revisions/{id}`` and ``/api/{wiki}/text``."""
    return parse_cells(cells, Score.parse_explained)


def is_retryable(cells: Cells) -> bool:
    return any(isinstance(cell, ScoreError) and cell.retryable for cell in cells.values())


@dataclass(frozen=True, slots=True)
class ExplainedRevision:
    """An edit with its scores. `revision`, `diff`: as the API tells them; `diff` is None when a text is
    hidden."""

    wiki: str
    revision: Document
    diff: Document | None
    scores: Cells

    @classmethod
    def parse(cls, told: Document) -> Self:
        return cls(told["wiki"], told["revision"], told["diff"], parse_explained_cells(told["scores"]))


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model in the list of wikis. `features`: their names, in the model's order."""

    name: str
    version: str
    digest: str
    labels: Sequence[Label]
    features: Sequence[str]

    @classmethod
    def parse(cls, told: Document) -> Self:
        features = tuple(feature["name"] for feature in told["features"])
        return cls(told["name"], told["version"], told["digest"], tuple(told["labels"]), features)


@dataclass(frozen=True, slots=True)
class WikiInfo:
    """A wiki with its models, by name."""

    name: str
    models: Mapping[str, ModelInfo]

    @classmethod
    def parse(cls, told: Document) -> Self:
        models = [ModelInfo.parse(model) for model in told["models"]]
        return cls(told["name"], {model.name: model for model in models})


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What is known of a model. `statistics`: None when nothing was measured."""

    wiki: str
    model: str
    version: str
    digest: str
    kind: str
    description: str
    labels: Sequence[str]
    statistics: Document | None
    training: Document
    limits: Sequence[str]
    operating_points: Sequence[str]

    @classmethod
    def parse(cls, told: Document) -> Self:
        return cls(**{name: told[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Cut:
    """A threshold with what it does. `statistics`, `intervals_95`: by ORES's names; None where undefined."""

    threshold: float
    statistics: Mapping[str, float | None]
    intervals_95: Mapping[str, tuple[float, float] | None]
    counts: Mapping[str, int]

    @classmethod
    def parse(cls, told: Document) -> Self:
        intervals = {
            name: None if pair is None else (pair[0], pair[1]) for name, pair in told["intervals_95"].items()
        }
        return cls(told["threshold"], told["statistics"], intervals, told["counts"])


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best cut under a condition. `cut`: None when none meets it; then `nearest` comes closest."""

    query: str
    label: str
    cut: Cut | None
    nearest: Cut | None

    @classmethod
    def parse(cls, told: Document) -> Self:
        cuts = [None if told[name] is None else Cut.parse(told[name]) for name in ("cut", "nearest")]
        return cls(told["query"], told["label"], *cuts)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A named threshold. `range`: the least and greatest probability of ``true`` that it means, for models
    of yes and no."""

    name: str
    title: str
    optimum: Optimum
    range: tuple[float, float] | None

    @classmethod
    def parse(cls, told: Document) -> Self:
        span = told["range"]
        return cls(
            told["name"], told["title"], Optimum.parse(told), None if span is None else (span[0], span[1])
        )


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A label's table (rows by ORES's names, with ``counts``), and the named points of all labels."""

    wiki: str
    model: str
    version: str
    digest: str
    label: str
    population_rate: float | None
    table: Sequence[Document]
    operating_points: Mapping[str, OperatingPoint]

    @classmethod
    def parse(cls, told: Document) -> Self:
        points = [OperatingPoint.parse(point) for point in told["operating_points"]]
        return cls(
            told["wiki"],
            told["model"],
            told["version"],
            told["digest"],
            told["label"],
            told["population_rate"],
            tuple(told["table"]),
            {point.name: point for point in points},
        )
