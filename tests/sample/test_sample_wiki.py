"""The sample wiki: built from its sources byte for byte, and as varied as a demonstration needs."""

from __future__ import annotations

from itertools import groupby, pairwise
from pathlib import Path
from types import ModuleType

import pytest

from assay.revisions.files.compressed import open_stream
from assay.revisions.files.export import read_export
from assay.revisions.labels import Edit, Label, identity_reverts
from assay.revisions.record import Record, TextState
from assay.revisions.types import UNKNOWN
from tool import tool

ROOT = Path(__file__).resolve().parents[2]
EXPORT = ROOT / "src" / "assay" / "sample" / "samplewiki.xml"


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    return tool("build_sample_wiki")


@pytest.fixture(scope="module")
def records() -> list[Record]:
    with open_stream(EXPORT) as stream:
        return list(read_export(stream, EXPORT))


@pytest.fixture(scope="module")
def labels(records: list[Record]) -> dict[int, Label]:
    found: dict[int, Label] = {}
    for _, page in groupby(records, key=lambda r: r.title):
        edits = [
            Edit(r.rev_id, r.timestamp_s, r.user, None if r.sha1 is UNKNOWN else str(r.sha1)) for r in page
        ]
        found |= {label.rev_id: label for label in identity_reverts(edits)}
    return found


def test_the_committed_export_is_what_the_sources_build(builder: ModuleType) -> None:
    assert EXPORT.read_bytes() == builder.build(), "run python tools/build_sample_wiki.py and commit the file"


def test_it_is_small_enough_to_ship() -> None:
    assert EXPORT.stat().st_size < 1_000_000


def test_it_is_as_large_and_varied_as_promised(records: list[Record]) -> None:
    names = {r.user for r in records if r.user and not r.is_anonymous}
    addresses = {r.user for r in records if r.user and r.is_anonymous}

    assert len({r.title for r in records}) >= 15
    assert len(records) >= 200
    assert len(names) >= 40
    assert len([a for a in addresses if ":" in a]) >= 5
    assert len([a for a in addresses if "." in a]) >= 20
    assert {r.namespace for r in records} == {0, 1, 2, 3, 4, 8, 10, 14}
    assert {r.content_model for r in records} == {"wikitext", "css", "json"}
    assert sum(r.user is not None and r.user.endswith("Bot") for r in records) >= 15


def test_one_text_and_one_user_are_hidden(records: list[Record]) -> None:
    assert [r.title for r in records if r.text_state is TextState.HIDDEN] == ["Ilse Brandner"]
    assert [r.title for r in records if r.user is None] == ["Ilse Brandner"]
    assert sum(r.text == b"" for r in records) >= 2


def test_addresses_are_from_the_ranges_kept_for_documentation(records: list[Record]) -> None:
    """RFC 5737 and RFC 3849: nobody's real address is shown as a vandal's."""
    ranges = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")
    strangers = {
        r.user for r in records if r.is_anonymous and r.user is not None and not r.user.startswith(ranges)
    }
    assert strangers == set()


def test_ids_follow_time_and_parents_are_the_revision_before(records: list[Record]) -> None:
    by_time = sorted(records, key=lambda r: r.timestamp_s)
    assert [r.rev_id for r in by_time] == sorted(r.rev_id for r in records)
    for _, page in groupby(records, key=lambda r: r.title):
        revisions = list(page)
        assert revisions[0].parent_id is None
        assert [r.parent_id for r in revisions[1:]] == [r.rev_id for r in revisions[:-1]]


def test_declared_digests_are_those_of_the_texts(builder: ModuleType, records: list[Record]) -> None:
    for record in records:
        if record.text is not None:
            assert record.sha1 == builder.sha1_base36(record.text.decode())
            assert record.size_bytes == len(record.text)


def test_vandalism_is_reverted_and_reverts_are_found(records: list[Record], labels: dict[int, Label]) -> None:
    reverted = [label for label in labels.values() if label.reverted]
    assert len(reverted) >= 60
    assert sum(label.is_reverting for label in labels.values()) >= 60
    assert {r.title for r in records if labels[r.rev_id].reverted} >= {"Kite", "Озеро Тальное", "青浦町"}


def test_an_article_grows_from_a_stub(records: list[Record]) -> None:
    river = [r for r in records if r.title == "River Aldern" and r.text]
    assert len(river[0].text or b"") < 100
    last = (river[-1].text or b"").decode()
    assert len(last) > 8000
    assert last.count("<ref") >= 15


def test_every_revision_changes_its_page(records: list[Record]) -> None:
    for _, page in groupby(records, key=lambda r: r.title):
        texts = [r.text for r in page]
        assert all(before != after for before, after in pairwise(texts))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("%sub absent => x", "does not occur"),
        ("%after absent\nx", "no line contains"),
        ("%cut absent", "no heading contains"),
        ("%restore 9", "out of range"),
        ("%dance", "unknown operation"),
    ],
)
def test_a_mistake_in_a_source_names_the_revision(builder: ModuleType, script: str, reason: str) -> None:
    source = f"title: T\nns: 0\n\n>>> 2025-01-01 00:00 | A | c\n%text\nx\n>>> +1h | B | d\n{script}\n"
    with pytest.raises(builder.SourceMistake, match=rf"t\.txt, revision 2 .*{reason}"):
        builder.read_page(source, "t.txt")


def test_times_must_go_forward(builder: ModuleType) -> None:
    source = (
        "title: T\nns: 0\n\n>>> 2025-01-02 00:00 | A | c\n%text\nx\n>>> 2025-01-01 00:00 | B | d\n%blank\n"
    )
    with pytest.raises(builder.SourceMistake, match="not later"):
        builder.read_page(source, "t.txt")
