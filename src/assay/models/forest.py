"""Boosted trees as LightGBM reads them, for one row at a time.

LightGBM's Python class takes 80 µs for one row of 700 trees, most of it argument checking; its C interface
(``c_api.h``) prepared once for single rows takes 30 µs. It is called here with the interpreter lock
held (`ctypes.PyDLL`): the prepared configuration owns one buffer, so that threads must take turns
anyway, and no lock can be left taken by a fork.

LightGBM's parser trusts its input. `check_text` therefore proves the text to be trees before it is
parsed: an index out of range would read foreign memory.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from assay.errors import BundleError, ConfigurationError
from assay.features.graph.node import FeatureValue
from assay.models.dataset import Floats

MAX_TEXT_BYTES: Final = 64 * 1024 * 1024
MAX_TREES: Final = 50_000
MAX_LEAVES: Final = 4096
MAX_COLUMNS: Final = 4096
MAX_CLASSES: Final = 64

UNREAD_OF_NODES: Final = ("split_gain", "internal_value", "internal_weight")
UNREAD_OF_LEAVES: Final = ("leaf_weight",)
"""Lines that a text may leave out: neither raw outputs nor SHAP values read them."""


def _library_path() -> Path:
    """LightGBM's shared library, found without importing the package (which takes half a second)."""
    package = find_spec("lightgbm")
    folders = package.submodule_search_locations if package else None
    for folder in folders or ():
        for name in ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll"):
            if (path := Path(folder) / "lib" / name).is_file():
                return path
    raise ConfigurationError("LightGBM's library is not where its package keeps it: reinstall lightgbm")


_LIBRARY: Final = ctypes.PyDLL(str(_library_path()))
_LIBRARY.LGBM_GetLastError.restype = ctypes.c_char_p
_FLOAT64, _RAW_SCORE, _CONTRIBUTIONS, _ROW_MAJOR = 1, 1, 3, 1
_ONE_THREAD: Final = b"num_threads=1"
_CATEGORICAL_BIT: Final = 1

_OBJECTIVE: Final = re.compile(r"binary sigmoid:1|cross_entropy|multiclass num_class:\d{1,2}")
_MAX_TREE_LINES: Final = 22
"""LightGBM reads so many lines of a tree and no more."""
_STRANGE: Final = re.compile(r"[^\n\x20-\x7e]")
"""LightGBM also ends a line at a carriage return, and the text at a zero byte."""
_NUMBER: Final = r"-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|inf)"
"""Infinite thresholds are real: such a split asks only whether the value is missing."""
_NUMBERS: Final = re.compile(rf"(?:{_NUMBER}(?: {_NUMBER})*)?", re.IGNORECASE)


class Forest:
    """Trees for `columns` features and `classes` raw outputs (1 for binary). Immutable, safe in threads.

    Raises `BundleError` when `text` is not a well-formed LightGBM model of that shape.
    """

    def __init__(self, text: str, columns: int, classes: int) -> None:
        check_text(text, columns, classes)
        self.columns, self.classes = columns, classes
        self._handle = ctypes.c_void_p()
        self._single_row = ctypes.c_void_p()
        iterations = ctypes.c_int()
        raw = ctypes.c_char_p(text.encode("ascii"))
        _call("LGBM_BoosterLoadModelFromString", raw, ctypes.byref(iterations), ctypes.byref(self._handle))
        _call(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            self._handle,
            ctypes.c_int(_RAW_SCORE),
            ctypes.c_int(0),
            ctypes.c_int(-1),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(columns),
            ctypes.c_char_p(_ONE_THREAD),
            ctypes.byref(self._single_row),
        )
        self._predict = _LIBRARY.LGBM_BoosterPredictForMatSingleRowFast
        self._output = ctypes.c_double * classes

    def raw(self, row: Sequence[FeatureValue]) -> Sequence[float]:
        """Sums of leaf values of one row, one per class. Raises ValueError on a wrong number of values."""
        values = self._row(row)
        output, written = self._output(), ctypes.c_int64()
        failed = self._predict(
            self._single_row, ctypes.c_void_p(values.ctypes.data), ctypes.byref(written), output
        )
        if failed:
            raise BundleError(f"LightGBM could not predict: {_last_error()}")
        return list(output)

    def contributions(self, row: Sequence[FeatureValue]) -> Floats:
        """Exact SHAP values [classes, columns + 1] of one row's raw outputs; the last column is the base."""
        values = self._row(row)
        output = np.empty(self.classes * (self.columns + 1), dtype=np.float64)
        written = ctypes.c_int64()
        _call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            ctypes.c_void_p(values.ctypes.data),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(1),
            ctypes.c_int32(self.columns),
            ctypes.c_int(_ROW_MAJOR),
            ctypes.c_int(_CONTRIBUTIONS),
            ctypes.c_int(0),
            ctypes.c_int(-1),
            ctypes.c_char_p(_ONE_THREAD),
            ctypes.byref(written),
            output.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
        )
        return output.reshape(self.classes, self.columns + 1)

    def _row(self, row: Sequence[FeatureValue]) -> Floats:
        values = np.array(row, dtype=np.float64)
        if values.shape != (self.columns,):
            raise ValueError(f"a row needs {self.columns} values, not {values.size}")
        return values

    def __del__(self) -> None:
        if _LIBRARY is None:  # the interpreter ends, and the modules are gone before us
            return
        if getattr(self, "_single_row", None):
            _LIBRARY.LGBM_FastConfigFree(self._single_row)
        if getattr(self, "_handle", None):
            _LIBRARY.LGBM_BoosterFree(self._handle)


