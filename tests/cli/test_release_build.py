"""``assay release build`` and ``golden``: what is refused, and golden scores of this very code.

A release from a source tree to an answer is in `test_release`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.releases.golden import read
from cli.running import Ran, assay_each
from precache.edits import WIKI, history

BUILD = ("release", "build", "--name", "a", "--root", "root")
GOLDEN = ("release", "golden", "--output")
WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "a revision without its wiki": (
        (*GOLDEN, "x", "--revision", ":7"),
        "':7' is no revision: write WIKI:REV",
    ),
    "a revision that is no number": (
        (*GOLDEN, "x", "--revision", "enwiki:-7"),
        "is no revision: write WIKI:REV",
    ),
    "a wiki that there is not": ((*GOLDEN, "x", "--revision", "nowiki:7"), "there is no wiki nowiki in the"),
    "no place to write": ((*GOLDEN, "none/x"), "there is no folder none to write x into: make it first"),
    "a place that is no file": ((*GOLDEN, "pipe"), "pipe is no plain file, and another would take its place"),
    "revisions said in two ways": (
        (*GOLDEN, "x", "--input", "none.jsonl", "--revision", "enwiki:7"),
        "--input names its revisions itself: leave --revision out",
    ),
    "revisions of a release said in two ways": (
        (*BUILD, "--golden-file", "none.jsonl", "--golden-revision", "enwiki:7"),
        "--golden-file names its revisions itself: leave --golden-revision out",
    ),
    "golden scores that are not there": ((*GOLDEN, "x", "--input", "none.jsonl"), "none.jsonl"),
    "a declaration that is not there": (
        (*BUILD, "--expected-drift", "none.toml"),
        "none.toml cannot be read: ",
    ),
    "a declaration that is no TOML": ((*BUILD, "--expected-drift", "bad.toml"), "bad.toml cannot be read: "),
    "a declaration of nothing": (
        (*BUILD, "--expected-drift", "odd.toml"),
        "expected drift is declared wrongly: ",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden")
    os.mkfifo(folder / "pipe")
    (folder / "bad.toml").write_text("[[expected_drift]\n")
    (folder / "small.toml").write_text(
        f'[wikis.{WIKI}]\nsource = "{history(folder, 12)}"\nbundles = "ruwiki"\n'
    )
    (folder / "odd.toml").write_text("[[expected_drift]]\nscores = 3\n")
    return folder


@pytest.fixture(scope="module")
def ran(folder: Path) -> dict[str, Ran]:
    """All in one process: also that which succeeds."""
    some = ("--config", "small.toml", "--revision", "testwiki:7", "--revision", "testwiki:3", "--count", "1")
    commands = {
        **{name: arguments for name, (arguments, _) in WRONG.items()},
        "some": (*GOLDEN, "some.jsonl", *some),
        "same": (*GOLDEN, "same.jsonl", "--config", "small.toml", "--input", "some.jsonl"),
    }
    return dict(zip(commands, assay_each(folder, list(commands.values())), strict=True))


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_in_a_sentence(ran: dict[str, Ran], folder: Path, name: str) -> None:
    assert WRONG[name][1] in ran[name].stderr
    assert ran[name].stderr.startswith("assay: ")
    assert "Traceback" not in ran[name].stderr
    assert (ran[name].returncode, ran[name].stdout) == (1, "")
    assert not (folder / "x").exists()
    assert not (folder / "root").exists()


def test_golden_scores_are_of_recent_revisions_and_of_those_that_are_named(
    ran: dict[str, Ran], folder: Path
) -> None:
    assert ran["some"].returncode == 0, ran["some"].stderr
    found = {(line.wiki, line.rev_id) for line in read(folder / "some.jsonl")}
    assert {rev_id for wiki, rev_id in found if wiki == "testwiki"} == {3, 7}
    assert [wiki for wiki, _ in found].count(WIKI) == 1


def test_the_same_revisions_have_the_same_scores_without_a_wiki(ran: dict[str, Ran], folder: Path) -> None:
    assert ran["same"].returncode == 0, ran["same"].stderr
    assert (folder / "same.jsonl").read_bytes() == (folder / "some.jsonl").read_bytes()
