"""The bar of an index being built."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from assay.cli.progress import indexing
from assay.revisions.open import open_source
from revisions import small_wiki


async def index_with_bar(path: Path, patience_s: float = 0.0, *, terminal: bool = True) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None)
    with indexing("small", console, patience_s) as report:
        await open_source("small", str(path), progress=report).aclose()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_it_shows_revisions_and_is_silent_when_nothing_is_to_do(tmp_path: Path) -> None:
    path = small_wiki.pack(small_wiki.export("0.11"), tmp_path / "small.xml")
    shown = await index_with_bar(path)
    assert "small: linking" in shown
    assert "100%" in shown
    assert "11 revisions" in shown
    assert await index_with_bar(path) == ""


async def test_what_is_done_soon_is_not_worth_a_line(tmp_path: Path) -> None:
    path = small_wiki.pack(small_wiki.export("0.11"), tmp_path / "small.xml")
    assert await index_with_bar(path, 3600.0, terminal=False) == ""
