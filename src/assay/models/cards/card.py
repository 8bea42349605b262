"""A model's card: what it is, how good, for whom, from what data, with which limits, how to make it again.

Written from the manifest and the statistics alone, so that equal bundles have equal cards. The HTML page
is one file without scripts. Limits stand before figures, which mislead whoever reads only them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from assay.models.actor_group import GROUP_NAMES
from assay.models.cards.charts import Line, bars, chart
from assay.models.cards.tables import PART_FIGURES, TEACHER_FIGURES, TOP_FEATURES, Cell, Table, tables
from assay.models.manifest import Manifest
from assay.models.recipe import label_name

_STYLE: Final = """
:root{--paper:#fff;--ink:#1c1e21;--soft:#5a6068;--grid:#d5d9de;--s0:#0b63b6;--s1:#b3430a;--s2:#2c7a3f;
--s3:#7a3fa0;--s4:#8a6d00;--s5:#ad1457}
@media (prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e8eaed;--soft:#a6adb5;--grid:#3a4048;
--s0:#6db3f2;--s1:#ff9e66;--s2:#74c98a;--s3:#c79be6;--s4:#e0c04c;--s5:#f48fb1}}
body{background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;max-width:64rem;
margin:2rem auto;padding:0 1rem}
h1{margin-bottom:0}h2{margin-top:2.2rem}p.lead{font-size:1.1rem;color:var(--soft);margin-top:.3rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;margin:.5rem 0}caption{text-align:left;color:var(--soft)}
th,td{padding:.25rem .8rem .25rem 0;text-align:left;border-bottom:1px solid var(--grid);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
figure{display:inline-block;margin:.5rem 1rem .5rem 0;vertical-align:top;width:min(19.5rem,100%)}
figure.wide{width:100%}@media (max-width:34rem){figure.wide{display:none}}
figcaption{color:var(--soft)}svg{width:100%;height:auto}
svg text{font-size:11px;fill:var(--ink)}
svg .end{text-anchor:end}svg .mid{text-anchor:middle}svg .grid{stroke:var(--grid);fill:none}
svg .line{fill:none;stroke-width:2}svg .faint{stroke:var(--soft);stroke-width:1}
code,pre{font-size:.9em;overflow-wrap:anywhere;white-space:pre-wrap}
""" + "".join(f"svg .s{i}{{stroke:var(--s{i})}}svg .f{i}{{fill:var(--s{i})}}" for i in range(6))


def card_markdown(manifest: Manifest, statistics: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    statistics = in_order(manifest, statistics)
    parts = [f"# {manifest.id} {manifest.version}", manifest.description]
    parts += ["## Limits", _bullets(_limits(manifest))]
    for table in tables(manifest, statistics):
        parts += [f"## {table.title}", *([table.note] if table.note else []), _markdown_table(table)]
    parts += ["## Made by", f"    {_command(manifest)}"]
    return "\n\n".join(parts) + "\n"


def card_html(manifest: Manifest, statistics: Mapping[str, Any]) -> str:
    """The card as one HTML page with its charts inside."""
    title = f"{manifest.id} {manifest.version}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}: model card</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="lead">{escape(manifest.description)}</p>'
        f"{card_sections(manifest, statistics)}"
        "</main></body></html>\n"
    )


def card_sections(manifest: Manifest, statistics: Mapping[str, Any]) -> str:
    """The card below its title as HTML, for a page with a style of its own: every text in it is escaped."""
    statistics = in_order(manifest, statistics)
    limits = "".join(f"<li>{escape(limit)}</li>" for limit in _limits(manifest))
    told = "".join(_html_table(table) for table in tables(manifest, statistics))
    return (
        f"<h2>Limits</h2><ul>{limits}</ul>"
        f"<h2>Curves</h2>{_figures(manifest, statistics)}{told}"
        f"<h2>Made by</h2><pre>{escape(_command(manifest))}</pre>"
    )


def in_order(manifest: Manifest, statistics: Mapping[str, Any]) -> dict[str, Any]:
    """The statistics in the order of reading, wherever they come from: a bundle's file has its names sorted.
    Labels as the model has them, kinds of authors as they grow, the most important features first, parts by
    number or name."""
    ordered: dict[str, Any] = _by_label(statistics, [label_name(label) for label in manifest.labels])
    ours = ordered.get("assay", {})
    if importance := ours.get("importance"):
        ours["importance"] = dict(sorted(importance.items(), key=lambda item: (-item[1], item[0])))
    if groups := ours.get("groups"):
        ours["groups"] = {name: groups[name] for name in GROUP_NAMES.values() if name in groups}
    if parts := ours.get("parts"):
        ours["parts"] = {
            name: _known_first(parts[name], PART_FIGURES) for name in sorted(parts, key=_numbered)
        }
    if teacher := ours.get("teacher"):
        ours["teacher"] = _known_first(teacher, TEACHER_FIGURES)
    return ordered


def _known_first(figures: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: figures[name] for name in (*names, *figures) if name in figures}


def _numbered(name: str) -> list[tuple[str, int]]:
    """To sort by: fold 2 comes before fold 10."""
    return [(word, int(digits or 0)) for word, digits in re.findall(r"([^0-9]*)([0-9]*)", name)]


def _by_label(value: Any, labels: Sequence[str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    names = labels if set(value) == set(labels) else list(value)
    return {name: _by_label(value[name], labels) for name in names}


def _figures(manifest: Manifest, statistics: Mapping[str, Any]) -> str:
    thresholds = statistics.get("thresholds", {})
    if not thresholds:
        return "<p>This model was not measured.</p>"
    names = list(thresholds)[:1] if manifest.kind == "binary" else list(thresholds)[:6]
    roc = [Line(name, [*_points(thresholds[name], "fpr", "recall"), (0.0, 0.0)]) for name in names]
    precision = [Line(name, _points(thresholds[name], "recall", "precision")) for name in names]
    bins = statistics["assay"]["calibration"]
    told = [Line(name, [(mean, seen) for _, mean, seen in bins[name]], dots=True) for name in names]
    importance = list(statistics["assay"].get("importance", {}).items())[:TOP_FEATURES]
    figures = [
        ("ROC", chart("ROC curve", "false-positive rate", "recall", roc, diagonal=True)),
        ("Precision and recall", chart("Precision–recall curve", "recall", "precision", precision)),
        (
            "Calibration: what was told, and what happened",
            chart("Calibration", "probability told", "share observed", told, diagonal=True),
        ),
    ]
    drawn = "".join(f"<figure>{svg}<figcaption>{name}</figcaption></figure>" for name, svg in figures)
    if importance:
        drawn += f'<figure class="wide">{bars("Most important features", importance)}</figure>'
    return drawn


def _points(rows: Iterable[Mapping[str, Any]], x: str, y: str) -> list[tuple[float, float]]:
    return [(row[x], row[y]) for row in rows if row[x] is not None and row[y] is not None]


def _limits(manifest: Manifest) -> list[str]:
    stated = list(manifest.training.get("recipe", {}).get("limits", []))
    return [*stated, "A score is a guess from patterns of the past, never a reason to act without looking."]


def _command(manifest: Manifest) -> str:
    return str(manifest.training.get("command") or f"assay train {manifest.id}")


def _shown(value: Cell) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _markdown_table(table: Table) -> str:
    lines = [
        table.columns,
        ["---"] * len(table.columns),
        *([_shown(cell) for cell in row] for row in table.rows),
    ]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _html_table(table: Table) -> str:
    numeric = [
        all(isinstance(row[i], int | float | None) for row in table.rows) for i in range(len(table.columns))
    ]
    head = "".join(
        f'<th scope="col"{_class(number)}>{escape(name)}</th>'
        for name, number in zip(table.columns, numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_class(number)}>{escape(_shown(cell)).replace('`', '')}</td>"
            for cell, number in zip(row, numeric, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    title, note = escape(table.title), f"<p>{escape(table.note)}</p>" if table.note else ""
    return (
        f'<h2>{title}</h2>{note}<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _class(number: bool) -> str:
    return ' class="n"' if number else ""
