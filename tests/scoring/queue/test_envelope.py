"""Messages survive the journey, and damaged or foreign ones are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.scoring.codec import CodecError
from assay.scoring.frames import MAX_FRAME_BYTES
from assay.scoring.queue.envelope import (
    Envelope,
    Reply,
    compress,
    decode_envelope,
    decode_reply,
    decompress,
    encode_envelope,
    encode_reply,
    queue_name,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ENVELOPES = st.builds(
    Envelope,
    id=TEXT,
    release=TEXT,
    attempt=st.integers(1, 9),
    reply_to=TEXT,
    sent_s=st.floats(0, 1e10),
    deadline_s=st.floats(0, 1e10),
    wiki=TEXT,
    digests=st.dictionaries(TEXT, TEXT, max_size=3),
    request_id=TEXT,
    trace=TEXT,
    content=st.none() | st.binary(max_size=99),
)


@given(ENVELOPES)
def test_envelopes_come_back_as_they_were(envelope: Envelope) -> None:
    assert decode_envelope(encode_envelope(envelope)) == envelope


@given(TEXT, st.floats(0, 100), st.none() | st.binary())
def test_replies_come_back_as_they_were(detail: str, waited_s: float, content: bytes | None) -> None:
    reply = Reply("job", "release", 2, "computed", waited_s, detail, content)
    assert decode_reply(encode_reply(reply)) == reply


@given(st.binary(max_size=5000))
def test_contents_come_back_as_they_were(content: bytes) -> None:
    assert decompress(compress(content)) == content


def test_what_repeats_itself_gets_small() -> None:
    assert len(compress(b"a revision and its parent " * 1000)) < 300
    assert compress(b"short " * 10) == b"\x00" + b"short " * 10


@given(st.binary(max_size=60))
def test_rubbish_is_refused_and_never_crashes(data: bytes) -> None:
    for decode in (decode_envelope, decode_reply, decompress):
        try:
            decode(data)
        except CodecError:
            continue


@given(ENVELOPES, st.integers(0, 50))
def test_a_truncated_head_is_refused(envelope: Envelope, length: int) -> None:
    with pytest.raises(CodecError):
        decode_envelope(encode_envelope(envelope).split(b"\n")[0][:length])


@pytest.mark.parametrize(
    "data", [b"[2]\n", b"[]\n", b"{}\n", b"null\n", b"[1,1,2,3,false]\n", b"\x01rubbish", b"\x02"]
)
def test_foreign_messages_are_refused(data: bytes) -> None:
    for decode in (decode_envelope, decode_reply, decompress):
        with pytest.raises(CodecError):
            decode(data)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = compress(b"\x00" * (MAX_FRAME_BYTES + 1))
    assert len(bomb) < 100_000
    with pytest.raises(CodecError, match="at most"):
        decompress(bomb)


def test_releases_and_lanes_have_queues_of_their_own() -> None:
    names = {queue_name(release, lane) for release in ("a", "b") for lane in ("interactive", "bulk")}
    assert len(names) == 4
    assert queue_name("a", "interactive") == "assay.a"
