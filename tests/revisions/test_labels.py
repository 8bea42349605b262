"""Identity reverts: the published labels of nine real histories, and the definition read naively."""

from __future__ import annotations

import lzma
from itertools import groupby
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.revisions.files.compressed import open_stream
from assay.revisions.files.export import read_export
from assay.revisions.labels import Edit, Label, identity_reverts
from assay.revisions.record import TextState, seconds
from shared_data import shared

WIKIS = (
    "akwiki",
    "biwiki",
    "chwiki",
    "crwiki",
    "electowiki",
    "jbowiki",
    "lmmswiki",
    "supertuxwiki",
)
COLUMNS = ("reverted", "reverted_48h", "self_reverted", "is_reverting", "reverted_by")


def published_rows(wiki: str) -> list[dict[str, str]]:
    path = shared(f"data/histories/{wiki}/labels.tsv.xz")
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        header, *lines = (line.rstrip("\n").split("\t") for line in file)
    return [dict(zip(header, line, strict=True)) for line in lines]


def columns(label: Label) -> dict[str, str]:
    return {name: str(getattr(label, name)) for name in COLUMNS}


@pytest.mark.parametrize("wiki", WIKIS)
def test_the_published_labels_come_out_exactly(wiki: str) -> None:
    for _, page in groupby(published_rows(wiki), key=itemgetter("page_title")):
        published = list(page)
        labels = identity_reverts(
            [
                Edit(int(row["rev_id"]), seconds(row["timestamp"]), row["user"], row["sha1"] or None)
                for row in published
            ]
        )
        for row, label in zip(published, labels, strict=True):
            assert columns(label) == {name: row[name] for name in COLUMNS}, row


def test_the_real_export_gives_the_published_labels_exactly() -> None:
    """The 1.05 GB export of "Anarchism", which has no SHA-1s and has lost 616 texts."""
    rows = {int(row["rev_id"]): row for row in published_rows("enwiki-anarchism")}
    path = shared("data/histories/enwiki-anarchism/dump.xml.lzma")
    edits = []
    with open_stream(path) as stream:
        for record in read_export(stream, path):
            row = rows[record.rev_id]
            assert (record.text_state is TextState.MISSING) == (row["text_missing"] == "True")
            sha1 = record.sha1 if isinstance(record.sha1, str) else None
            assert (sha1 or "", str(record.is_anonymous)) == (row["sha1"], row["anon"])
            assert record.text is None or str(len(record.text)) == row["bytes"]
            edits.append(Edit(record.rev_id, record.timestamp_s, record.user, sha1))
    assert len(edits) == len(rows) == 15_180
    for label in identity_reverts(edits):
        assert columns(label) == {name: rows[label.rev_id][name] for name in COLUMNS}


def label(edits: str, **options: float) -> list[Label]:
    """Edits as `text user` pairs, one minute apart: "1a 2b 1a"."""
    return identity_reverts(
        [
            Edit(i, i * 60, None if pair[1] == "?" else pair[1], None if pair[0] == "-" else pair[0])
            for i, pair in enumerate(edits.split(), 1)
        ],
        **options,  # type: ignore[arg-type]
    )


def test_an_edit_undone_by_another_user_is_reverted() -> None:
    _, undone, reverting = label("1a 2b 1a")
    assert undone == Label(2, reverted=True, reverted_48h=True, reverted_by=3)
    assert reverting == Label(3, is_reverting=True, reverts_other=True)


def test_undoing_oneself_is_told_apart() -> None:
    _, undone, reverting = label("1a 2b 1b")
    assert undone == Label(2, self_reverted=True)
    assert reverting == Label(3, is_reverting=True)


def test_the_first_other_user_is_the_one_who_reverted() -> None:
    assert label("1a 2b 1b 2c 1d")[1] == Label(2, self_reverted=True)
    assert label("1a 2b 3c 1b 2c")[2].reverted_by == 4


def test_a_save_without_a_change_reverts_nothing() -> None:
    assert not any(it.is_reverting or it.reverted for it in label("1a 1b 1c"))


def test_edits_without_a_text_are_left_out_of_the_counting() -> None:
    assert label("1a 2b -c 1a")[1:3] == [Label(2, True, True, reverted_by=4), Label(3)]
    assert [it.is_reverting for it in label("1a 2b -c 3b 1a", radius=2)] == [False] * 4 + [True]


def test_hidden_users_are_never_taken_for_the_same() -> None:
    assert label("1a 2? 1?")[1].reverted


def test_radius_and_window_are_options() -> None:
    assert not label("1a 2b 3b 1a", radius=1)[1].reverted
    assert label("1a 2b 3b 1a", radius=2)[1].reverted
    late = label("1a 2b 1a", window_s=59)[1]
    assert (late.reverted, late.reverted_48h) == (True, False)
    assert label("1a 2b 1a", window_s=60)[1].reverted_48h


@pytest.mark.parametrize("options", [{"radius": 0}, {"window_s": -1}])
def test_senseless_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="radius must be at least 1"):
        label("1a", **options)


EDITS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([None, "1", "2", "3"]), st.integers(0, 3)), max_size=30
)


@given(EDITS, st.integers(1, 5))
def test_the_definition_read_naively_gives_the_same(
    rows: list[tuple[str, str | None, int]], radius: int
) -> None:
    moment, edits = 0, []
    for number, (user, sha1, gap) in enumerate(rows, 1):
        moment += gap * 86400
        edits.append(Edit(number, moment, user, sha1))
    assert identity_reverts(edits, radius=radius) == naive(edits, radius)


def naive(edits: list[Edit], radius: int) -> list[Label]:
    """Every pair looked at."""
    kept = [edit for edit in edits if edit.sha1 is not None]
    reach = {}
    for i, edit in enumerate(kept):
        twins = [j for j in range(i) if kept[j].sha1 == edit.sha1]
        if twins and 2 <= i - twins[-1] <= radius + 1:
            reach[edit.rev_id] = kept[twins[-1] + 1 : i]
    by_id = {edit.rev_id: edit for edit in edits}
    labels = []
    for edit in edits:
        undoing = [by_id[rev_id] for rev_id, undone in reach.items() if edit in undone]
        others = [it for it in undoing if it.user != edit.user]
        labels.append(
            Label(
                edit.rev_id,
                reverted=bool(others),
                reverted_48h=any(it.timestamp_s - edit.timestamp_s <= 48 * 3600 for it in others),
                self_reverted=len(others) < len(undoing),
                is_reverting=edit.rev_id in reach,
                reverts_other=any(it.user != edit.user for it in reach.get(edit.rev_id, [])),
                reverted_by=min((it.rev_id for it in others), default=None),
            )
        )
    return labels
