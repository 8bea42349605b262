"""STAND-IN until the thresholds module is merged."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from assay.models.recipe import label_name
from assay.models.thresholds import Query
from assay.scoring.wikis import Wiki
from assay.serving.ores.model_info import ModelInfos

POINTS = {
    "damaging": (
        ("likelygood", "Very likely good", "false", "maximum recall @ precision >= 0.995"),
        ("maybebad", "May have problems", "true", "maximum filter_rate @ recall >= 0.9"),
        ("likelybad", "Likely have problems", "true", "maximum recall @ precision >= 0.3"),
        ("verylikelybad", "Very likely have problems", "true", "maximum recall @ precision >= 0.5"),
    ),
    "reverted": (
        ("maybereverted", "May be reverted", "true", "maximum recall @ precision >= 0.3"),
        ("verylikelyreverted", "Very likely reverted", "true", "maximum recall @ precision >= 0.75"),
    ),
}


def wilson(k: float, n: float) -> list[float] | None:
    if not n:
        return None
    p, z = k / n, 1.96
    mid, half = (
        (p + z * z / 2 / n) / (1 + z * z / n),
        z * sqrt(p * (1 - p) / n + z * z / 4 / n / n) / (1 + z * z / n),
    )
    return [max(0.0, mid - half), min(1.0, mid + half)]


def document(infos: ModelInfos, wiki: Wiki, name: str, label: str | None = None) -> dict[str, Any] | None:
    model = wiki.models[name]
    stats = infos.tree(model).get("statistics") or {}
    if not stats.get("thresholds"):
        return None
    labels = [label_name(one) for one in model.labels]
    label = label or labels[0]
    counts = stats["counts"]

    def row(one: Mapping[str, Any], which: str) -> dict[str, Any]:
        pos = counts["labels"][which]
        neg = counts["n"] - pos
        tp, fp = round((one["recall"] or 0) * pos), round((one["fpr"] or 0) * neg)
        return {**one, "counts": {"tp": tp, "fp": fp, "tn": neg - fp, "fn": pos - tp}}

    def cut(one: Mapping[str, Any] | None, which: str) -> dict[str, Any] | None:
        if one is None:
            return None
        full = row(one, which)
        c = full.pop("counts")
        t = full.pop("threshold")
        return {
            "threshold": t,
            "statistics": full,
            "counts": c,
            "intervals_95": {
                "precision": wilson(c["tp"], c["tp"] + c["fp"]),
                "recall": wilson(c["tp"], c["tp"] + c["fn"]),
            },
        }

    points = []
    for pname, title, plabel, query in POINTS.get(name, ()):
        best = cut(Query.parse(query).best(stats["thresholds"][plabel]), plabel)
        span = (
            None
            if best is None
            else [best["threshold"], 1]
            if plabel == "true"
            else [0, 1 - best["threshold"]]
        )
        points.append(
            {
                "name": pname,
                "title": title,
                "label": plabel,
                "query": query,
                "satisfiable": best is not None,
                "cut": best,
                "nearest": None,
                "range": span,
            }
        )
    return {
        "wiki": wiki.name,
        "model": name,
        "version": model.version,
        "digest": model.digest,
        "labels": labels,
        "label": label,
        "sample": {"rows": counts["n"], "with_label": counts["labels"][label]},
        "population_rate": stats["rates"].get("population", {}).get(label),
        "table": [row(one, label) for one in stats["thresholds"][label]],
        "operating_points": points,
    }
