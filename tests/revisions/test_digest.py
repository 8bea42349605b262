"""The form in which dumps write a SHA-1, against Python's own reading of numbers, and real dumps."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.revisions.digest import EMPTY, base36_of_hex, sha1_base36
from assay.revisions.files.compressed import open_stream
from assay.revisions.files.export import read_export
from shared_data import shared

SHA1_OF_APPLE = hashlib.sha1(b"apple").hexdigest()


@given(st.binary())
def test_it_is_the_same_number_in_31_small_digits(data: bytes) -> None:
    told = sha1_base36(data)
    assert int(told, 36) == int(hashlib.sha1(data).hexdigest(), 16)
    assert len(told) == 31
    assert told == told.lower()


@given(st.binary(min_size=20, max_size=20))
def test_what_the_api_says_is_what_dumps_say(sha1: bytes) -> None:
    """Also of small numbers, which need all the zeros before them."""
    told = base36_of_hex(sha1.hex())
    assert told is not None
    assert int(told, 36) == int.from_bytes(sha1)
    assert len(told) == 31
    assert base36_of_hex(sha1.hex().upper()) == told


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        SHA1_OF_APPLE[:-1],
        SHA1_OF_APPLE + "0",
        "g" + SHA1_OF_APPLE[1:],
        "-" + SHA1_OF_APPLE[1:],
        "+" + SHA1_OF_APPLE[1:],
        "0x" + SHA1_OF_APPLE[2:],
        " " + SHA1_OF_APPLE[1:],
        SHA1_OF_APPLE[:-1] + "\n",
        SHA1_OF_APPLE[0] + "_" + SHA1_OF_APPLE[2:],
        "٣" + SHA1_OF_APPLE[1:],
    ],
)
def test_what_is_no_sha1_is_none(rubbish: str) -> None:
    """A wiki may say anything: of a negative number the digits would never end."""
    assert base36_of_hex(rubbish) is None


def test_real_dumps_say_so() -> None:
    path = shared("data/dumps/aawiki-20260101-pages-meta-history.xml.7z")
    with open_stream(path) as stream:
        told = [(record.sha1, record.text) for record in read_export(stream, path) if record.text is not None]
    assert len(told) > 1000
    assert {sha1 for sha1, text in told if not text} == {EMPTY}
    assert all(sha1 == sha1_base36(text) for sha1, text in told)
