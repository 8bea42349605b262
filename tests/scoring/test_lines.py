"""Files of scores as lines: what they hold, whose they are, and what is cut off; and lists of ids."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay import durable
from assay.errors import BadParameter, ConfigurationError
from assay.revisions.record import MAX_ID
from assay.scoring.lines import LinesFile, LinesStream, parse_id, read_ids


def row(rev_id: int) -> dict[str, Any]:
    return {"wiki": "w", "rev_id": rev_id, "scores": {}}


def test_a_stream_counts_what_it_was_given_and_keeps_nothing_back() -> None:
    out = BytesIO()
    lines = LinesStream(out)
    assert (lines.count, lines.last) == (0, None)
    lines.append([row(1), row(2)])
    lines.append([])
    lines.append([row(3)])
    assert (lines.count, lines.last) == (3, None)
    assert [orjson.loads(line) for line in out.getvalue().splitlines()] == [row(1), row(2), row(3)]


def test_a_file_knows_how_many_lines_it_has_and_the_last(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with LinesFile(path) as lines:
        assert (lines.count, lines.last) == (0, None)
        lines.append([row(1), row(2)])
        lines.append([row(3)])
        assert lines.count == 3
        assert path.read_bytes().count(b"\n") == 3, "handed over before it is closed"
    with LinesFile(path) as again:
        assert (again.count, again.last) == (3, row(3))
        assert os.fstat(again.fileno()).st_ino == path.stat().st_ino
        again.append([row(4)])
    assert [orjson.loads(line)["rev_id"] for line in path.read_bytes().splitlines()] == [1, 2, 3, 4]


@pytest.mark.parametrize("size", range(1, len(orjson.dumps(row(2)))))
def test_wherever_a_line_was_torn_it_is_cut_off(tmp_path: Path, size: int) -> None:
    path = tmp_path / "out"
    whole = orjson.dumps(row(1)) + b"\n"
    path.write_bytes(whole + orjson.dumps(row(2))[:size])
    with LinesFile(path) as lines:
        assert (lines.count, lines.last) == (1, row(1))
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "text",
    [
        "Dear Sir,\n",
        "Dear Sir",
        '{"wiki":"x","scores":{}}\nDear Sir',
        '["wiki"',
        '{"wikis":',
        '{"wiki":"x"}\n',
        '{"wiki":"x","scores":[]}\n',
        '{"wiki":"x","scores":{}}\n\n',
        "[]\n",
        "\n",
    ],
)
def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "letter.txt"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="something other than scores"):
        LinesFile(path)
    assert path.read_text() == text
    path.write_bytes(b"")
    LinesFile(path).close()  # whoever was refused holds it no longer


def test_two_processes_cannot_write_one_file(tmp_path: Path) -> None:
    with LinesFile(tmp_path / "out"), pytest.raises(ConfigurationError, match="another process"):
        LinesFile(tmp_path / "out")
    LinesFile(tmp_path / "out").close()


def test_what_could_not_be_gone_on_with_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(ConfigurationError, match=r"is no plain file.*leave --output out"):
            LinesFile(path)
    with pytest.raises(ConfigurationError, match="cannot be written: Is a directory"):
        LinesFile(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be written: No such file or directory"):
        LinesFile(tmp_path / "none" / "out")


def test_a_strangers_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LinesFile(tmp_path / "out").close()
    monkeypatch.setattr(durable, "_is_strangers", lambda *_: True)
    with pytest.raises(ConfigurationError, match="out cannot be written: a file of another user"):
        LinesFile(tmp_path / "out")


def test_ids_are_read_with_comments_and_blank_lines() -> None:
    assert list(read_ids(["1", "", "  22 # a good one", "#3", "4\n"], "ids")) == [1, 22, 4]


def test_a_mark_that_windows_puts_before_a_file_is_no_part_of_an_id() -> None:
    assert list(read_ids(["\ufeff1\r\n", "2\r\n"], "ids")) == [1, 2]
    assert list(read_ids(["\ufeff", "2"], "ids")) == [2]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "12a", "٣", "9" * 19, "1 2", "NaN", "+1", "1_0"])
def test_what_is_no_id_is_named_with_its_line(text: str) -> None:
    with pytest.raises(BadParameter, match=r"^ids, line 2: "):
        list(read_ids(["1", text], "ids"))


def test_a_giant_of_digits_is_refused_in_a_short_sentence() -> None:
    with pytest.raises(BadParameter) as refused:
        parse_id("9" * 100_000)
    assert len(str(refused.value)) < 200


@given(st.integers(1, 2 * MAX_ID))
def test_every_number_up_to_the_greatest_is_an_id(rev_id: int) -> None:
    if rev_id <= MAX_ID:
        assert parse_id(str(rev_id)) == rev_id
    else:
        with pytest.raises(BadParameter, match=f"from 1 to {MAX_ID}"):
            parse_id(str(rev_id))


@given(st.text())
def test_an_id_is_positive_or_refused(text: str) -> None:
    try:
        rev_id = parse_id(text)
    except BadParameter:
        return
    assert rev_id > 0
    assert int(text) == rev_id
