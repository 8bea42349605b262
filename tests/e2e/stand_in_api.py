"""A stand-in for the native API: the sample wiki's edits, scored by three simple formulas.

The page is tested against the real API too (`test_home_page.py`); this one gives what a real one
cannot be made to give on demand: a hostile title, a busy server, a hidden text.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from assay.revisions.files.compressed import open_stream
from assay.revisions.files.export import read_export
from assay.revisions.record import Record
from assay.serving.pages.home import add_home
from assay.serving.pages.site import PageOptions, Site

EXPORT = Path(__file__).resolve().parents[2] / "src" / "assay" / "sample" / "samplewiki.xml"

HOSTILE, BUSY, HIDDEN, HUGE, OBSCURE = 900001, 900002, 900003, 900004, 900005
"""Revision ids with a fixed answer."""

_ATTACK = '<script>window.stolen = 1</script><img src=x onerror="window.stolen = 2">'
_FEATURES = (
    ("feature.revision.user.is_anon", "bool", "Whether the author was not logged in."),
    ("feature.revision.user.is_admin", "bool", "Whether the author is an administrator."),
    ("feature.wikitext.revision.chars", "int", "Characters of the wikitext."),
    ("feature.wikitext.revision.parent.chars", "int", "Characters of the parent's wikitext."),
    ("feature.wikitext.revision.ref_tags", "int", "Opening ref tags."),
    ("feature.english.badwords.revision.diff.match_delta_sum", "int", "Bad words added less removed."),
    ("feature.english.dictionary.revision.diff.non_dict_word_prop_delta_increase", "float", "Strange words."),
    ("feature.wikitext.revision.diff.uppercase_word_delta_increase", "int", "Words in capitals added."),
    ("feature.revision.diff.longest_new_repeated_char", "int", "Longest new run of one character."),
    ("feature.assay.added.entropy", "float", "Bits per character of the added text; low is repetition."),
    ("feature.revision.comment.has_link", "bool", "Whether the edit summary has a link."),
)
_WEIGHTS: dict[str, Sequence[float]] = {
    "damaging": (1.1, -1.0, -0.00005, 0.00004, -0.04, 1.6, 0.5, 0.25, 0.09, -0.1, -0.6),
    "goodfaith": (-0.7, 0.6, 0.00005, -0.00001, 0.03, -1.5, -0.4, -0.2, -0.06, 0.1, 0.5),
    "reverted": (1.4, -0.8, -0.0001, 0.0001, -0.02, 1.2, 0.4, 0.2, 0.07, -0.1, -0.7),
}
_BASE = {"damaging": -2.6, "goodfaith": 2.4, "reverted": -2.2}
_CLASSES = ("Stub", "Start", "C", "B", "GA", "FA")


def app() -> FastAPI:
    """The page and its stand-in API: ``samplewiki``, ``enwiki`` with a live address, and a farm, two
    wikis with one host."""
    with open_stream(EXPORT) as stream:
        records = {r.rev_id: r for r in read_export(stream, EXPORT)}
    application = FastAPI()
    urls = {
        "enwiki": "https://en.wikipedia.org/w/index.php",
        "appleclub": "https://farm.example.org/apples/index.php",
        "pearclub": "https://farm.example.org/pears/w/index.php",
    }
    wikis_served = ("samplewiki", *urls)
    site = Site(PageOptions(wikis_served, urls, "1.0"))
    add_home(application.router, site)
    site.add_files(application.router)

    @application.get("/api/wikis")
    async def wikis() -> Any:
        return {"wikis": [{"name": name, "models": _models()} for name in wikis_served]}

    @application.get("/api/{wiki}/recent")
    async def recent(wiki: str, limit: int) -> Any:
        ids = sorted(records, reverse=True) if wiki == "samplewiki" else []
        return {"wiki": wiki, "revisions": ids[:limit]}

    @application.get("/api/{wiki}/revisions/{rev_id}")
    async def revision(wiki: str, rev_id: int) -> Any:
        if rev_id == BUSY:
            return _error(503, "overloaded", "The server is busy; ask again in 1 second.")
        if rev_id in (HOSTILE, HIDDEN, HUGE, OBSCURE):
            return _special(wiki, rev_id)
        if rev_id not in records:
            return _error(404, "not found", f"Could not find revision {rev_id}.")
        record = records[rev_id]
        parent = records.get(record.parent_id) if isinstance(record.parent_id, int) else None
        return {
            "wiki": wiki,
            "revision": _revision(record, parent),
            "diff": _diff(parent, record),
            "scores": _scores(_values(record, parent), frozenset()),
        }

    @application.post("/api/{wiki}/revisions/{rev_id}")
    async def what_if(wiki: str, rev_id: int, request: Request) -> Any:
        injection = (await request.json())["injection"]
        if injection.get("feature.wikitext.revision.chars", 0) < 0:
            return _error(400, "bad request", "feature.wikitext.revision.chars must not be negative.")
        record = records[rev_id]
        parent = records.get(record.parent_id) if isinstance(record.parent_id, int) else None
        values = _values(record, parent) | injection
        return {"wiki": wiki, "scores": _scores(values, frozenset(injection))}

    return application


def _models() -> list[Any]:
    features = [{"name": name, "type": type_, "doc": doc} for name, type_, doc in _FEATURES]
    binary = [
        {"name": name, "version": "1.0.0", "digest": "0", "labels": [True, False], "features": features}
        for name in _WEIGHTS
    ]
    quality = {"name": "articlequality", "version": "1.0.0", "digest": "0", "labels": list(_CLASSES)}
    return [quality | {"features": features}, *binary]


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def _revision(record: Record, parent: Record | None) -> dict[str, Any]:
    is_told = parent is not None or record.parent_id is None
    return {
        "id": record.rev_id,
        "parent_id": record.parent_id,
        "page": {"title": record.title, "namespace": record.namespace},
        "actor": record.user and {"name": record.user, "is_anonymous": record.is_anonymous},
        "timestamp": datetime.fromtimestamp(record.timestamp_s, UTC).isoformat(),
        "comment": record.comment,
        "size_bytes": record.size_bytes,
        "size_change_bytes": len(_bytes(record)) - len(_bytes(parent)) if is_told else None,
        "is_minor": record.is_minor,
        "is_creation": record.parent_id is None,
        "problems": [],
    }


def _special(wiki: str, rev_id: int) -> Any:
    text = _ATTACK if rev_id == HOSTILE else "word " * 4000
    lines = [{"kind": "added", "parts": [{"kind": "added", "text": text}]}]
    if rev_id == HOSTILE:
        parts = [{"kind": "equal", "text": _ATTACK}, {"kind": "added", "text": _ATTACK}]
        lines.append({"kind": "changed", "parts": parts})
        lines += [{"kind": "equal", "parts": [{"kind": "equal", "text": "x" * 900}]}] * 3
    if rev_id == HUGE:
        lines *= 200
    if rev_id == OBSCURE:
        lines = _obscure()
    diff = {"hunks": [{"old_start": 7, "new_start": 7, "lines": lines}], "truncated": rev_id == HUGE}
    hidden = {
        "code": "text_deleted",
        "type": "TextDeleted",
        "message": f"The text of revision {rev_id} is hidden.",
        "retryable": False,
    }
    is_hidden = rev_id == HIDDEN
    return {
        "wiki": wiki,
        "revision": {
            "id": rev_id,
            "parent_id": 1,
            "page": {"title": _ATTACK if rev_id == HOSTILE else "A page", "namespace": 0},
            "actor": None if is_hidden else {"name": _ATTACK, "is_anonymous": False},
            "timestamp": "2025-11-03T12:00:00Z",
            "comment": None if is_hidden else f"{_ATTACK} [[a|{_ATTACK}]]",
            "size_bytes": 7,
            "size_change_bytes": None,
            "is_minor": False,
            "is_creation": False,
            "problems": [hidden] if is_hidden else [],
        },
        "diff": None if is_hidden else diff | {"added_lines": len(lines), "removed_lines": 0},
        "scores": {name: {"error": hidden} for name in (*_WEIGHTS, "articlequality")}
        if is_hidden
        else _scores(dict.fromkeys((name for name, _, _ in _FEATURES), 0), frozenset()),
    }


def _obscure() -> list[Any]:
    """Text that turns its direction, joins letters as Persian does, cannot be seen, or never ends."""
    return [
        _line("added", "pay \u202eelbatsnoc\u202c \u0000now"),
        _line("equal", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        {
            "kind": "changed",
            "parts": [{"kind": "equal", "text": "same"}, {"kind": "added", "text": "\u200b\u00ad"}],
        },
        _line("added", "x" * 20_000),
        {
            "kind": "changed",
            "parts": [{"kind": "equal", "text": "a "}, {"kind": "removed", "text": "word " * 900}],
        },
    ]


def _values(record: Record, parent: Record | None) -> dict[str, Any]:
    new, old = _text(record), _text(parent)
    added = " ".join(new[a:b] for tag, _, _, a, b in _opcodes(old, new) if tag in ("insert", "replace"))
    runs = [len(run.group()) for run in re.finditer(r"(.)\1*", added)]
    capitals = re.findall(r"\b[A-Z]{2,}\b", added)
    bad = re.findall(r"(?i)\b(shit|ass|poop|sucks|stupid|fuck|idiots?|lol|merde|puta)\w*", added)
    counts = [added.count(c) / max(1, len(added)) for c in set(added)]
    values = (
        record.is_anonymous,
        None,
        len(new),
        len(old),
        new.count("<ref"),
        len(bad),
        len(re.findall(r"\b\w{12,}\b", added)) / 3,
        len(capitals),
        max(runs, default=1),
        -sum(p * math.log2(p) for p in counts),
        "[[" in (record.comment or ""),
    )
    return {name: value for (name, _, _), value in zip(_FEATURES, values, strict=True)}


def _scores(values: Mapping[str, Any], injected: frozenset[str]) -> dict[str, Any]:
    return {name: _binary(name, values, injected) for name in _WEIGHTS} | {
        "articlequality": _quality(values, injected)
    }


def _binary(name: str, values: Mapping[str, Any], injected: frozenset[str]) -> Any:
    pushes = [
        weight * float(values[f] or 0) for weight, (f, _, _) in zip(_WEIGHTS[name], _FEATURES, strict=True)
    ]
    logit = _BASE[name] + sum(pushes)
    probability = 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))
    return {
        "prediction": probability >= 0.5,
        "probability": {"true": probability, "false": 1 - probability},
        "features": _features(values, injected, [{"true": push} for push in pushes]),
        "explanation": {"true": {"base": _BASE[name], "logit": logit}},
    }


def _quality(values: Mapping[str, Any], injected: frozenset[str]) -> Any:
    size = math.log1p(float(values["feature.wikitext.revision.chars"] or 0))
    refs = float(values["feature.wikitext.revision.ref_tags"] or 0)
    pushes = [{label: _pull(f, i, size, refs) for i, label in enumerate(_CLASSES)} for f, _, _ in _FEATURES]
    base = {label: -0.3 * abs(i - 2) for i, label in enumerate(_CLASSES)}
    logits = {label: base[label] + sum(push[label] for push in pushes) for label in _CLASSES}
    total = sum(math.exp(value) for value in logits.values())
    probability = {label: math.exp(value) / total for label, value in logits.items()}
    return {
        "prediction": max(probability, key=lambda label: probability[label]),
        "probability": probability,
        "features": _features(values, injected, pushes),
        "explanation": {label: {"base": base[label], "logit": logits[label]} for label in _CLASSES},
    }


def _pull(feature: str, i: int, size: float, refs: float) -> float:
    if feature.endswith("revision.chars"):
        return -0.8 * abs(i - (size - 4.5))
    if feature.endswith("ref_tags"):
        return 0.12 * refs * (i - 2.5) / 2
    return 0.0


def _features(values: Mapping[str, Any], injected: frozenset[str], pushes: list[Any]) -> list[Any]:
    return [
        {"name": name, "value": values[name], "injected": name in injected, "contributions": push}
        for (name, _, _), push in zip(_FEATURES, pushes, strict=True)
    ]


def _text(record: Record | None) -> str:
    return _bytes(record).decode()


def _bytes(record: Record | None) -> bytes:
    return (record.text or b"") if record else b""


def _opcodes(old: Sequence[Any], new: Sequence[Any]) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _diff(parent: Record | None, record: Record) -> Any:
    old, new = _text(parent).split("\n") if parent else [], _text(record).split("\n")
    hunks = []
    added = removed = 0
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(3):
        lines: list[Any] = []
        for tag, a, b, c, d in group:
            if tag == "replace" and b - a == d - c:
                lines += [_changed(x, y) for x, y in zip(old[a:b], new[c:d], strict=True)]
            elif tag == "equal":
                lines += [_line("equal", text) for text in old[a:b]]
            else:
                lines += [_line("removed", text) for text in old[a:b]]
                lines += [_line("added", text) for text in new[c:d]]
            if tag != "equal":
                added, removed = added + d - c, removed + b - a
        hunks.append({"old_start": group[0][1] + 1, "new_start": group[0][3] + 1, "lines": lines})
    return {"hunks": hunks, "truncated": False, "added_lines": added, "removed_lines": removed}


def _line(kind: str, text: str) -> Any:
    return {"kind": kind, "parts": [{"kind": kind, "text": text}]}


def _changed(old: str, new: str) -> Any:
    a, b = re.findall(r"\w+|\W", old), re.findall(r"\w+|\W", new)
    parts = []
    for tag, i, j, k, m in _opcodes(a, b):
        if tag == "equal":
            parts.append({"kind": "equal", "text": "".join(a[i:j])})
        else:
            parts += [{"kind": "removed", "text": "".join(a[i:j])}] if j > i else []
            parts += [{"kind": "added", "text": "".join(b[k:m])}] if m > k else []
    return {"kind": "changed", "parts": parts}
