"""``assay label`` gives the published labels of a real wiki, column for column."""

from __future__ import annotations

import csv
import json
import lzma
import os
import resource
from pathlib import Path

from cli.running import assay
from shared_data import shared

COMPARED = ("rev_id", "reverted", "reverted_48h", "self_reverted", "is_reverting", "reverted_by")


def test_a_wikis_labels_are_the_published_ones(tmp_path: Path) -> None:
    folder = shared("data/histories/crwiki")
    done = assay(tmp_path, "label", str(folder / "revisions.jsonl.xz"), "--output", "labels.tsv")
    assert done.returncode == 0, done.stderr
    with (
        (tmp_path / "labels.tsv").open(encoding="utf-8") as ours,
        lzma.open(folder / "labels.tsv.xz", "rt", encoding="utf-8") as theirs,
    ):
        told = {row["rev_id"]: row for row in csv.DictReader(ours, delimiter="\t", quoting=csv.QUOTE_NONE)}
        expected = list(csv.DictReader(theirs, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(told) == len(expected) > 6000
    for row in expected:
        assert {name: told[row["rev_id"]][name] for name in COMPARED} == {
            name: row[name] for name in COMPARED
        }


def test_a_smaller_radius_finds_fewer_reverts(tmp_path: Path) -> None:
    source = str(shared("data/histories/crwiki/revisions.jsonl.xz"))
    counts = [
        assay(tmp_path, "label", source, "--radius", radius).stdout.count("\tTrue\t")
        for radius in ("1", "15")
    ]
    assert 0 < counts[0] < counts[1]


def test_a_row_is_one_line_whatever_names_hold(tmp_path: Path) -> None:
    line = {
        "rev_id": 1,
        "page_title": "A\tB\nC",
        "timestamp": "2020-01-01T00:00:00Z",
        "user": "a\rb",
        "comment": "",
        "text": "",
    }
    (tmp_path / "odd.jsonl").write_text(json.dumps(line))
    _, row = assay(tmp_path, "label", "odd.jsonl").stdout.splitlines()
    assert row.split("\t")[:4] == ["1", "A B C", "2020-01-01T00:00:00Z", "a b"]


def test_what_is_no_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Sir")
    done = assay(tmp_path, "label", "letter.txt")
    assert done.returncode == 1
    assert "neither a MediaWiki export" in done.stderr
    assert not done.stdout


def test_limits_of_a_live_wiki_are_not_passed_over_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").touch()
    done = assay(tmp_path, "label", "one.jsonl", "--since", "2024-01-31", "--max-revisions", "9")
    assert done.returncode == 1
    assert not done.stdout
    assert "--since and --max-revisions can be given for a live wiki only" in done.stderr


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    done = assay(tmp_path, "label", "absent.jsonl", "--output", "no/labels.tsv")
    assert done.returncode == 1
    assert done.stderr.strip() == "assay: there is no folder no to write labels.tsv into: make it first"
    os.mkfifo(tmp_path / "pipe")
    done = assay(tmp_path, "label", "absent.jsonl", "--output", "pipe")
    assert done.returncode == 1
    assert "pipe is no plain file, and another would take its place" in done.stderr
    assert (tmp_path / "pipe").is_fifo()


def test_labels_are_written_where_a_link_leads(tmp_path: Path) -> None:
    line = {"rev_id": 1, "page_title": "A", "timestamp": "2020-01-01T00:00:00Z", "user": "a", "text": ""}
    (tmp_path / "one.jsonl").write_text(json.dumps(line | {"comment": ""}))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere/labels.tsv")
    assert assay(tmp_path, "label", "one.jsonl", "--output", "link").returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["labels.tsv"]


def test_a_disk_that_takes_no_more_is_told_in_a_sentence(tmp_path: Path) -> None:
    """As a limit on the size of files is, which the command inherits; the index is there before."""
    line = {
        "page_title": "A" * 200,
        "timestamp": "2020-01-01T00:00:00Z",
        "user": "a",
        "comment": "",
        "text": "",
    }
    (tmp_path / "some.jsonl").write_text("\n".join(json.dumps({"rev_id": i, **line}) for i in range(1, 1001)))
    assert len(assay(tmp_path, "label", "some.jsonl").stdout) > 200_000
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        done = assay(tmp_path, "label", "some.jsonl", "--output", "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.returncode == 1
    assert done.stderr == "assay: full: File too large: mend it and run again\n"
    assert not (tmp_path / "full").exists()
