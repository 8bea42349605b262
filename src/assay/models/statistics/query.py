"""Threshold queries: what clients ask a label's table for, in ORES's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from assay.errors import BadParameter
from assay.models.statistics.confusion import FIELDS

Row = Mapping[str, float | None]
"""Of a label's table: ``threshold`` and `FIELDS`."""

_QUERY: Final = re.compile(
    r"(?P<aim>maximum|minimum) (?P<target>!?[a-z]\w*) @ (?P<condition>!?[a-z]\w*) (?P<sign>>=|<=) "
    r"(?P<value>[-+]?(?:\d*\.\d+|\d+))",
    re.ASCII,
)
_MAX_QUERY_CHARS: Final = 200


def _in_any_case(words: Iterable[str]) -> str:
    """A regular expression without flags, which JSON Schema has none of."""
    folded = ("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in word) for word in words)
    return f"(?:{'|'.join(folded)})"


QUERY_PATTERN: Final = (
    rf"^(?=[\s\S]{{0,{_MAX_QUERY_CHARS}}}(?![\s\S]))"
    rf"\s*{_in_any_case(('maximum', 'minimum'))} {_in_any_case(FIELDS)} @ {_in_any_case(FIELDS)} (?:>=|<=) "
    r"[-+]?(?:[0-9]*\.[0-9]+|[0-9]+)\s*(?![\s\S])"
)
"""What `Query.parse` takes, in the dialect that ECMAScript and Python have in common."""


@dataclass(frozen=True, slots=True)
class Query:
    """``maximum recall @ precision >= 0.9``: the best `target` among rows that meet a condition."""

    maximum: bool
    target: str
    condition: str
    at_least: bool
    value: float

    @classmethod
    def parse(cls, text: str) -> Query:
        """Raises `BadParameter` when `text` is no query, or names a statistic that does not exist."""
        match = _QUERY.fullmatch(text.strip().lower()) if len(text) <= _MAX_QUERY_CHARS else None
        if match is None:
            raise BadParameter(
                f"{text[:_MAX_QUERY_CHARS]!r} is no threshold query; "
                "write for example 'maximum recall @ precision >= 0.9'"
            )
        for name in (match["target"], match["condition"]):
            if name not in FIELDS:
                raise BadParameter(f"there is no statistic {name!r}; there are: {', '.join(FIELDS)}")
        return cls(
            match["aim"] == "maximum",
            match["target"],
            match["condition"],
            match["sign"] == ">=",
            float(match["value"]),
        )
