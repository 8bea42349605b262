"""What the documentation tells of the reasons why something has no score, for tests to compare."""

from __future__ import annotations

import re
from pathlib import Path

from assay.revisions.problem import Problem

_DOCS = Path(__file__).resolve().parents[1] / "docs"


def types() -> dict[str, tuple[str, bool]]:
    """ORES's type and whether asking again may help, by code: of what sources cannot give."""
    rows = _rows(_DOCS / "reference" / "sources.md", "## What cannot be had")
    return {code: (kind, retryable == "yes") for codes, kind, retryable, _ in rows for code in _codes(codes)}


def cells() -> dict[str, bool]:
    """Whether asking again may help, by code: of all that a cell may say."""
    rows = _rows(_DOCS / "http" / "native.md", "### Reasons of a cell")
    return {code: retryable == "yes" for codes, retryable in rows for code in _codes(codes)}


def speaks_of(problem: Problem, name: str) -> bool:
    """Whether its message is a sentence that calls the revision so, wherever it does."""
    sentence = problem.message
    return sentence[0].isupper() and name in sentence[0].lower() + sentence[1:] and "ision 0" not in sentence


def _rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the table's rows, without its head."""
    table = re.search(r"(?:^\|.*\n)+", page.read_text("utf-8").partition(f"{heading}\n")[2], re.M)
    assert table is not None, f"{page.name} has no table below {heading}"
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _codes(cell: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", cell)
