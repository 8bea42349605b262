"""How good the shipped bundles are on rows that their trees never saw, from the statistics inside them.

``python bench/quality.py`` prints a table. The figures were measured when each bundle was trained
(`assay train WIKI/MODEL --data ../shared/data` measures them again, to the last byte).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import mean
from typing import Any

from assay.models.facts import read_statistics
from assay.models.library import Found, search, shipped_folder
from assay.models.training.recipes import recipes

COLUMNS = ("bundle", "held-out rows", "figure", "value", "95 % interval")


def main() -> int:
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    for found in search(shipped_folder()):
        for figure, value, interval in _figures(found):
            rows = read_statistics(found.path)["assay"]["held_out"]["n"]
            print(f"| {found.manifest.id} | {rows} | {figure} | {value:.3f} | {interval} |")
    return 0


def _figures(found: Found) -> Iterator[tuple[str, float, str]]:
    """The figures that matter for the bundle's kind: name, value, interval."""
    if found.manifest.kind == "revid":
        return
    statistics = read_statistics(found.path)
    ours = statistics["assay"]
    intervals: Mapping[str, Any] = ours["intervals_95"]
    if found.manifest.kind == "multiclass":
        classes = len(found.manifest.labels)
        yield "accuracy", ours["exact_accuracy"], _interval(intervals, "accuracy")
        yield "within one class", ours["within_one_class"], ""
        yield f"accuracy of guessing ({classes} classes)", _largest_class(statistics), ""
        return
    yield "ROC-AUC, pooled", statistics["roc_auc"]["labels"]["true"], _interval(intervals, "roc_auc")
    if teacher := ours["teacher"]:
        yield "Spearman with production", teacher["spearman"], ""
        yield "ROC-AUC of production itself", teacher["teacher_roc_auc"], ""
    for masked in ours["masked"]:
        yield f"ROC-AUC without {masked['prefixes'][0]}…", masked["roc_auc"], ""
    if found.manifest.wiki == "anywiki":
        areas = {part: measured["roc_auc"] for part, measured in ours["parts"].items()}
        for wiki, area in areas.items():
            yield f"ROC-AUC on {wiki}, never seen", area, ""
        own = [area for wiki, area in areas.items() if f"{wiki}/reverted" in recipes()]
        yield f"mean of these {len(areas)}", mean(areas.values()), ""
        yield f"mean of the {len(own)} with models of their own", mean(own), ""


def _largest_class(statistics: Mapping[str, Any]) -> float:
    counts = statistics["counts"]
    return float(max(counts["labels"].values()) / counts["n"])


def _interval(intervals: Mapping[str, Any], name: str) -> str:
    """Empty when there was nothing to resample: a history of a single page."""
    return "" if intervals[name] is None else " – ".join(f"{end:.3f}" for end in intervals[name])


if __name__ == "__main__":
    raise SystemExit(main())