def _call(function: str, *arguments: Any) -> None:
    if getattr(_LIBRARY, function)(*arguments):
        raise BundleError(
            f"LightGBM refused the trees ({_last_error()}): get the bundle again, or retrain it"
        )


def _last_error() -> str:
    return str(_LIBRARY.LGBM_GetLastError().decode("utf-8", "replace"))


def check_text(text: str, columns: int, classes: int) -> None:
    """Raise `BundleError` unless `text` holds numeric trees of the shape that is asked for.

    Every count is compared, every split reads an existing column, and every node but the root is
    the child of exactly one other: a walk can neither leave its tree nor go round for ever.
    """
    if len(text) > MAX_TEXT_BYTES or _STRANGE.search(text):
        raise _not_trees(f"it is not plain text of at most {MAX_TEXT_BYTES} bytes")
    head, *trees = text.removesuffix("\nend of trees\n").split("\n\nTree=")
    if not head.startswith("tree\nversion="):
        raise _not_trees("it does not begin like one")
    _check_head(_fields(head), columns, classes, len(trees))
    sizes = _fields(head).get("tree_sizes", "").split()
    if len(sizes) != len(trees) or not text.endswith("\n\nend of trees\n"):
        raise _not_trees("it is truncated")
    for number, tree in enumerate(trees):
        _check_tree(number, tree, columns)
    _check_sizes(text, [int(size) for size in sizes])


def _check_head(fields: dict[str, str], columns: int, classes: int, trees: int) -> None:
    if not 1 <= columns <= MAX_COLUMNS or not 1 <= classes <= MAX_CLASSES:
        raise _not_trees("its manifest asks for too many features or classes")
    expected = {
        "version": "v4",
        "num_class": str(classes),
        "num_tree_per_iteration": str(classes),
        "label_index": "0",
        "max_feature_idx": str(columns - 1),
    }
    for name, value in expected.items():
        if fields.get(name) != value:
            raise _not_trees(f"{name} is {fields.get(name)}, not {value}")
    if not _OBJECTIVE.fullmatch(fields.get("objective", "")):
        raise _not_trees(f"its objective is {fields.get('objective')!r}")
    for name in ("feature_names", "feature_infos"):
        if len(fields.get(name, "").split()) != columns:
            raise _not_trees(f"{name} has not {columns} entries")
    if not 1 <= trees <= MAX_TREES or trees % classes or "average_output" in fields:
        raise _not_trees(f"it has {trees} trees for {classes} outputs")
    if not re.fullmatch(r"\d{1,9}(?: \d{1,9})*", fields.get("tree_sizes", "")):
        raise _not_trees("tree_sizes is no list of numbers")


