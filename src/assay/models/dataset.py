"""Rows to learn from: a matrix of feature values and, beside it, what each row is.

Saved as ``.npz`` (zipped arrays) and read without pickle, so that opening a data set never executes
anything. Texts are not in it.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assay.durable import replacing
from assay.errors import ConfigurationError, reason_of
from assay.models.actor_group import UNKNOWN_GROUP

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

COLUMNS: Final[Mapping[str, tuple[type, Any]]] = {
    "label": (np.float64, np.nan),
    "weight": (np.float64, 1.0),
    "wiki": (np.str_, ""),
    "rev_id": (np.int64, 0),
    "page": (np.str_, ""),
    "actor": (np.str_, ""),
    "timestamp": (np.int64, 0),
    "group": (np.int64, UNKNOWN_GROUP),
    "is_bot": (np.bool_, False),
    "is_reverting": (np.bool_, False),
    "self_reverted": (np.bool_, False),
    "is_creation": (np.bool_, False),
}
"""Columns that every data set has, with their types and the value where a source does not tell.

`label`: probability of True in [0, 1], or an index into the recipe's labels; NaN unknown. `timestamp`:
Unix seconds. `group`: see `assay.models.actor_group`. `page`, `actor`: names, unique within a wiki. A data
set may have further one-dimensional columns.
"""

MAX_BYTES: Final = 4 * 1024**3
_DAMAGE: Final = (
    ConfigurationError,
    OSError,
    ValueError,
    KeyError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy and zipfile raise on a file that is damaged or is something else."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """n rows. Treat the arrays as read-only.

    `features`: names of the columns of `x`. `x`: float64 [n, f], NaN = missing, truth values as 0 and 1.
    `columns`: one-dimensional arrays of length n; `COLUMNS` are always there.
    """

    features: tuple[str, ...]
    x: Floats
    columns: Mapping[str, Array]

    def __post_init__(self) -> None:
        n, f = self.x.shape
        if f != len(self.features):
            raise ConfigurationError(f"{len(self.features)} feature names for {f} columns")
        if wrong := [name for name, column in self.columns.items() if column.shape != (n,)]:
            raise ConfigurationError(f"these columns have not one value per row: {', '.join(wrong)}")
        if missing := set(COLUMNS) - set(self.columns):
            raise ConfigurationError(f"these columns are missing: {', '.join(sorted(missing))}")

    @classmethod
    def of(
        cls, features: Sequence[str], rows: Iterable[Sequence[Any]] | Floats, **columns: Sequence[Any] | Array
    ) -> Dataset:
        """From rows of feature values (None = missing) and any columns; absent ones get their default."""
        if isinstance(rows, np.ndarray):
            x = np.ascontiguousarray(rows, dtype=np.float64)
        else:
            filled = [[np.nan if value is None else float(value) for value in row] for row in rows]
            x = np.array(filled, dtype=np.float64).reshape(len(filled), len(features))
        typed = {name: _typed(name, values) for name, values in columns.items()}
        for name, (kind, default) in COLUMNS.items():
            typed.setdefault(name, np.full(len(x), default, dtype=kind))
        return cls(tuple(features), x, typed)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, column: str) -> Array:
        """A column by name. Raises `ConfigurationError` naming the columns that exist."""
        if column not in self.columns:
            raise ConfigurationError(
                f"the data set has no column {column!r}; it has: {', '.join(sorted(self.columns))}"
            )
        return self.columns[column]

    def rows(self, chosen: Array) -> Dataset:
        """The chosen rows, by a mask of truth values or by indices, in that order."""
        return replace(
            self, x=self.x[chosen], columns={name: column[chosen] for name, column in self.columns.items()}
        )

    def select(self, features: Sequence[str]) -> Dataset:
        """The named features only, in that order. Raises `ConfigurationError` naming those it lacks."""
        at = {name: i for i, name in enumerate(self.features)}
        if missing := [name for name in features if name not in at]:
            raise ConfigurationError(
                f"the data set lacks {len(missing)} features ({', '.join(missing[:3])}, …): extract it again"
            )
        return replace(self, features=tuple(features), x=self.x[:, [at[name] for name in features]])

    def with_columns(self, **columns: Sequence[Any] | Array) -> Dataset:
        """The same rows with further or replaced columns."""
        added = {name: _typed(name, values) for name, values in columns.items()}
        return replace(self, columns={**self.columns, **added})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of names, types and values; the same on every machine and however the file was packed."""
        hashed = hashlib.sha256("\n".join(self.features).encode())
        hashed.update(_content(self.x))
        for name in sorted(self.columns):
            hashed.update(f"\n{name}\n".encode())
            hashed.update(_content(self.columns[name]))
        return hashed.hexdigest()

    def save(self, path: Path) -> None:
        """Write atomically: a reader sees the old file or the whole new one."""
        arrays = {f"column.{name}": column for name, column in self.columns.items()}
        with replacing(path) as stream:
            np.savez_compressed(
                stream,
                allow_pickle=False,
                features=np.array(self.features, dtype=np.str_),
                x=self.x,
                **arrays,
            )

    @classmethod
    def load(cls, path: Path) -> Dataset:
        """Read a saved data set. Raises `ConfigurationError` when it is none, is damaged or is too large."""
        try:
            _check_size(path)
            with np.load(path, allow_pickle=False) as arrays:
                columns = {
                    name.removeprefix("column."): arrays[name]
                    for name in arrays.files
                    if name.startswith("column.")
                }
                return cls(tuple(str(name) for name in arrays["features"]), arrays["x"], columns)
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            raise ConfigurationError(f"{path} cannot be read: {reason_of(error)}") from error
        except _DAMAGE as error:
            raise ConfigurationError(f"{path} is no data set of Assay: {error}; extract it again") from error


def concat(parts: Sequence[Dataset]) -> Dataset:
    """All rows of several data sets with the same features; columns that not all of them have are dropped."""
    if not parts:
        raise ConfigurationError("no data set to join")
    if any(part.features != parts[0].features for part in parts):
        raise ConfigurationError("data sets with different features cannot be joined: extract them alike")
    shared = set.intersection(*(set(part.columns) for part in parts))
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in sorted(shared)}
    return Dataset(parts[0].features, np.concatenate([part.x for part in parts]), columns)


def _typed(name: str, values: Sequence[Any] | Array) -> Array:
    kind = COLUMNS[name][0] if name in COLUMNS else None
    array: Array = np.asarray(values, dtype=kind)
    if array.dtype == object:
        raise ConfigurationError(f"the column {name} mixes types: give numbers, truth values or strings")
    return array


def _content(array: Array) -> bytes:
    """Type and values; strings by their text, since numpy pads them to the longest in the array."""
    if array.dtype.kind == "U":
        return b"U" + "\0".join(array.tolist()).encode()
    little: Array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return little.dtype.str.encode() + np.ascontiguousarray(little).tobytes()


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > MAX_BYTES:
            raise ValueError(f"it unpacks to more than {MAX_BYTES} bytes")
