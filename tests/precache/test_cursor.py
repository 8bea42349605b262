from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigurationError
from assay.precache.cursor import Cursor, held
from assay.precache.ledger import Mark

MARK = Mark('[{"offset": 7}]', (("enwiki", 12), ("frwiki", 3)))


def test_a_mark_is_kept(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path / "a.json", "events of x")
    assert cursor.load() == Mark()
    cursor.save(MARK)
    assert Cursor(tmp_path / "a.json", "events of x").load() == MARK
    cursor.save(Mark())
    assert cursor.load() == Mark()
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": 2, "stream": "events of x", "position": null, "done": []}',
        b'{"format": 1, "stream": "events of x", "position": 7, "done": []}',
        b'{"format": 1, "stream": "events of x", "position": null, "done": [["enwiki", "12"]]}',
        b'{"format": 1, "stream": "events of x", "position": null, "done": 3}',
    ],
)
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, text: bytes) -> None:
    """Beginning anew would leave out what happened since."""
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(ConfigurationError, match="cannot be read as the position of a stream"):
        Cursor(path, "events of x").load()
    assert path.read_bytes() == text


def test_the_position_of_another_stream_is_refused(tmp_path: Path) -> None:
    Cursor(tmp_path / "a.json", "events of x").save(MARK)
    with pytest.raises(
        ConfigurationError, match="is the position of events of x, and the stream is events of y"
    ):
        Cursor(tmp_path / "a.json", "events of y").load()


def test_a_crash_while_writing_leaves_the_mark_before(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path / "a.json", "events of x")
    cursor.save(MARK)
    (tmp_path / ".a.json.part").write_bytes(b'{"format": 1, "str')
    assert cursor.load() == MARK
    cursor.save(Mark("8"))
    assert cursor.load() == Mark("8")


def test_two_followers_cannot_share_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "positions"
    with held(folder):
        with pytest.raises(ConfigurationError, match="another follower keeps its positions in"), held(folder):
            pass
        assert folder.is_dir()
    with held(folder):
        pass
