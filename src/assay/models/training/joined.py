"""Several forests as one LightGBM text, whose raw outputs are the mean or the sum of theirs.

A raw output is a sum over trees: leaf values divided by the number of forests add up to the mean, and so
do their SHAP values. What serves such trees sees one ordinary forest.

The text is compact: it lacks what LightGBM writes for people and for growing on, two fifths of its bytes,
which neither raw outputs nor SHAP values read. In a mean numbers have few digits, too: thresholds as few as
part the rows that were learned from in the same way, leaf values five decimals. Three forests so take less
room than one as LightGBM writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from assay.models.dataset import Floats
from assay.models.forest import UNREAD_OF_LEAVES, UNREAD_OF_NODES
from assay.models.training.separators import Separators, plain

Fields = dict[str, str]
"""A tree's lines by name."""

_UNREAD: Final = frozenset({*UNREAD_OF_NODES, *UNREAD_OF_LEAVES})
_OF_ITS_ROWS: Final = frozenset({"feature_infos", "tree_sizes"})
"""Lines of the head that may differ: ranges of the rows' values, which no prediction reads, and sizes."""
_DECIMALS: Final = 5
"""Of leaf values, which are log-odds: the mean of three forests of 200 trees sums 600 for a class,
so it may be off by 600 times 5e-6 = 0.003."""
_END: Final = "end of trees\n"


def joined(texts: Sequence[str], x: Floats) -> str:
    """Forests of several seeds: raw outputs are the mean of theirs, to about four decimals.

    `texts`: one or more, up to the end of their trees; a single text is given back as it is, byte for byte.
    `x`: the values [n, columns] that all of them learned from; each of its rows reaches the same leaves.
    Raises ValueError when they differ in their features, classes or objective.
    """
    if len(texts) == 1:
        return texts[0]
    separators = Separators(x)
    return _together(texts, lambda fields: _shortened(fields, len(texts), separators))


def stacked(base: str, grown: str) -> str:
    """A forest and one that was grown on its raw outputs: the sum of both, exactly. Raises as `joined`."""
    return _together([base, grown], _exact)


def _together(texts: Sequence[str], changed: Callable[[Fields], Fields]) -> str:
    heads, forests = zip(*map(_parted, texts), strict=True)
    if len(set(map(_shape, heads))) != 1:
        raise ValueError("forests of different features, classes or objectives cannot be one")
    trees = (_told(changed(_read_fields(tree))) for trees in forests for tree in trees)
    blocks = [f"Tree={number}\n{tree}\n\n\n" for number, tree in enumerate(trees)]
    return f"{_resized(heads[0], map(len, blocks))}\n\n{''.join(blocks)}{_END}"


def _parted(text: str) -> tuple[str, list[str]]:
    """The head, and each tree's lines without its number."""
    head, *trees = text.removesuffix(_END).split("\n\nTree=")
    return head, [tree.partition("\n")[2].rstrip("\n") for tree in trees]


def _shape(head: str) -> tuple[str, ...]:
    return tuple(line for line in head.split("\n") if line.partition("=")[0] not in _OF_ITS_ROWS)


def _read_fields(tree: str) -> Fields:
    """The lines that are read, by name."""
    fields = (line.partition("=") for line in tree.split("\n"))
    return {name: value for name, _, value in fields if name not in _UNREAD}


def _told(fields: Fields) -> str:
    return "\n".join(f"{name}={value}" for name, value in fields.items())


def _exact(fields: Fields) -> Fields:
    """With leaf values in the fewest digits that give the same doubles again."""
    return {**fields, "leaf_value": " ".join(repr(float(value)) for value in fields["leaf_value"].split())}


def _shortened(fields: Fields, divisor: int, separators: Separators) -> Fields:
    """With divided leaf values and few digits."""
    leaves = [plain(round(float(value) / divisor, _DECIMALS)) for value in fields["leaf_value"].split()]
    short = {**fields, "leaf_value": " ".join(leaves)}
    if len(leaves) > 1:
        splits = zip(map(int, fields["split_feature"].split()), fields["threshold"].split(), strict=True)
        short["threshold"] = " ".join(separators.short(column, threshold) for column, threshold in splits)
    return short


def _resized(head: str, sizes: Iterable[int]) -> str:
    """The head with the sizes in bytes of other trees."""
    told = f"tree_sizes={' '.join(map(str, sizes))}"
    return "\n".join(told if line.startswith("tree_sizes=") else line for line in head.split("\n"))
