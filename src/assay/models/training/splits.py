"""Which rows are learned from and which are held out.

Never by row where rows are near copies of each other: successive revisions of a page are, and a few
users make many of them. Choices are made by hashes of names, so that they do not depend on the order
of rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from assay.errors import ConfigurationError
from assay.models.dataset import Array, Dataset, Floats, Indices
from assay.models.recipe import Column, Filter, Recipe, Split

UNFINISHED_S: Final = 48 * 3600
_FILTER_COLUMNS: Final = {
    "bots": "is_bot",
    "reverting": "is_reverting",
    "self_reverted": "self_reverted",
    "creations": "is_creation",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One division: row numbers to learn from and row numbers held out. `name`: for people."""

    name: str
    train: Indices
    held_out: Indices


def parts(dataset: Dataset, split: Split, seed: int) -> list[Part]:
    """Every division that the policy asks for. Raises `ConfigurationError` when a side would be empty."""
    if split.kind == "time":
        found = [by_time(dataset, split.share, split.wiki)]
    elif split.kind == "wiki":
        found = by_wiki(dataset)
    else:
        found = by_folds(dataset, split.folds, split.by, seed)
    if empty := [part.name for part in found if not len(part.train) or not len(part.held_out)]:
        raise ConfigurationError(
            f"the split leaves no rows on one side of {', '.join(empty)}: give more rows"
        )
    return found


def by_time(dataset: Dataset, share: float, wiki: str | None = None) -> Part:
    """Each wiki's latest `share` of rows is held out; rows of the same second stay together.

    `wiki`: only this one's rows are held out, and all rows of the others are learned from.
    """
    late = np.zeros(len(dataset), dtype=bool)
    for held in np.unique(dataset["wiki"]) if wiki is None else [wiki]:
        rows = np.flatnonzero(dataset["wiki"] == held)
        if not len(rows):
            raise ConfigurationError(f"there are no rows of {held} to hold out: give its history")
        times = dataset["timestamp"][rows]
        cut = np.sort(times)[min(len(rows) - 1, int(np.ceil(len(rows) * (1 - share))))]
        late[rows] = times >= cut
    return Part(f"latest {share:.0%}", np.flatnonzero(~late), np.flatnonzero(late))


def by_wiki(dataset: Dataset) -> list[Part]:
    """Each wiki held out once, in the order of names."""
    wikis = dataset["wiki"]
    return [
        Part(str(wiki), np.flatnonzero(wikis != wiki), np.flatnonzero(wikis == wiki))
        for wiki in np.unique(wikis)
    ]


def by_folds(dataset: Dataset, folds: int, by: Column, seed: int) -> list[Part]:
    """`folds` divisions; every row is held out once, or (``page_and_actor``) at most once."""
    if by == "page_and_actor":
        return [_by_page_and_actor(dataset, fold, folds, seed) for fold in range(folds)]
    fold_of = _fold_of(_keys(dataset, by), folds, seed)
    return [
        Part(f"fold {fold + 1} of {folds}", np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold))
        for fold in range(folds)
    ]


def _by_page_and_actor(dataset: Dataset, fold: int, folds: int, seed: int) -> Part:
    """Pages decide; an actor on both sides is put on one by the hash of the name, and the rest dropped."""
    held_page = _fold_of(_keys(dataset, "page"), folds, seed) == fold
    actors = _keys(dataset, "actor")
    held_actor = _fold_of(actors, folds, seed + 1) == fold
    on_both = np.isin(actors, np.intersect1d(actors[held_page], actors[~held_page]))
    kept = ~on_both | (held_page == held_actor)
    return Part(
        f"fold {fold + 1} of {folds}", np.flatnonzero(kept & ~held_page), np.flatnonzero(kept & held_page)
    )


def prepared(dataset: Dataset, recipe: Recipe) -> Dataset:
    """The rows that a recipe uses: its features, without the rows it leaves out or whose label is unknown."""
    known = ~np.isnan(dataset[recipe.label].astype(np.float64))
    return dataset.select(recipe.features).rows(np.flatnonzero(known & usable(dataset, recipe.leave_out)))


def usable(dataset: Dataset, leave_out: Sequence[Filter]) -> Array:
    """Which rows remain, as truth values [n]."""
    dropped = np.zeros(len(dataset), dtype=bool)
    for filtered in leave_out:
        dropped |= _unfinished(dataset) if filtered == "unfinished" else dataset[_FILTER_COLUMNS[filtered]]
    return ~dropped


def _unfinished(dataset: Dataset) -> Array:
    """Rows of each wiki's last `UNFINISHED_S` seconds: those who would have undone them had not come yet."""
    late = np.zeros(len(dataset), dtype=bool)
    for wiki in np.unique(dataset["wiki"]):
        rows = np.flatnonzero(dataset["wiki"] == wiki)
        late[rows] = dataset["timestamp"][rows] > dataset["timestamp"][rows].max() - UNFINISHED_S
    return late


def row_weights(dataset: Dataset, rows: Indices, recipe: Recipe) -> Floats:
    """How much each of `rows` counts in training: its own weight, times what the recipe gives its wiki."""
    weights: Floats = dataset["weight"][rows].astype(np.float64)
    wikis = dataset["wiki"][rows]
    if recipe.helper_weight:
        weights = np.where(wikis == recipe.wiki, weights, weights * recipe.helper_weight)
    if recipe.balance_wikis:
        _, inverse, counts = np.unique(wikis, return_inverse=True, return_counts=True)
        weights = weights * np.sqrt(counts.mean() / counts)[inverse]
    return weights


def capped(dataset: Dataset, rows: Indices, limit: int | None, seed: int) -> Indices:
    """At most `limit` of `rows` for each actor of each wiki, chosen by the hash of their revision ids."""
    if limit is None:
        return rows
    actors = _keys(dataset, "actor")[rows]
    order = np.argsort(_hashed([str(rev_id) for rev_id in dataset["rev_id"][rows]], seed), kind="stable")
    seen: dict[str, int] = {}
    kept = []
    for i in order:
        count = seen.get(actors[i], 0)
        seen[actors[i]] = count + 1
        if count < limit:
            kept.append(i)
    return np.sort(rows[np.array(kept, dtype=np.int64)])


def _keys(dataset: Dataset, by: Column) -> Array:
    """What rows are grouped by, as strings that are unique across wikis."""
    column = "rev_id" if by == "row" else by
    return np.char.add(np.char.add(dataset["wiki"], "\t"), dataset[column].astype(np.str_))


def _fold_of(keys: Array, folds: int, seed: int) -> Array:
    unique, inverse = np.unique(keys, return_inverse=True)
    result: Array = (_hashed(unique.tolist(), seed) % np.uint64(folds)).astype(np.int64)[inverse]
    return result


def _hashed(keys: Sequence[str], seed: int) -> Array:
    """A 64-bit hash of each key; the same on every machine."""
    salt = str(seed).encode()
    return np.array(
        [int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, key=salt).digest()) for key in keys],
        dtype=np.uint64,
    )
