"""Every configuration that a page shows can be read, as it stands there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from assay.settings import load, names
from shared_data import ROOT

OTHERS: Final = ("# drift.toml",)
"""How those begin that are no configuration of Assay."""


def _shown() -> Iterator[tuple[str, str]]:
    """Page and text."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        told = page.read_text("utf-8")
        for text in re.findall(r"^ *```toml\n(.*?)^ *```", told, re.DOTALL | re.MULTILINE):
            if not text.lstrip().startswith(OTHERS):
                yield page.name, text


SHOWN: Final = list(_shown())


@pytest.mark.parametrize(("page", "text"), SHOWN, ids=[page for page, _ in SHOWN])
def test_a_configuration_is_right(tmp_path: Path, page: str, text: str) -> None:
    """A page that adds something to a wiki need not say again where that is."""
    wikis = tomllib.loads(text).get("wikis", {})
    before, file = tmp_path / "before.toml", tmp_path / "assay.toml"
    before.write_text("".join(f'[wikis.{name}]\nsource = "https://wiki.example/api.php"\n' for name in wikis))
    file.write_text(text, "utf-8")
    load([before, file], {})


def test_there_are_some() -> None:
    assert len(SHOWN) > 10


def test_the_settings_that_stand_for_those_of_ores_exist() -> None:
    page = (ROOT / "docs" / "how-to" / "move-from-ores.md").read_text("utf-8")
    table = page.partition("## Configuration")[2].partition("## Step")[0]
    theirs_to_ours = re.findall(r"^\| .*? \| (.*) \|$", table, re.MULTILINE)
    named = {name for ours in theirs_to_ours for name in re.findall(r"`([a-z_]+\.[a-z_.<>]+)`", ours)}
    known = {name.replace("<name>", "<wiki>", 1) for name in names()}
    assert len(named) > 15
    assert named - known == {"wikis.<wiki>.precache.<model>"}
