"""The export reader: what it refuses, and what old and odd exports hold."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import SourceError
from assay.revisions.digest import EMPTY, sha1_base36
from assay.revisions.files.compressed import open_stream
from assay.revisions.files.export import read_export
from assay.revisions.record import Record, TextState
from assay.revisions.types import UNKNOWN
from revisions import small_wiki
from shared_data import shared

PATH = Path("x.xml")


class Plain(BytesIO):
    """Bytes as a stream; `piece_bytes` at a time."""

    piece_bytes = 2**18

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.piece_bytes)

    def packed_position(self) -> int:
        return self.tell()


def read(data: bytes, **options: int) -> list[Record]:
    return list(read_export(Plain(data), PATH, **options))


def revision(inner: str, *, version: str = "0.10", before: str = "", after: str = "") -> bytes:
    return (
        f'<mediawiki version="{version}"><siteinfo><namespaces><namespace key="0" /><namespace key="10">'
        f"Template</namespace></namespaces></siteinfo>{before}<page><title>T</title><ns>0</ns><id>3</id><revision><id>7</id>"
        f"<timestamp>2020-01-01T00:00:00Z</timestamp>{inner}</revision>{after}</page></mediawiki>"
    ).encode()


def test_a_real_export_is_read_to_its_end() -> None:
    path = shared("data/dumps/aawiki-20260101-pages-meta-history.xml.7z")
    with open_stream(path) as stream:
        records = list(read_export(stream, path))
    assert len(records) == 1307
    assert len({record.rev_id for record in records}) == 1307
    assert {record.content_model for record in records} == {"wikitext", "javascript", "json"}
    for record in records:
        assert record.text is not None
        assert record.size_bytes == len(record.text)
        assert record.sha1 == sha1_base36(record.text)


@pytest.mark.parametrize("piece_bytes", [1, 7, 1000])
def test_it_does_not_matter_where_the_stream_is_cut(
    piece_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small_wiki.export("0.11")
    whole = read(data)
    monkeypatch.setattr(Plain, "piece_bytes", piece_bytes)
    assert read(data) == whole


def test_records_come_before_the_end_is_read() -> None:
    stream = Plain(small_wiki.export("0.11"))
    stream.piece_bytes = 3000
    next(read_export(stream, PATH))
    assert stream.tell() <= 6000


DOCTYPE = b'<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no element found.*byte 0"),
        (b"hello", "broken"),
        (b"<html></html>", "no MediaWiki export .its root element is <html>"),
        (b'<mediawiki version="0.12"></mediawiki>', "schema version '0.12'; 0.3 to 0.11"),
        (b"<mediawiki></mediawiki>", "schema version ''"),
        (DOCTYPE + revision("<text>&b;</text>"), "document type definition"),
        (revision("<text>a</text>")[:-20], "byte .* page 'T', at or after revision 7"),
        (revision("<text>a\x01b</text>"), "invalid token.* page 'T'"),
        (revision("<text>&unknown;</text>"), "undefined entity"),
        (revision("<text>" + "<b>" * 20 + "</b>" * 20 + "</text>"), "nests more than"),
        (revision("<text>\ud800</text>".encode("utf-8", "surrogatepass").decode("latin-1")), None),
        (revision("<id>x</id>"), "revision id 'x', which is no number"),
        (revision("<id>0</id>"), "revision id 0, which is not positive"),
        (revision("<id>99999999999999999999</id>"), "too large"),
        (revision(f"<id>{'9' * 5000}</id>"), "revision id '999999.*no number"),
        (revision("<timestamp>yesterday</timestamp>"), "timestamp 'yesterday'"),
        (revision("<timestamp>0001-01-01T00:00:00+23:59</timestamp>"), "timestamp '0001-.*no time"),
        (revision("<timestamp>9999-12-31T23:59:59-23:59</timestamp>"), "timestamp '9999-.*no time"),
        (revision(f"<comment>{'c' * (2**20 + 1)}</comment>"), "<comment> of more than"),
    ],
)  # fmt: skip
def test_what_is_broken_is_refused_with_the_place(data: bytes, reason: str | None) -> None:
    if reason is None:
        assert read(data)
        return
    with pytest.raises(SourceError, match=reason) as refusal:
        read(data)
    assert "fetch or export it again" in str(refusal.value)


def test_what_comes_before_the_break_is_given() -> None:
    data = small_wiki.export("0.11")
    cut = data[: data.index(b"<id>14</id>")]
    records: list[Record] = []
    with pytest.raises(SourceError, match="page 'Apple', at or after revision 13"):
        records.extend(read_export(Plain(cut), PATH))
    assert [record.rev_id for record in records] == [10, 11, 12, 13]


@pytest.mark.parametrize(
    ("elements", "state"),
    [
        ("<text>words</text>", TextState.PRESENT),
        ("<text />", TextState.PRESENT),
        ('<text bytes="0" />', TextState.PRESENT),
        (f'<text bytes="0" sha1="{EMPTY}" />', TextState.PRESENT),
        (f"<text /><sha1>{EMPTY}</sha1>", TextState.PRESENT),
        ('<text bytes="120" />', TextState.MISSING),
        ("<text /><sha1>dj26whmq8dyg634wyxyf8h53fys6sy0</sha1>", TextState.MISSING),
        ('<text deleted="deleted" bytes="9" />', TextState.HIDDEN),
        ("", TextState.MISSING),
    ],
)  # fmt: skip
def test_an_empty_text_is_told_from_a_lost_or_hidden_one(elements: str, state: TextState) -> None:
    (record,) = read(revision(elements))
    assert record.text_state is state
    assert (record.text is not None) == (state is TextState.PRESENT)


def test_in_old_exports_empty_texts_in_a_row_are_lost_and_a_single_one_is_a_blanking() -> None:
    texts = ["a", "", "b", "", "", "", "c", ""]
    inner = "".join(
        f"<revision><id>{i}</id><timestamp>2005-01-01T00:00:00Z</timestamp><contributor><ip>1.1.1.1</ip></contributor>"
        f'<text xml:space="preserve">{text}</text></revision>'
        for i, text in enumerate(texts, 1)
    )
    data = f'<mediawiki version="0.4"><page><title>P</title><id>1</id>{inner}</page></mediawiki>'.encode()
    records = read(data)
    assert [record.rev_id for record in records] == list(range(1, 9))
    assert [record.rev_id for record in records if record.text_state is TextState.MISSING] == [4, 5, 6]
    assert records[3].sha1 is UNKNOWN
    assert records[1].sha1 == EMPTY


def test_a_text_beyond_the_limit_is_measured_but_not_kept() -> None:
    text = "ü&amp;" * 400_000
    (record,) = read(revision(f"<text>{text}</text>"), max_text_bytes=100_000)
    plain = text.replace("&amp;", "&").encode()
    assert record.text_state is TextState.TOO_LARGE
    assert record.text is None
    assert (record.size_bytes, record.sha1) == (len(plain), sha1_base36(plain))


def test_the_limit_counts_bytes() -> None:
    assert read(revision("<text>üü</text>"), max_text_bytes=4)[0].text == "üü".encode()
    assert read(revision("<text>üü</text>"), max_text_bytes=3)[0].text_state is TextState.TOO_LARGE


@pytest.mark.parametrize(
    ("contributor", "user", "is_anonymous", "user_id"),
    [
        ("<contributor><ip>192.0.2.1</ip></contributor>", "192.0.2.1", True, None),
        ("<contributor><ip>Conversion script</ip></contributor>", "Conversion script", True, None),
        ("<contributor><username>A</username><id>4</id></contributor>", "A", False, 4),
        ("<contributor><username>en>A</username><id>0</id></contributor>", "en>A", False, UNKNOWN),
        ("<contributor><username>192.0.2.1</username><id>0</id></contributor>", "192.0.2.1", True, None),
        ('<contributor deleted="deleted" />', None, False, UNKNOWN),
        ("", None, False, UNKNOWN),
    ],
)
def test_authors(contributor: str, user: str | None, is_anonymous: bool, user_id: object) -> None:
    (record,) = read(revision(contributor + "<text>t</text>"))
    assert (record.user, record.is_anonymous) == (user, is_anonymous)
    assert record.user_id is UNKNOWN if user_id is UNKNOWN else record.user_id == user_id


def test_log_items_are_passed_over() -> None:
    item = (
        "<logitem><id>1</id><timestamp>2020-01-01T00:00:00Z</timestamp><contributor><username>L</username><id>8</id>"
        "</contributor><comment>log</comment><type>move</type><action>move</action></logitem>"
    )
    (record,) = read(revision("<text>t</text>", before=item))
    assert (record.rev_id, record.user, record.comment) == (7, None, "")


def test_old_exports_tell_the_namespace_by_the_titles_prefix() -> None:
    data = revision("<text>t</text>", version="0.5").replace(b"<ns>0</ns>", b"")
    for title, namespace in (("Template:X", 10), ("Film: The Film", 0), ("X", 0)):
        (record,) = read(data.replace(b"<title>T<", f"<title>{title}<".encode()))
        assert (record.title, record.namespace) == (title, namespace)


def test_the_main_slot_is_read_wherever_it_stands() -> None:
    slot = "<content><role>{0}</role><model>wikitext</model><text>{0} text</text></content>"
    (record,) = read(revision(slot.format("other") + slot.format("main"), version="0.11"))
    assert record.text == b"main text"
    (record,) = read(revision("<text>main text</text>" + slot.format("other"), version="0.11"))
    assert record.text == b"main text"


EXPORT = small_wiki.export("0.11")
BREAKS = (
    b"<page>",
    b"</page>",
    b"<revision>",
    b"</revision>",
    b"<text>",
    b"<id>5</id>",
    b"<contributor>",
    b"&#0;",
)


@given(st.integers(0, len(EXPORT)), st.integers(0, 40), st.binary(max_size=20) | st.sampled_from(BREAKS))
def test_whatever_is_broken_is_read_or_refused(at: int, gone: int, put: bytes) -> None:
    records: list[Record] = []
    with suppress(SourceError):
        records.extend(read_export(Plain(EXPORT[:at] + put + EXPORT[at + gone :]), PATH))
    assert all(record.rev_id > 0 for record in records)
