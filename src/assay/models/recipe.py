"""What a model is made of, written down before it is made: a recipe is data, not code.

A recipe, the training rows and the seed determine the bundle byte for byte; whatever could change a
model is therefore a field here and travels into the bundle's manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal

import orjson

from assay.errors import ConfigurationError
from assay.models.model import Label

Kind = Literal["binary", "multiclass"]
Column = Literal["row", "page", "actor", "page_and_actor"]
Filter = Literal["bots", "reverting", "self_reverted", "creations", "unfinished"]

MAX_ROUNDS: Final = 5000


@dataclass(frozen=True, slots=True)
class Split:
    """How rows are held out to measure, and to calibrate on.

    `kind`: ``time`` (the latest `share` of each wiki's rows), ``folds`` (`folds` parts, each held out
    once) or ``wiki`` (each wiki held out once). `by`: what may not stand on both sides of a fold.
    ``page_and_actor`` drops the rows of actors who would stand on both. `wiki`: with ``time``, hold out rows
    of this wiki only; None: of every wiki.
    """

    kind: Literal["time", "folds", "wiki"]
    share: float = 0.3
    folds: int = 5
    by: Column = "page_and_actor"
    wiki: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ConfigurationError("a split's share must lie between 0 and 1")
        if self.folds < 2:
            raise ConfigurationError("a split needs at least 2 folds")


@dataclass(frozen=True, slots=True)
class Mask:
    """A further copy of every training row in which some features are missing.

    Teaches a model to stay good where a source does not tell them (a live wiki that does not answer in
    time). `prefixes`: features whose names begin so are made missing; `weight`: of the copy, as a
    multiple of the row's own.
    """

    prefixes: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """How to make one model. Immutable; equal recipes have equal digests."""

    wiki: str
    """Database name (``enwiki``), or ``anywiki`` for a model that fits every wiki."""
    name: str
    """What it predicts: ``damaging``, ``goodfaith``, ``reverted``, ``articlequality``."""
    kind: Kind
    labels: tuple[Label, ...]
    """Binary: ``(True, False)``. Several classes: in their order, best first, for example FA … Stub."""
    features: tuple[str, ...]
    """Full catalogue names in the order of the model's columns."""
    description: str
    """One or two sentences for people: what a score means and what it was learned from."""
    version: str = "1.0.0"
    """Shown to clients; MediaWiki hides old scores when it changes."""
    lexicons: tuple[str, ...] = ()
    label: str = "label"
    """The `Dataset` column that is learned: a probability of True in [0, 1], or an index into `labels`."""
    truth: str | None = None
    """The column that statistics are measured against, when it differs from `label` (distillation)."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """LightGBM parameters beside the ones that `assay.models.training.train` fixes for determinism."""
    rounds: int = 300
    """Boosting rounds; with `early_stopping_rounds`, at most so many."""
    early_stopping_rounds: int | None = None
    """When set, the number of rounds is the median of what stopped on the held-out rows."""
    seed: int = 2016
    seeds: int = 1
    """Forests whose raw outputs are averaged, grown with `seed`, `seed` + 1, …; each costs as much as one."""
    split: Split = Split("time")
    shipped: Literal["all", "train"] = "all"
    """Rows the shipped trees see: all of them, or only what the split does not hold out. The statistics
    are always measured on rows that the trees which scored them never saw."""
    rows_per_actor: int | None = None
    """At most so many training rows of one actor on one wiki (a few addresses dominate some labels)."""
    leave_out: tuple[Filter, ...] = ()
    """Rows kept out of training *and* measuring. ``creations``: first revisions, which no later edit can
    undo by restoring an earlier text; ``unfinished``: edits of a wiki's last 48 hours, whose labels may
    still change."""
    grown_on: str | None = None
    """Digest of a finished bundle with the same features: trees are grown on top of its scores, and its own
    come first in the bundle that is made. None: from nothing."""
    helper_weight: float = 0.0
    """Above 0, the histories of other wikis are learned from too, each row with this weight; they are neither
    measured nor calibrated on."""
    balance_wikis: bool = False
    """Whether each wiki's rows weigh the square root of their number together instead of their number."""
    masks: tuple[Mask, ...] = ()
    positive_weight: float = 1.0
    """Binary: weight of a True row as a multiple of a False one."""
    population_rates: Mapping[str, float] | None = None
    """Binary: ``{"true": …, "false": …}``; several classes: by name. How often each label occurs in the
    wiki, to scale statistics measured on a balanced sample. None: the sample is as the wiki."""
    calibration: Literal["none", "affine"] = "affine"
    """``affine``: one scale and one bias per class in log-odds, fitted on held-out rows."""
    needs_parent: bool = False
    """Whether a page creation cannot be scored."""
    inputs: str = ""
    """What it was learned from, and from where, for the card."""
    limits: tuple[str, ...] = ()
    """Known weaknesses, one sentence each, for the card."""
    command: str = ""
    """The command line that makes the bundle again."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))
        faults = list(_faults(self))
        if faults:
            raise ConfigurationError(f"recipe {self.id}: {'; '.join(faults)}")

    @property
    def id(self) -> str:
        """``enwiki/damaging``: the bundle's folder, and the name in `assay.models.training.recipes`."""
        return f"{self.wiki}/{self.name}"

    @property
    def truth_column(self) -> str:
        """The column that statistics are measured against."""
        return self.truth or self.label

    def to_json(self) -> dict[str, Any]:
        """Every field as plain JSON values; `seeds` only above 1 and `grown_on` only when it is set: older
        bundles keep their digests."""
        document = {key: getattr(self, key) for key in self.__dataclass_fields__}
        document["params"] = dict(self.params)
        document["population_rates"] = dict(self.population_rates) if self.population_rates else None
        document["split"] = asdict(self.split)
        document["masks"] = [asdict(mask) for mask in self.masks]
        if self.seeds == 1:
            del document["seeds"]
        if self.grown_on is None:
            del document["grown_on"]
        return document

    def of_each_seed(self) -> tuple[Recipe, ...]:
        """The recipes of the forests that are averaged; the recipe alone when it has one seed."""
        return tuple(replace(self, seed=self.seed + i, seeds=1) for i in range(self.seeds))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, lower-case hexadecimal."""
        return hashlib.sha256(orjson.dumps(self.to_json(), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _faults(recipe: Recipe) -> list[str]:
    faults = []
    if recipe.kind == "binary" and recipe.labels != (True, False):
        faults.append("a binary recipe has the labels (True, False)")
    if recipe.kind == "multiclass" and not all(isinstance(label, str) for label in recipe.labels):
        faults.append("classes are named by strings")
    if len(set(recipe.labels)) != len(recipe.labels) or len(recipe.labels) < 2:
        faults.append("needs two or more different labels")
    if len(set(recipe.features)) != len(recipe.features) or not recipe.features:
        faults.append("needs one or more different features")
    if not 1 <= recipe.rounds <= MAX_ROUNDS:
        faults.append(f"rounds must lie in 1 … {MAX_ROUNDS}")
    if recipe.grown_on is not None and recipe.kind != "binary":
        faults.append("only binary models are grown on others")
    if recipe.seeds < 1:
        faults.append("seeds must be at least 1")
    if recipe.helper_weight < 0 or (recipe.helper_weight > 0 and recipe.split.wiki != recipe.wiki):
        faults.append(
            "helper_weight must not be negative, and needs a split that holds out the wiki's own rows"
        )
    if recipe.rows_per_actor is not None and recipe.rows_per_actor < 1:
        faults.append("rows_per_actor must be at least 1")
    if recipe.population_rates is not None and set(recipe.population_rates) != label_names(recipe.labels):
        faults.append("population_rates must name every label")
    return faults


def label_name(label: Label) -> str:
    """As it stands in JSON keys: ``true``, ``false``, or the class's name."""
    return str(label).lower() if isinstance(label, bool) else label


def label_names(labels: tuple[Label, ...]) -> set[str]:
    return {label_name(label) for label in labels}
