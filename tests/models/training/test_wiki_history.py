"""How a downloaded history is told on a card; downloads are in `test_real_wiki_history`."""

from __future__ import annotations

from pathlib import Path

from assay.models.training.chosen_edits import Choice
from assay.models.training.wiki_history import WikiHistory
from assay.revisions.wiki.download import Window


def told(edits: int, usable: int) -> str:
    window = Window("https://wiki.example/w/api.php")
    choice = Choice(tuple(range(edits)), (), usable, 7)
    return WikiHistory(
        "own",
        window,
        Path("own.jsonl"),
        "MediaWiki 1.39",
        90,
        "2001-02-03T04:05:06Z",
        "2005-06-07T08:09:10Z",
        choice,
    ).told


def test_all_usable_edits_are_learned_from() -> None:
    assert told(20, 20) == (
        "identity reverts in the history of https://wiki.example/w/api.php (MediaWiki 1.39): 90 revisions of "
        "articles from 2001-02-03 to 2005-06-07, 20 usable edits, 7 reverted"
    )


def test_a_lot_is_told() -> None:
    assert told(20, 50).endswith("50 usable edits, of which 20 were drawn by lot, 7 reverted")
