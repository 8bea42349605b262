"""From examples to a data set: resumable, and no bad revision stops it.

Finished rows lie in numbered shards beside the target, each written whole or not at all; what begins
anew after a kill -9 skips as many examples as the shards hold. When all is done the shards become one file.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from assay.durable import is_at, replacing
from assay.errors import ConfigurationError
from assay.features.graph.node import Feature, FeatureValue
from assay.features.graph.plan import Plan
from assay.models.dataset import Dataset, concat
from assay.models.training.examples import Example, Examples, Unusable
from assay.revisions.problem import Problem

SHARD: Final = 500
"""Examples per shard: what is lost at most when the process is killed."""

ExtractProgress = Callable[[int, int, int], None]
"""Called with (examples done, examples in all, rows made); a caller with a clock tells rate and time left."""


def silent(_done: int, _total: int, _rows: int) -> None:
    """No progress told."""


def extract(
    examples: Examples,
    features: Sequence[Feature],
    target: Path,
    *,
    progress: ExtractProgress = silent,
) -> Dataset:
    """Compute `features` of all `examples` into the file `target`; how many gave no row, by code, is told
    beside it in ``<target>.json``.

    A target that is finished for the same examples and features is read, not made again. Raises
    `ConfigurationError` when what is there was made from other examples or features, or is being made by
    another process.
    """
    shards = _Shards(target, examples, features)
    if (finished := shards.finished()) is not None:
        return finished
    with shards.held():
        _compute(examples, features, shards, progress)
        return shards.finish()


def _compute(
    examples: Examples, features: Sequence[Feature], shards: _Shards, progress: ExtractProgress
) -> None:
    plan = Plan(features, injected=examples.given & {node.name for node in Plan(features).nodes})
    done, made = shards.done(), 0
    progress(done, examples.total, made)
    for batch in _batches(examples.since(done)):
        rows, columns, unusable = [], [], Counter[str]()
        for example in batch:
            row = _row(plan, features, example)
            if isinstance(row, Unusable):
                unusable[row.code] += 1
            else:
                rows.append(row)
                columns.append(example.columns)  # type: ignore[union-attr]
        shards.add(len(batch), rows, columns, unusable)
        done, made = done + len(batch), made + len(rows)
        progress(done, examples.total, made)


def _row(
    plan: Plan, features: Sequence[Feature], example: Example | Unusable
) -> list[FeatureValue] | Unusable:
    if isinstance(example, Unusable):
        return example
    row = plan.run(example.revision, example.given).row(features)
    return Unusable(row.code) if isinstance(row, Problem) else row


def _batches(examples: Iterator[Example | Unusable]) -> Iterator[list[Example | Unusable]]:
    batch = []
    for example in examples:
        batch.append(example)
        if len(batch) == SHARD:
            yield batch
            batch = []
    if batch:
        yield batch


class _Shards:
    """What is finished so far, on disk: ``<target>.parts/`` with a state file and numbered shards."""

    def __init__(self, target: Path, examples: Examples, features: Sequence[Feature]) -> None:
        self._target = target
        self._folder = target.with_name(f"{target.name}.parts")
        self._names = [feature.name for feature in features]
        versions = [f"{feature.name} {feature.version}" for feature in features]
        self._made_from = {"examples": examples.identity, "features": versions}

    @contextmanager
    def held(self) -> Iterator[None]:
        """The folder, made when it is missing, for this process alone; the system lets go of it when the
        process dies. Two at once would number their shards alike, or double rows."""
        while True:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self._lock(handle)
                if is_at(self._folder, handle):  # and was not taken away before, by one that finished
                    yield
                    return
            finally:
                os.close(handle)

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"{self._target} is being made by another process: wait for it or end it, or give another "
                "place for the data set"
            ) from None

    def finished(self) -> Dataset | None:
        """The data set, if it was made already from the same."""
        if not self._receipt.exists() or not self._target.exists():
            return None
        self._same(self._receipt)
        return Dataset.load(self._target)

    def done(self) -> int:
        """How many examples the shards hold."""
        state = self._folder / "state.json"
        if state.exists():
            self._same(state)
        else:
            _write(state, {"made_from": self._made_from})
        return sum(shard["examples"] for shard in self._receipts())

    def add(
        self,
        examples: int,
        rows: list[list[FeatureValue]],
        columns: list[Mapping[str, Any]],
        unusable: Counter[str],
    ) -> None:
        """Keep a shard: its rows first, then the receipt that makes it count."""
        number = len(self._receipts())
        names = columns[0] if columns else {}
        gathered = {name: [row[name] for row in columns] for name in names}
        if rows:
            Dataset.of(self._names, rows, **gathered).save(self._folder / f"{number:06}.npz")
        receipt = {"examples": examples, "rows": len(rows), "unusable": dict(unusable)}
        _write(self._folder / f"{number:06}.json", receipt)

    def finish(self) -> Dataset:
        receipts = self._receipts()
        numbers = [number for number, receipt in enumerate(receipts) if receipt["rows"]]
        if not numbers:
            raise ConfigurationError(f"{self._target}: no example gave a row; is the source the right one?")
        dataset = concat([Dataset.load(self._folder / f"{number:06}.npz") for number in numbers])
        unusable: Counter[str] = sum((Counter(receipt["unusable"]) for receipt in receipts), Counter())
        dataset.save(self._target)
        _write(self._receipt, {"made_from": self._made_from, "unusable": dict(unusable)})
        shutil.rmtree(self._folder)
        return dataset

    @property
    def _receipt(self) -> Path:
        return self._target.with_name(f"{self._target.name}.json")

    def _receipts(self) -> list[dict[str, Any]]:
        paths = sorted(self._folder.glob("[0-9]*.json"))
        return [orjson.loads(path.read_bytes()) for path in paths]

    def _same(self, path: Path) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(path.read_bytes())
        if document["made_from"] != self._made_from:
            raise ConfigurationError(
                f"{self._target} and what lies beside it are rows of other examples or other feature "
                "versions: remove them, or give another place for the data set"
            )
        return document


def _write(path: Path, document: Mapping[str, Any]) -> None:
    with replacing(path) as stream:
        stream.write(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))
