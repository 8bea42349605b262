"""Several forests as one LightGBM text, whose raw outputs are the mean or the sum of theirs.

A raw output is a sum over trees: leaf values divided by the number of forests add up to the mean, and so
do their SHAP values. What serves such trees sees one ordinary forest.

The text is compact: it lacks what LightGBM writes for people and for growing on, two fifths of its bytes,
which neither raw outputs nor SHAP values read. Two forests so take about the room of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from assay.models.forest import UNREAD_OF_LEAVES, UNREAD_OF_NODES

_UNREAD: Final = frozenset({*UNREAD_OF_NODES, *UNREAD_OF_LEAVES})
_OF_ITS_ROWS: Final = frozenset({"feature_infos", "tree_sizes"})
"""Lines of the head that may differ: ranges of the rows' values, which no prediction reads, and sizes."""
_END: Final = "end of trees\n"


def joined(texts: Sequence[str]) -> str:
    """Forests of several seeds: raw outputs are the mean of theirs.

    `texts`: one or more, up to the end of their trees; a single text is given back as it is, byte for byte.
    Raises ValueError when they differ in their features, classes or objective.
    """
    return texts[0] if len(texts) == 1 else _together(texts, len(texts))


def stacked(base: str, grown: str) -> str:
    """A forest and one that was grown on its raw outputs: the sum of both. Raises as `joined`."""
    return _together([base, grown], 1)


def _together(texts: Sequence[str], divisor: int) -> str:
    heads, forests = zip(*map(_parted, texts), strict=True)
    if len(set(map(_shape, heads))) != 1:
        raise ValueError("forests of different features, classes or objectives cannot be one")
    trees = (_compact(tree, divisor) for trees in forests for tree in trees)
    blocks = [f"Tree={number}\n{tree}\n\n\n" for number, tree in enumerate(trees)]
    return f"{_resized(heads[0], map(len, blocks))}\n\n{''.join(blocks)}{_END}"


def _parted(text: str) -> tuple[str, list[str]]:
    """The head, and each tree's lines without its number."""
    head, *trees = text.removesuffix(_END).split("\n\nTree=")
    return head, [tree.partition("\n")[2].rstrip("\n") for tree in trees]


def _shape(head: str) -> tuple[str, ...]:
    return tuple(line for line in head.split("\n") if line.partition("=")[0] not in _OF_ITS_ROWS)


def _compact(tree: str, divisor: int) -> str:
    """The lines that are read, with divided leaf values."""
    fields = (line.partition("=") for line in tree.split("\n"))
    return "\n".join(
        f"{name}={_divided(value, divisor) if name == 'leaf_value' else value}"
        for name, _, value in fields
        if name not in _UNREAD
    )


def _divided(values: str, by: int) -> str:
    """Each number over `by`, in the fewest digits that give the same double again."""
    return " ".join(repr(float(value) / by) for value in values.split())


def _resized(head: str, sizes: Iterable[int]) -> str:
    """The head with the sizes in bytes of other trees."""
    told = f"tree_sizes={' '.join(map(str, sizes))}"
    return "\n".join(told if line.startswith("tree_sizes=") else line for line in head.split("\n"))