def _check_tree(number: int, tree: str, columns: int) -> None:
    first, *lines = tree.split("\n")
    fields = _fields("\n".join(lines))
    if len(fields) > _MAX_TREE_LINES:
        raise _not_trees(f"tree {number} has more than {_MAX_TREE_LINES} lines")
    leaves = _integers(fields, "num_leaves", 1, number)[0]
    if first != str(number) or not 1 <= leaves <= MAX_LEAVES:
        raise _not_trees(f"tree {number} is numbered {first} and has {leaves} leaves")
    if fields.get("num_cat") != "0" or fields.get("is_linear") != "0":
        raise _not_trees(f"tree {number} is categorical or linear")
    if not np.isfinite(_floats(fields, "leaf_value", leaves, number)).all():
        raise _not_trees(f"tree {number} has an endless leaf value")
    _floats(fields, "shrinkage", 1, number)
    for name in ("leaf_count", *UNREAD_OF_LEAVES):
        if fields.get(name):
            _floats(fields, name, leaves, number)
    if leaves > 1:
        _check_nodes(fields, leaves, number, columns)


def _check_nodes(fields: dict[str, str], leaves: int, number: int, columns: int) -> None:
    for name in ("threshold", *(name for name in UNREAD_OF_NODES if name in fields)):
        _floats(fields, name, leaves - 1, number)
    _check_counts(fields, leaves, number)
    features = _integers(fields, "split_feature", leaves - 1, number)
    decisions = _integers(fields, "decision_type", leaves - 1, number)
    if min(features) < 0 or max(features) >= columns:
        raise _not_trees(f"tree {number} splits on a feature that does not exist")
    if any(not 0 <= decision < 16 or decision & _CATEGORICAL_BIT for decision in decisions):
        raise _not_trees(f"tree {number} has an unknown kind of decision")
    children = [
        *_integers(fields, "left_child", leaves - 1, number),
        *_integers(fields, "right_child", leaves - 1, number),
    ]
    if sorted(children) != [*range(-leaves, 0), *range(1, leaves - 1)] or _loops(children, leaves - 1):
        raise _not_trees(f"tree {number} is no tree: a node is reached twice or never")


def _check_counts(fields: dict[str, str], leaves: int, number: int) -> None:
    """SHAP values weigh each branch by its share of rows: without the counts they are no numbers."""
    _integers(fields, "leaf_count", leaves, number)
    if min(_integers(fields, "internal_count", leaves - 1, number)) < 1:
        raise _not_trees(f"tree {number} has a node that no row reached")


def _loops(children: list[int], nodes: int) -> bool:
    """Whether some node is not under the root, which with one parent each means a ring of nodes."""
    reached, stack = 0, [0]
    while stack:
        node = stack.pop()
        reached += 1
        stack.extend(child for child in (children[node], children[nodes + node]) if child > 0)
    return reached != nodes


def _check_sizes(text: str, sizes: list[int]) -> None:
    """LightGBM cuts the text by these byte counts without looking at what it cuts."""
    at = text.index("\n\nTree=0\n") + 2
    for number, size in enumerate(sizes):
        if not text.startswith(f"Tree={number}\n", at) or not text.endswith("\n\n", at, at + size):
            raise _not_trees(f"tree {number} has not the size that the head tells")
        at += size
    if text[at:] != "end of trees\n":
        raise _not_trees("the trees end too early")


def _fields(block: str) -> dict[str, str]:
    """Values by name. A name that stands twice is refused: LightGBM might read the other one."""
    fields: dict[str, str] = {}
    for line in filter(None, block.split("\n")):
        name, _, value = line.partition("=")
        if name in fields:
            raise _not_trees(f"{name[:40]} stands twice")
        fields[name] = value
    return fields


def _floats(fields: dict[str, str], name: str, count: int, number: int) -> Floats:
    text = fields.get(name, "")
    if not _NUMBERS.fullmatch(text) or text.count(" ") + 1 != count:
        raise _not_trees(f"tree {number} has not {count} numbers in {name}")
    return np.array(text.split(), dtype=np.float64)


def _integers(fields: dict[str, str], name: str, count: int, number: int) -> list[int]:
    text = fields.get(name, "")
    if not re.fullmatch(r"-?\d{1,9}(?: -?\d{1,9})*", text) or text.count(" ") + 1 != count:
        raise _not_trees(f"tree {number} has not {count} whole numbers in {name}")
    return [int(part) for part in text.split(" ")]


def _not_trees(reason: str) -> BundleError:
    return BundleError(
        f"trees.txt is no LightGBM model that fits its manifest: {reason}; get the bundle again"
    )
