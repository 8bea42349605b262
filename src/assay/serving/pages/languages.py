"""In which language a wiki is written, by its name. Screen readers choose a voice by it, browsers letters."""

from __future__ import annotations

import re
from typing import Final

_OF_A_LANGUAGE: Final = re.compile(
    r"(?P<code>[a-z]{2,3}(?:_[a-z]+)*)wik(?:i|tionary|ibooks|inews|iquote|isource|iversity|ivoyage)"
)
_OTHER_CODES: Final = {
    "als": "gsw",
    "bat_smg": "sgs",
    "be_x_old": "be-tarask",
    "fiu_vro": "vro",
    "no": "nb",
    "roa_rup": "rup",
    "zh_classical": "lzh",
    "zh_min_nan": "nan",
    "zh_yue": "yue",
}
"""Wikis that are older than the code of their language."""


def language(wiki: str) -> str | None:
    """As in HTML's ``lang``; None where the name tells none, as of ``commonswiki``."""
    found = _OF_A_LANGUAGE.fullmatch(wiki)
    if found is None:
        return None
    code = found["code"]
    return _OTHER_CODES.get(code, code.replace("_", "-"))
