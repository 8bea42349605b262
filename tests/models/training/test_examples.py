from __future__ import annotations

import lzma
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from assay.errors import ConfigurationError
from assay.features.edit.actor import ANONYMOUS, EXPERIENCED, NEWCOMER
from assay.models.training.examples import (
    ArticleExamples,
    Example,
    HistoryExamples,
    RecordedExamples,
    Unusable,
)
from assay.revisions.open import open_indexed


def history(path: Path) -> Path:
    """One page: made, spoiled by an address, restored by a bot; and another by an old hand."""
    rows = [
        ("A", 1, None, "Maker", "first text"),
        ("A", 2, 1, "192.0.2.7", "first text HAHA"),
        ("A", 3, 2, "CleanBot", "first text"),
        ("B", 4, None, "Maker", "other text"),
    ]
    lines = [
        orjson.dumps(
            {
                "wiki": "testwiki",
                "page_title": page,
                "rev_id": rev_id,
                "parent_id": parent,
                "timestamp": f"2020-01-01T00:0{rev_id}:00Z",
                "user": user,
                "anon": user[0].isdigit(),
                "comment": "",
                "text": text,
            }
        )
        for page, rev_id, parent, user, text in rows
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_a_history_gives_labels_groups_and_places(tmp_path: Path) -> None:
    source = open_indexed(history(tmp_path / "h.jsonl"), cache_dir=tmp_path)
    examples = HistoryExamples("testwiki", source)
    found = list(examples.since(0))
    assert examples.total == len(found) == 4
    assert all(isinstance(example, Example) for example in found)
    columns = {example.columns["rev_id"]: example.columns for example in found}  # type: ignore[union-attr]
    assert [columns[i]["label"] for i in (1, 2, 3, 4)] == [0, 1, 0, 0]
    assert [columns[i]["is_reverting"] for i in (1, 2, 3, 4)] == [False, False, True, False]
    assert columns[2]["group"] == ANONYMOUS
    assert columns[4]["group"] == NEWCOMER
    assert columns[3]["is_bot"]
    assert not columns[1]["is_bot"]
    assert columns[2]["page"] == "A"
    assert columns[2]["timestamp"] == datetime(2020, 1, 1, 0, 2, tzinfo=UTC).timestamp()
    later = list(examples.since(2))
    assert [example.columns for example in later] == [example.columns for example in found[2:]]  # type: ignore[union-attr]
    source.close()


def test_revisions_that_the_source_does_not_find_keep_their_place(tmp_path: Path) -> None:
    source = open_indexed(history(tmp_path / "h.jsonl"), cache_dir=tmp_path)
    labels = list(source.labels())
    broken = [labels[0], replace(labels[1], rev_id=99), labels[2], replace(labels[3], rev_id=98)]
    found = list(HistoryExamples("testwiki", source, broken).since(0))
    assert [isinstance(example, Unusable) for example in found] == [False, True, False, True]
    source.close()


def test_articles_give_classes_by_index_and_bad_lines_keep_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.xz"
    lines = [b'{"n": 7, "label": "fa", "text": "x"}', b"rubbish", b'{"n": 8, "label": "none", "text": "y"}']
    lines.append(b'{"n": 9, "label": "Stub", "text": "z"}')
    path.write_bytes(lzma.compress(b"\n".join(lines)))
    examples = ArticleExamples("enwiki", path, ["FA", "Stub"])
    found = list(examples.since(0))
    assert examples.total == 4
    assert [type(example) for example in found] == [Example, Unusable, Unusable, Example]
    assert found[0].columns["label"] == 0  # type: ignore[union-attr]
    assert found[3].columns["label"] == 1  # type: ignore[union-attr]
    assert found[3].revision.text == "z"  # type: ignore[union-attr]
    assert list(examples.since(3)) == found[3:]
    assert examples.identity != ArticleExamples("enwiki", path, ["Stub", "FA"]).identity


def test_states_of_one_page_go_together(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    texts = ["'''Ada''' a", "The '''ada ''' b", "'''Bo'''", "no name", "none again"]
    path.write_text(
        "".join(f'{{"n": {n}, "label": "FA", "text": "{text}"}}\n' for n, text in enumerate(texts, 1))
    )
    found = ArticleExamples("enwiki", path, ["FA"]).since(0)
    pages = [item.columns["page"] for item in found if isinstance(item, Example)]
    assert pages == ["ada", "ada", "bo", "article 4", "article 5"]


def test_recorded_values_are_given_and_other_columns_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "rev_id,is_reverted,prob,feature.a,feature.b,user.type\n5,1,0.25,True,2.5,0\n6,0,0.5,False,,2\n"
    )
    examples = RecordedExamples(
        "enwiki", path, label="prob", renamed={"user.type": "feature.assay.user.type"}
    )
    first, second = examples.since(0)
    assert isinstance(first, Example)
    assert isinstance(second, Example)
    assert first.given == {
        "feature.a": True,
        "feature.b": 2.5,
        "feature.assay.user.type": 0.0,
        "feature.revision.user.is_anon": True,
    }
    assert second.given["feature.b"] is None
    assert (first.columns["label"], first.columns["is_reverted"], first.columns["not_reverted"]) == (
        0.25,
        1,
        0,
    )
    assert (first.columns["group"], second.columns["group"]) == (ANONYMOUS, EXPERIENCED)
    assert examples.given == frozenset(first.given)
    with pytest.raises(ConfigurationError, match="no column 'x'"):
        RecordedExamples("enwiki", path, label="x")
