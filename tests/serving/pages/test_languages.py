"""A wiki's language by its name."""

from __future__ import annotations

import pytest

from assay.serving.pages.languages import language


@pytest.mark.parametrize(
    ("wiki", "code"),
    [
        ("frwiki", "fr"),
        ("arzwiki", "arz"),
        ("hewiktionary", "he"),
        ("ruwikisource", "ru"),
        ("zh_yuewiki", "yue"),
        ("be_x_oldwiki", "be-tarask"),
        ("map_bmswiki", "map-bms"),
        ("alswiki", "gsw"),
        ("nowikinews", "nb"),
        ("commonswiki", None),
        ("wikidatawiki", None),
        ("samplewiki", None),
        ("wiki", None),
        ("fr", None),
        ("frwikifarm", None),
        ("Frwiki", None),
    ],
)
def test_a_name_tells_a_language_or_none(wiki: str, code: str | None) -> None:
    assert language(wiki) == code
