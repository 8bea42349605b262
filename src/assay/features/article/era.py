"""When an article was last worked on, as its own text tells.

What a wiki asked of a good article changed with the years: one reference a paragraph was plenty in 2006
and poor in 2014. The dates of access in citations, the latest years that the text speaks of and
links to other languages (moved to Wikidata in 2013) let a model judge a text by its own time.

Limit: years are digits, of whatever calendar; a model knows only the years it has seen.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, NamedTuple

from assay.features.article.names import LANGUAGE

_YEAR: Final = re.compile(r"\b(?:19\d\d|20\d\d)\b")
_ACCESSED: Final = re.compile(
    r"(?:access-?(?:date|year|monthday)|consulté le|дата обращения|datadostępu|zugriff|fechaacceso|accesso)"
    r"\s*=[^|}\n]{0,30}?(20\d\d)",
    re.IGNORECASE,
)
_LANGUAGE: Final = re.compile(rf"\[\[{LANGUAGE}:[^\]\n]+\]\]")
_FIRST_YEAR: Final = 2001
_LAST_YEAR: Final = 2040
_YEARS_BACK: Final = 4


class ArticleEra(NamedTuple):
    """Years are calendar years, None when there is none; counts ≥ 0.

    `latest_year`: the last from 2001 to 2040 that the text mentions; `mentions_0` … `mentions_4`: how
    often it mentions that year and each of the four before.
    """

    latest_year: int | None
    frequent_year: int | None
    mentions_0: int
    mentions_1: int
    mentions_2: int
    mentions_3: int
    mentions_4: int
    access_dates: int
    latest_access: int | None
    median_access: int | None
    language_links: int


def analyse(text: str) -> ArticleEra:
    """The era of one wikitext. Class-telling templates hold no years in the sense of these patterns."""
    years = Counter(int(year) for year in _YEAR.findall(text))
    recent = {year: count for year, count in years.items() if _FIRST_YEAR <= year <= _LAST_YEAR}
    latest = max(recent, default=None)
    accessed = sorted(int(year) for year in _ACCESSED.findall(text))
    back = [years[latest - i] if latest else 0 for i in range(_YEARS_BACK + 1)]
    return ArticleEra(
        latest_year=latest,
        frequent_year=max((year for year, count in recent.items() if count >= 3), default=None),
        mentions_0=back[0],
        mentions_1=back[1],
        mentions_2=back[2],
        mentions_3=back[3],
        mentions_4=back[4],
        access_dates=len(accessed),
        latest_access=accessed[-1] if accessed else None,
        median_access=accessed[len(accessed) // 2] if accessed else None,
        language_links=len(set(_LANGUAGE.findall(text))),
    )
