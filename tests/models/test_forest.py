from __future__ import annotations

import os
import re
import threading

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BundleError
from assay.models.forest import UNREAD_OF_LEAVES, UNREAD_OF_NODES, Forest, check_text
from assay.models.training.train import tree_text
from models import makers


def forest(classes: int = 2) -> Forest:
    return Forest(makers.trained(classes).trees, 2, 1 if classes == 2 else classes)


@pytest.mark.parametrize("classes", [2, 4])
def test_raw_scores_and_contributions_are_lightgbms_own(classes: int) -> None:
    text = makers.trained(classes).trees
    booster = lightgbm.Booster(model_str=text)
    x = makers.rows(50, classes, seed=8).x
    expected = np.asarray(booster.predict(x, raw_score=True)).reshape(50, -1)
    ours = forest(classes)
    assert np.array_equal([ours.raw(row) for row in x.tolist()], expected)
    shares = np.array([ours.contributions(row) for row in x.tolist()])
    assert np.allclose(shares.sum(axis=2), expected, atol=1e-12)


def test_none_is_missing_and_truth_values_are_numbers() -> None:
    assert forest().raw([None, True]) == forest().raw([float("nan"), 1.0])
    assert forest().raw([0.5, None]) != forest().raw([0.5, 0.0])


def test_splits_that_only_ask_whether_a_value_is_missing_survive_the_text() -> None:
    x = np.tile(np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [np.nan, 0.0]]), (50, 1))
    booster = lightgbm.train(
        {"objective": "cross_entropy", "min_data_in_leaf": 1, "verbosity": -1, "num_threads": 1},
        lightgbm.Dataset(x, np.isnan(x[:, 0]).astype(float)),
        num_boost_round=3,
    )
    text = tree_text(booster)
    assert "inf" in text
    ours = Forest(text, 2, 1)
    assert [ours.raw(row)[0] for row in x[:4].tolist()] == list(booster.predict(x[:4], raw_score=True))


def test_a_wrong_number_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 2 values, not 3"):
        forest().raw([1, 2, 3])


def test_threads_and_forked_processes_agree_with_the_first() -> None:
    model = forest()
    x = makers.rows(200, seed=9).x.tolist()
    expected = [model.raw(row) for row in x]
    results: dict[int, list[object]] = {}
    threads = [
        threading.Thread(target=lambda n=n: results.update({n: [model.raw(row) for row in x]}))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result == expected for result in results.values())
    assert len(results) == 4


def test_a_child_process_predicts_the_same_after_fork() -> None:
    model = forest()
    expected = model.raw([0.1, 0.2])
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        os.write(write, repr(model.raw([0.1, 0.2])).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 200).decode() == repr(expected)
    os.close(read)
    os.close(write)


HOSTILE = [
    ("num_leaves=7", "num_leaves=9999999", "leaves"),
    ("num_cat=0", "num_cat=1", "categorical"),
    ("is_linear=0", "is_linear=1", "linear"),
    ("split_feature=0", "split_feature=7", "does not exist"),
    ("split_feature=0", "split_feature=-1", "does not exist"),
    ("left_child=1", "left_child=0", "reached twice"),
    ("max_feature_idx=1", "max_feature_idx=1000000", "max_feature_idx"),
    ("num_class=1", "num_class=3", "num_class"),
    ("split_feature=0", "split_feature=7\nsplit_feature=0", "stands twice"),
    ("num_cat=0", "left_out=1\rsplit_feature=7\nnum_cat=0", "plain text"),
    ("num_cat=0", "left_out=1\0\nnum_cat=0", "plain text"),
    ("num_cat=0", "".join(f"more{i}=1\n" for i in range(22)) + "num_cat=0", "more than 22 lines"),
    ("objective=cross_entropy", "objective=custom", "objective"),
    ("version=v4", "version=v5", "version"),
    ("leaf_value=", "leaf_value=nan ", "leaf_value"),
    ("leaf_value=", "leaf_value=1 ", "leaf_value"),
    ("threshold=", "threshold=1e999999 x", "threshold"),
    ("decision_type=", "decision_type=1 ", "decision_type"),
    ("Tree=1\n", "Tree=2\n", "numbered|size"),
    ("tree_sizes=", "tree_sizes=1 ", "truncated"),
    ("feature_names=f0 f1", "feature_names=f0", "feature_names"),
    ("\nend of trees\n", "\nend of trees\n\nparameters:\n", "truncated"),
]


