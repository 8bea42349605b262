from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.models.dataset import Dataset
from assay.models.recipe import Recipe, Split
from assay.models.splits import by_folds, by_time, capped, parts, prepared


def history(n: int = 400, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    return Dataset.of(
        ["feature.a"],
        rng.normal(size=(n, 1)),
        label=rng.integers(0, 2, n),
        rev_id=np.arange(n),
        wiki=rng.choice(["chwiki", "crwiki"], n),
        page=rng.choice([f"page {i}" for i in range(40)], n),
        actor=rng.choice([f"user {i}" for i in range(60)], n),
        timestamp=rng.integers(0, 10_000, n),
        is_bot=rng.random(n) < 0.1,
    )


def test_by_time_no_held_out_row_is_earlier_than_a_training_row_of_its_wiki() -> None:
    data = history()
    part = by_time(data, 0.3)
    for wiki in ("chwiki", "crwiki"):
        times = data["timestamp"]
        here = data["wiki"] == wiki
        train = [i for i in part.train if here[i]]
        held_out = [i for i in part.held_out if here[i]]
        assert times[train].max() < times[held_out].min()
        assert 0.25 < len(held_out) / here.sum() < 0.35
    assert sorted([*part.train, *part.held_out]) == list(range(len(data)))


def test_by_page_and_actor_neither_stands_on_both_sides() -> None:
    data = history()
    held = []
    for part in by_folds(data, 5, "page_and_actor", seed=1):
        for column in ("page", "actor"):
            keys = np.char.add(data["wiki"], data[column])
            assert not set(keys[part.train]) & set(keys[part.held_out])
        held.extend(part.held_out.tolist())
    assert len(held) == len(set(held)) > 0


@given(by=st.sampled_from(["row", "page", "actor"]), folds=st.integers(2, 6), seed=st.integers(0, 99))
def test_each_row_is_held_out_exactly_once_and_groups_stay_together(by: str, folds: int, seed: int) -> None:
    data = history(150)
    found = by_folds(data, folds, by, seed)  # type: ignore[arg-type]
    assert sorted(i for part in found for i in part.held_out) == list(range(150))
    column = "rev_id" if by == "row" else by
    keys = np.char.add(data["wiki"], data[column].astype(str))
    for part in found:
        assert not set(keys[part.train]) & set(keys[part.held_out])


def test_the_choice_does_not_depend_on_the_order_of_rows() -> None:
    data = history()
    shuffled_rows = np.random.default_rng(3).permutation(len(data))
    shuffled = data.rows(shuffled_rows)
    for a, b in zip(by_folds(data, 4, "page", 9), by_folds(shuffled, 4, "page", 9), strict=True):
        assert set(data["rev_id"][a.held_out]) == set(shuffled["rev_id"][b.held_out])
    capped_a = capped(data, np.arange(400), 3, 9)
    capped_b = capped(shuffled, np.arange(400), 3, 9)
    assert set(data["rev_id"][capped_a]) == set(shuffled["rev_id"][capped_b])


def test_caps_are_per_actor_and_wiki_and_keep_all_who_make_few_edits() -> None:
    data = history()
    kept = data.rows(capped(data, np.arange(400), 3, 1))
    keys, counts = np.unique(np.char.add(kept["wiki"], kept["actor"]), return_counts=True)
    assert counts.max() == 3
    assert len(keys) == len(np.unique(np.char.add(data["wiki"], data["actor"])))


def test_prepared_leaves_out_what_the_recipe_says_and_unlabelled_rows() -> None:
    data = history()
    data = data.with_columns(label=np.where(np.arange(400) < 10, np.nan, data["label"]))
    recipe = Recipe("chwiki", "reverted", "binary", (True, False), ("feature.a",), "x", leave_out=("bots",))
    kept = prepared(data, recipe)
    assert not kept["is_bot"].any()
    assert set(kept["rev_id"]) == set(data["rev_id"][(np.arange(400) >= 10) & ~data["is_bot"]])


def test_a_split_with_an_empty_side_is_refused() -> None:
    data = history(30).with_columns(wiki=["chwiki"] * 30)
    with pytest.raises(ConfigurationError, match="no rows on one side of chwiki"):
        parts(data, Split("wiki"), 0)
