from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from assay.models.cards.card import card_html, card_markdown, in_order
from assay.models.cards.charts import Line, bars, chart
from assay.models.facts import read_manifest, read_statistics
from assay.models.library import shipped_folder
from assay.models.training.make import make_bundle
from models import makers

SHIPPED = sorted(path.parent for path in shipped_folder().glob("*/*/card.md"))
VOID = {"meta", "br", "rect", "path", "polyline", "circle"}


class Checker(HTMLParser):
    """Collects tags and complains of anything left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module", params=[2, 4])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("card")
    changes = {
        "description": "Tells <b>nothing</b> & more.",
        "limits": ("Only for | tests.",),
        "command": "assay train testwiki/reverted",
        "inputs": "made-up rows",
    }
    make_bundle(makers.rows(classes=request.param), makers.recipe(request.param, **changes), folder / "b")
    return folder / "b"


def test_the_page_is_whole_self_contained_and_escaped(folder: Path) -> None:
    page = (folder / "card.html").read_text()
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    tags = [tag for tag, _ in checker.seen]
    assert "script" not in tags
    assert "link" not in tags
    assert not re.search(r"""(src|href)=|url\(|@import|https?://""", page)
    assert "<b>nothing" not in page
    assert "&lt;b&gt;nothing&lt;/b&gt; &amp; more" in page
    assert "prefers-color-scheme:dark" in page
    assert dict(checker.seen[1][1]) == {"lang": "en"} or ("html", {"lang": "en"}) in checker.seen


def test_every_chart_speaks_and_every_column_has_a_heading(folder: Path) -> None:
    checker = Checker()
    checker.feed((folder / "card.html").read_text())
    charts = [attributes for tag, attributes in checker.seen if tag == "svg"]
    assert len(charts) == 4
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in charts)
    headings = [attributes for tag, attributes in checker.seen if tag == "th"]
    assert headings
    assert all(attributes.get("scope") == "col" for attributes in headings)


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_limits_stand_before_figures_and_figures_have_their_names(shipped: Path) -> None:
    text = (shipped / "card.md").read_text()
    assert text.index("## Limits") < (text + "## Quality").index("## Quality")
    heads = re.findall(r"^\|(.*)\|\n\| ---", text, re.MULTILINE)
    assert not re.search(r"_auc|fpr|\bn\b", " ".join(heads))


def test_both_cards_tell_quality_data_limits_and_command(folder: Path) -> None:
    for name in ("card.md", "card.html"):
        text = (folder / name).read_text()
        for told in (
            "ROC-AUC",
            "95 % interval",
            "made-up rows",
            "tests.",
            "assay train testwiki/reverted",
            "600",
            "never saw",
        ):
            assert told in text, (name, told)
    markdown = (folder / "card.md").read_text()
    assert "Only for | tests." in markdown
    for block in re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(counts) == 1


def test_groups_of_authors_are_told_for_binary_models_only(folder: Path) -> None:
    text = (folder / "card.md").read_text()
    assert ("By kind of author" in text) == ("reverted" in text.splitlines()[0])


def test_a_chart_is_well_formed_whatever_the_names() -> None:
    lines = [Line(f"<{i}&>", [(0, 0), (0.5, 0.7), (1, 1)], dots=True) for i in range(6)]
    for svg in (chart('a "title"', "x<", "y>", lines, diagonal=True), bars("t&", [("feature.<x>", 0.3)])):
        root = ElementTree.fromstring(svg)
        assert root.tag == "svg"
    assert chart("empty", "x", "y", [Line("none", [])])


def assert_has_its_cards(bundle: Path) -> None:
    manifest, statistics = read_manifest(bundle), read_statistics(bundle)
    assert card_markdown(manifest, statistics) == (bundle / "card.md").read_text("utf-8")
    assert card_html(manifest, statistics) == (bundle / "card.html").read_text("utf-8")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_bundles_files_give_the_cards_that_lie_in_it(path: Path) -> None:
    """Made again by `python tools/redraw_cards.py` when cards have come to look otherwise."""
    assert_has_its_cards(path)


def test_the_making_and_the_files_give_the_same_cards(folder: Path) -> None:
    """A bundle's statistics have their names sorted; the cards made from them must not."""
    assert_has_its_cards(folder)


def test_parts_are_told_by_number() -> None:
    path = shipped_folder() / "enwiki" / "articlequality"
    parts = in_order(read_manifest(path), read_statistics(path))["assay"]["parts"]
    assert list(parts) == [f"fold {number} of 10" for number in range(1, 11)]
    assert list(parts["fold 1 of 10"]) == ["n", "roc_auc", "accuracy", "within_one_class"]
