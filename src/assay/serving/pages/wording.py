"""Plain words for machine names, chances and times, as ``static/wording.js`` has them for the parts of a page
that are made in the browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from unicodedata import bidirectional

MINUS: Final = "\N{MINUS SIGN}"
_TITLES: Final = {
    "damaging": "Damaging",
    "goodfaith": "Good faith",
    "reverted": "Reverted",
    "articlequality": "Article quality",
}
_BAD_LABEL: Final = {"damaging": "true", "goodfaith": "false", "reverted": "true"}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec")
_SECTION: Final = re.compile(r"/\*\s*(.*?)\s*\*/", re.DOTALL)
_LINK: Final = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]+)\]\]")


def model_title(name: str) -> str:
    return _TITLES.get(name) or name.replace("_", " ").capitalize()


def in_reading_order(names: Iterable[str]) -> list[str]:
    """Models of the edit first, then of the article, then all others."""
    order = list(_TITLES)
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def percent(probability: float) -> str:
    """``93%``, with one more digit where a whole number would hide the difference."""
    value = probability * 100
    if 0 < value < 0.1:
        return "<0.1%"
    if 99.9 < value < 100:
        return ">99.9%"
    return f"{value:.{1 if 0 < value < 1 or 99 < value < 100 else 0}f}%"


def tone(model: str, probability: Mapping[str, float]) -> str:
    """How alarming a binary score is: ``calm``, ``caution``, ``alarm``; ``none`` where nothing is bad."""
    bad = probability.get(_BAD_LABEL.get(model, ""))
    if bad is None:
        return "none"
    return "calm" if bad < 0.4 else "caution" if bad < 0.7 else "alarm"


def moment(iso: str) -> str:
    """``3 Nov 2025, 12:10``, UTC."""
    at = datetime.fromisoformat(iso)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M}"


def summary(comment: str) -> str:
    """An edit summary with MediaWiki's marks read: links by their label, the section by its name."""
    return _LINK.sub(r"\1", _SECTION.sub(_place, comment)).removesuffix(":")


def _place(section: re.Match[str]) -> str:
    """The arrow points where the section's own script leads to."""
    first = next(filter(str.isalpha, section[1]), "")
    arrow = "←" if first and bidirectional(first) in ("R", "AL") else "→"
    return f"{arrow} {section[1]}:"


def size_change(size_bytes: int) -> str:
    """``+1,234`` or ``−56``, with a true minus sign."""
    sign = "+" if size_bytes > 0 else MINUS if size_bytes < 0 else "±"
    return f"{sign}{abs(size_bytes):,}"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "model_title": model_title,
    "percent": percent,
    "moment": moment,
    "summary": summary,
    "size_change": size_change,
}
