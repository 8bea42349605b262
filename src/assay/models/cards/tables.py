"""What a model's card tells in tables, from the manifest and the statistics alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay.models.manifest import Manifest
from assay.models.recipe import label_name

Cell = str | int | float | None
TOP_FEATURES: Final = 20
PART_FIGURES: Final = ("n", "roc_auc", "accuracy", "within_one_class")
TEACHER_FIGURES: Final = ("spearman", "mean_absolute_difference", "teacher_roc_auc", "own_roc_auc")
_CALLED: Final = {
    "n": "rows",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "f1": "F1",
    "fpr": "false-positive rate",
    "within_one_class": "within one class",
    "spearman": "rank correlation (Spearman)",
    "mean_absolute_difference": "mean absolute difference",
    "teacher_roc_auc": "its teacher's ROC-AUC",
    "own_roc_auc": "its own ROC-AUC",
}
"""What people call the statistics' figures."""
_TABLE_CUTS: Final = (0.9, 0.75, 0.5, 0.25)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading. `note`: one sentence below the title, may be empty."""

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def tables(manifest: Manifest, statistics: Mapping[str, Any]) -> list[Table]:
    found = [
        _quality(statistics),
        _compared(statistics),
        _labels(statistics),
        _confusion(statistics),
        _cuts(manifest, statistics),
        _groups(statistics),
        _parts(statistics),
        _masked(statistics),
        _teacher(statistics),
        _features(statistics),
        _data(manifest),
    ]
    return [table for table in found if table.rows]


def _quality(statistics: Mapping[str, Any]) -> Table:
    ours = statistics.get("assay", {})
    spans = ours.get("intervals_95", {})
    several = len(statistics.get("counts", {}).get("labels", {})) > 2
    area = "macro" if several else "labels"

    def of(name: str) -> Cell:
        found = statistics[name][area]
        value: Cell = found if several else next(iter(found.values()))
        return value

    held = ours.get("held_out", {})
    rows: list[Sequence[Cell]] = []
    if ours:
        rows = [
            ("accuracy", ours["exact_accuracy"], _span(spans.get("accuracy"))),
            ("ROC-AUC", of("roc_auc"), _span(spans.get("roc_auc"))),
            ("PR-AUC (average precision)", of("pr_auc"), _span(spans.get("pr_auc"))),
        ]
        if several:
            span = _span(spans.get("within_one_class"))
            rows.append(("within one class", ours["within_one_class"], span))
        first = next(iter(ours["brier"]))
        rows.append((f"Brier score ({first})", ours["brier"][first], ""))
        rows.append((f"calibration error ({first})", ours["calibration_error"][first], ""))
    note = (
        f"On {held.get('n', 0)} rows it never saw: {held.get('how', '')}. ROC-AUC: how often a row with the "
        "label is given a higher probability than one without; 0.5 is guessing, 1 perfect."
    )
    return Table("Quality", note, ("measure", "value", "95 % interval"), rows)


_VERDICTS: Final = {
    "better": "It is better than {other}: the interval of the difference lies above 0.",
    "alike": "It is NOT shown to be better than {other}: the difference's interval holds 0. Use {other}.",
    "worse": "It is WORSE than {other}: the interval of the difference lies below 0. Use {other}.",
    "untold": "Too few pages or labels to tell whether it is better than {other}. Use {other}.",
}


def _compared(statistics: Mapping[str, Any]) -> Table:
    """Against the model that it was grown on, on the same rows."""
    found = statistics.get("assay", {}).get("compared")
    if found is None:
        return Table("", "", (), [])
    rows: list[Sequence[Cell]] = []
    for name, kind in (("all", "all held-out rows"), ("strangers", "pages and authors it had not met")):
        areas = found[name]
        rows.append((kind, areas["n"], areas["positives"], areas["own"], areas["other"]))
    span = _span(found["interval_95"])
    note = _VERDICTS[found["verdict"]].format(other=found["other"])
    return Table(
        f"Compared with {found['other']}",
        f"{note} 95 % interval of the difference of ROC-AUC, by bootstrap of pages: {span or 'none'}.",
        ("rows", "number", "true", "ROC-AUC", f"ROC-AUC of {found['other']}"),
        rows,
    )


def _labels(statistics: Mapping[str, Any]) -> Table:
    names = statistics.get("counts", {}).get("labels", {})
    fields = ("recall", "precision", "f1", "fpr", "roc_auc", "pr_auc")
    scaled = "population" in statistics.get("rates", {})
    told = "Precision, F1 and PR-AUC are scaled to how often the labels occur in the wiki."
    note = told if scaled else ""
    return Table(
        "Each label",
        note,
        ("label", "rows", *map(_called, fields)),
        [(name, n, *(statistics[field]["labels"][name] for field in fields)) for name, n in names.items()],
    )


def _confusion(statistics: Mapping[str, Any]) -> Table:
    predictions = statistics.get("counts", {}).get("predictions", {})
    return Table(
        "Right and predicted labels",
        "Rows: the right label. Columns: how many were predicted as what.",
        ("right", *predictions),
        [(name, *counts.values()) for name, counts in predictions.items()],
    )


def _cuts(manifest: Manifest, statistics: Mapping[str, Any]) -> Table:
    """For a few recalls of the first label, the highest threshold that still reaches it."""
    if manifest.kind != "binary":
        return Table("Thresholds", "", (), [])
    rows = statistics["thresholds"][label_name(manifest.labels[0])]
    picked = []
    for wanted in _TABLE_CUTS:
        reaching = [row for row in rows if row["recall"] is not None and row["recall"] >= wanted]
        if reaching:
            row = reaching[-1]
            picked.append(
                (f"≥ {wanted}", *(row[name] for name in ("threshold", "precision", "filter_rate", "fpr")))
            )
    return Table(
        "Thresholds",
        "The highest threshold on the probability of true that still finds so much of it.",
        ("recall", "threshold", "precision", "filter rate", "false-positive rate"),
        picked,
    )


def _groups(statistics: Mapping[str, Any]) -> Table:
    groups = statistics.get("assay", {}).get("groups", {})
    names = ("observed_rate", "mean_probability", "roc_auc")
    return Table(
        "By kind of author",
        "A model may be good on the whole and unjust to some: compare the false-positive rates at one half.",
        (
            "author",
            "rows",
            "observed",
            "mean probability",
            "ROC-AUC",
            "95 % interval",
            "recall",
            "false-positive rate",
        ),
        [
            (
                name,
                found["n"],
                *(found.get(field) for field in names),
                _span(found.get("roc_auc_95")),
                found.get("recall"),
                found.get("fpr"),
            )
            for name, found in groups.items()
            if name != "unknown" or len(groups) > 1
        ],
    )


def _parts(statistics: Mapping[str, Any]) -> Table:
    parts = statistics.get("assay", {}).get("parts", {})
    keys = list(next(iter(parts.values()), {}))
    rows = [(name, *figures.values()) for name, figures in parts.items()] if len(parts) > 1 else []
    return Table("Each held-out part", "", ("part", *map(_called, keys)), rows)


def _masked(statistics: Mapping[str, Any]) -> Table:
    masked = statistics.get("assay", {}).get("masked", [])
    return Table(
        "When something is not known",
        "The same rows with these features missing, as on a source that does not tell them. "
        "… stands for every ending.",
        ("missing", "rows", "ROC-AUC", "accuracy"),
        [
            (", ".join(f"{prefix}…" for prefix in row["prefixes"]), row["n"], row["roc_auc"], row["accuracy"])
            for row in masked
        ],
    )


def _teacher(statistics: Mapping[str, Any]) -> Table:
    teacher = statistics.get("assay", {}).get("teacher") or {}
    return Table(
        "Agreement with the model it learned from",
        "",
        ("measure", "value"),
        [(_called(name), value) for name, value in teacher.items()],
    )


def _features(statistics: Mapping[str, Any]) -> Table:
    importance = statistics.get("assay", {}).get("importance", {})
    return Table(
        "Most important features",
        "Mean absolute contribution to the log-odds (exact SHAP values).",
        ("feature", "contribution"),
        [(f"`{name}`", value) for name, value in list(importance.items())[:TOP_FEATURES]],
    )


def _data(manifest: Manifest) -> Table:
    training = manifest.training
    recipe = training.get("recipe", {})
    rows: list[Sequence[Cell]] = [
        ("learned from", recipe.get("inputs") or None),
        ("rows", training.get("rows")),
        ("rows by wiki", ", ".join(f"{k} {v}" for k, v in training.get("rows_by_wiki", {}).items()) or None),
        ("left out", ", ".join(recipe.get("leave_out", [])).replace("_", " ") or None),
        ("rows per author, at most", recipe.get("rows_per_actor")),
        ("features", len(manifest.features)),
        ("word lists", ", ".join(lexicon.name for lexicon in manifest.lexicons) or None),
        ("boosting rounds", training.get("rounds")),
        ("seed", training.get("seed")),
        ("forests averaged, of this seed and the next", recipe.get("seeds")),
        ("libraries", ", ".join(f"{name} {version}" for name, version in manifest.libraries.items())),
        ("digest of the rows", training.get("data_digest")),
        ("digest of the bundle", manifest.digest),
    ]
    return Table("Data and making", "", ("what", "value"), [row for row in rows if row[1] is not None])


def _called(name: str) -> str:
    return _CALLED.get(name, name)


def _span(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.3f} – {interval[1]:.3f}"
