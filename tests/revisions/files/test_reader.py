"""Which files are read how, by names that wikis and archives give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import SourceError
from assay.revisions.files.compressed import PACKINGS
from assay.revisions.files.export import read_export
from assay.revisions.files.history import read_history
from assay.revisions.files.reader import record_reader


@pytest.mark.parametrize("packing", ["", *PACKINGS])
@pytest.mark.parametrize(
    "name",
    [
        "dump.xml",
        "aawiki-20260101-pages-meta-history.xml",
        "enwiki-20260101-pages-articles1.xml-p1p41242",
        "wiki.jsonl.xml",
    ],
)
def test_exports(name: str, packing: str) -> None:
    assert record_reader(Path(f"{name}{packing}")) is read_export


@pytest.mark.parametrize("packing", ["", *PACKINGS])
def test_histories(packing: str) -> None:
    assert record_reader(Path(f"revisions.xml.jsonl{packing}")) is read_history


@pytest.mark.parametrize(
    "name",
    [
        "dump.sql.gz",
        "dump.xml.zip",
        "dump.xml.index.sqlite",
        "dump.xml-p1",
        "dump.xml-p1p41242.part",
        "dumpxml",
        "xml",
        "revisions.json",
        "folder.xml/notes.txt",
    ],
)
def test_what_is_neither_is_refused_with_all_that_there_is(name: str) -> None:
    with pytest.raises(SourceError) as refusal:
        record_reader(Path(name))
    assert str(refusal.value).startswith(f"{name} is neither")
    assert all(word in str(refusal.value) for word in (".xml", ".jsonl", *PACKINGS))
