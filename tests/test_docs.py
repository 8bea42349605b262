"""What can be set, asked, measured and run is documented, and the documentation names nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.routing import Route

from assay import settings
from deploy.files import options_of
from shared_data import ROOT
from small_app import SmallApp
from tool import tool

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])


@pytest.mark.parametrize("name", ["settings.md", "metrics.md", "commands.md", "features.md"])
def test_reference_is_what_the_code_says(name: str) -> None:
    written = (DOCS / "reference" / name).read_text("utf-8")
    reference = tool("build_reference")
    assert written == reference.NOTE + reference.documents()[name], "run: python tools/build_reference.py"


def test_every_setting_is_documented_with_a_sentence() -> None:
    page = (DOCS / "reference" / "settings.md").read_text("utf-8")
    for key in settings.names():
        assert re.search(rf"\*\*`{re.escape(key)}`\*\*[^\n]*: \S", page), f"{key} has no docstring under it"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)", page.read_text("utf-8")):
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not heading or heading in _headings(target), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_of_the_tree_exist(page: Path) -> None:
    """Those that begin with one of its folders."""
    named = re.findall(r"`((?:src|tests|docs|deploy|bench|tools)/[\w./-]+)", page.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def _headings(page: Path) -> set[str]:
    """As links name them: in lower case, with hyphens for blanks and without marks."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


def test_every_page_is_in_the_index_once() -> None:
    links = re.findall(r"\]\(([^)#]+\.md)\)", (DOCS / "README.md").read_text("utf-8"))
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    wanted = {page for page in pages if not page.startswith("decisions/2")} - {"README.md"}
    assert sorted(link for link in links if not link.startswith("../")) == sorted(wanted)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_of_commands_exist(page: Path) -> None:
    """In blocks and in sentences: what follows ``assay COMMAND`` up to the end of the line or of the code."""
    written = re.findall(r"(?<![\w/.-])(?<!-n )assay ([a-z]+)( [a-z]+)?([^\n`|]*)", page.read_text("utf-8"))
    for command, sub, rest in written:
        named = set(re.findall(r"(?<!\S)(--[a-z-]+)(?=[\s=]|$)", rest))
        assert not named or named <= _options(command, sub.strip()), f"assay {command}{sub}{rest}"


def _options(command: str, sub: str) -> set[str]:
    groups = ("bench", "config", "release", "rollout")
    return options_of(command, sub) if command in groups else options_of(command)


DECISIONS = sorted((DOCS / "decisions").glob("20*.md"))


def test_every_decision_is_listed_under_its_title() -> None:
    listed = re.findall(
        r"^- (\S+): \[(.+)\]\((.+)\)$", (DOCS / "decisions" / "README.md").read_text("utf-8"), re.M
    )
    titles = [path.read_text("utf-8").partition("\n")[0].removeprefix("# ") for path in DECISIONS]
    assert listed == [
        (path.name[:10], title, path.name) for path, title in zip(DECISIONS, titles, strict=True)
    ]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_tells_context_and_consequences(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.splitlines()[2] == f"*{path.name[:10]}*"
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_every_route_is_documented() -> None:
    """What the application answers; a path's form without its final slash needs no line of its own."""
    page = "\n".join(path.read_text("utf-8") for path in (DOCS / "http").glob("*.md"))
    routes = {route.path for route in SmallApp().build().routes if isinstance(route, Route)}
    assert len(routes) > 8
    for route in routes:
        assert f"`{route}`" in page or f"`{route}/`" in page, f"{route} is not in docs/http/"


def test_every_defect_of_ores_is_kept_away_by_a_test_that_there_is() -> None:
    page = (DOCS / "explanation" / "legacy-defects.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\|(.*)\|$", page, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 14))
    for number, kept_by in rows:
        named = re.findall(r"`(tests/\S+)::(\w+)`", kept_by)
        assert named, number
        for path, name in named:
            assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), name
