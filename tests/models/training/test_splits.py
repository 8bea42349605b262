from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.models.dataset import Dataset
from assay.models.recipe import Recipe, Split
from assay.models.training.splits import by_folds, by_time, capped, parts, prepared, row_weights


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


def test_by_time_the_share_is_held_out_and_no_row_less() -> None:
    data = Dataset.of(["feature.a"], np.zeros((10, 1)), wiki=["crwiki"] * 10, timestamp=np.arange(10))
    assert by_time(data, 0.3).held_out.tolist() == [7, 8, 9]


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


def two_wikis(n: int = 300) -> Dataset:
    return Dataset.of(
        ("feature.a",),
        np.zeros((n, 1)),
        label=np.zeros(n),
        wiki=["crwiki" if i % 3 else "chwiki" for i in range(n)],
        rev_id=np.arange(n),
        timestamp=np.arange(n) * 3600,
        is_creation=np.arange(n) % 10 == 0,
    )


def a_recipe(**changes: Any) -> Recipe:
    return Recipe("crwiki", "reverted", "binary", (True, False), ("feature.a",), "x", **changes)


def test_by_time_one_wiki_may_be_held_out_alone() -> None:
    data = two_wikis()
    part = by_time(data, 0.3, "crwiki")
    assert set(data["wiki"][part.held_out]) == {"crwiki"}
    assert set(np.flatnonzero(data["wiki"] == "chwiki")) <= set(part.train)
    with pytest.raises(ConfigurationError, match="no rows of enwiki"):
        by_time(data, 0.3, "enwiki")


def test_creations_and_unfinished_edits_are_left_out() -> None:
    data = two_wikis()
    kept = prepared(data, a_recipe(leave_out=("creations", "unfinished")))
    assert not kept["is_creation"].any()
    for wiki in ("crwiki", "chwiki"):
        last = data["timestamp"][data["wiki"] == wiki].max()
        assert kept["timestamp"][kept["wiki"] == wiki].max() == last - 48 * 3600


def test_helpers_weigh_less() -> None:
    data = two_wikis().with_columns(weight=np.full(300, 2.0))
    recipe = a_recipe(helper_weight=0.25, split=Split("time", wiki="crwiki"))
    weights = row_weights(data, np.arange(300), recipe)
    assert set(weights[data["wiki"] == "crwiki"]) == {2.0}
    assert set(weights[data["wiki"] == "chwiki"]) == {0.5}


def test_balanced_wikis_weigh_the_root_of_their_number() -> None:
    data = two_wikis()
    weights = row_weights(data, np.arange(300), a_recipe(balance_wikis=True))
    small, large = (weights[data["wiki"] == wiki].sum() for wiki in ("chwiki", "crwiki"))
    assert large / small == pytest.approx(2**0.5)


def test_helpers_need_a_split_of_the_wikis_own_rows() -> None:
    with pytest.raises(ConfigurationError, match="helper_weight"):
        a_recipe(helper_weight=0.5)