@pytest.mark.parametrize(("old", "new", "reason"), HOSTILE)
def test_hostile_trees_are_refused_before_lightgbm_sees_them(old: str, new: str, reason: str) -> None:
    text = makers.trained().trees
    assert old in text
    with pytest.raises(BundleError, match=reason):
        check_text(text.replace(old, new, 1), 2, 1)


def test_an_endless_leaf_is_refused() -> None:
    text = re.sub(r"leaf_value=\S+", "leaf_value=inf", makers.trained().trees, count=1)
    with pytest.raises(BundleError, match="endless"):
        check_text(text, 2, 1)


@pytest.mark.parametrize("name", ["leaf_count", "internal_count"])
def test_trees_without_the_counts_that_shap_values_need_are_refused(name: str) -> None:
    text = resized(re.sub(rf"\n{name}=[^\n]*", "", makers.trained().trees, count=1))
    with pytest.raises(BundleError, match=name):
        check_text(text, 2, 1)


def test_a_node_that_no_row_reached_is_refused() -> None:
    text = resized(re.sub(r"internal_count=\d+", "internal_count=0", makers.trained().trees, count=1))
    with pytest.raises(BundleError, match="no row reached"):
        check_text(text, 2, 1)


@pytest.mark.parametrize("name", [*UNREAD_OF_NODES, *UNREAD_OF_LEAVES])
def test_what_is_not_read_may_be_left_out_but_not_be_wrong(name: str) -> None:
    text = makers.trained().trees
    without = Forest(resized(re.sub(rf"\n{name}=[^\n]*", "", text)), 2, 1)
    for row in makers.rows(20, seed=8).x.tolist():
        assert without.raw(row) == forest().raw(row)
        assert np.array_equal(without.contributions(row), forest().contributions(row))
    with pytest.raises(BundleError, match=name):
        check_text(resized(text.replace(f"\n{name}=", f"\n{name}=1 ", 1)), 2, 1)


def resized(text: str) -> str:
    """With the sizes of the trees as they are now, so that nothing but the change itself is at fault."""
    trees = text[text.index("Tree=0\n") : text.index("end of trees\n")]
    sizes = [len(tree) for tree in re.split(r"(?<=\n)(?=Tree=)", trees)]
    return re.sub(r"tree_sizes=.*", f"tree_sizes={' '.join(map(str, sizes))}", text, count=1)


def test_a_ring_of_nodes_is_refused() -> None:
    text = makers.trained().trees
    tree = text[text.index("left_child=") :].split("\n")
    left, right = ([int(n) for n in line.split("=")[1].split()] for line in (tree[0], tree[1]))
    inner = next(n for n in left if n > 0)
    swapped = [inner if n == left[inner] else (left[inner] if n == inner else n) for n in left]
    changed = text.replace(tree[0], "left_child=" + " ".join(map(str, swapped)), 1)
    assert right
    with pytest.raises(BundleError):
        check_text(changed, 2, 1)


@given(at=st.floats(0, 1), cut=st.integers(1, 400))
def test_any_cut_among_the_trees_is_refused(at: float, cut: int) -> None:
    text = makers.trained().trees
    head = text.index("Tree=0")
    start = head + int(at * (len(text) - head - 1))
    with pytest.raises(BundleError):
        check_text(text[:start] + text[start + cut :], 2, 1)


def test_a_tree_of_one_leaf_is_accepted() -> None:
    booster = lightgbm.train(
        {"objective": "cross_entropy", "min_data_in_leaf": 1000, "verbosity": -1, "num_threads": 1},
        lightgbm.Dataset(np.arange(40.0).reshape(20, 2), np.ones(20) * 0.3),
        num_boost_round=2,
    )
    text = tree_text(booster)
    assert np.allclose(Forest(text, 2, 1).raw([1, 2]), booster.predict([[1, 2]], raw_score=True))
