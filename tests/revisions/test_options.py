"""What is a wiki's address, and what a file."""

from __future__ import annotations

import pytest

from assay.revisions.options import is_live


@pytest.mark.parametrize(
    ("source", "live"),
    [
        ("https://w.example/api.php", True),
        ("dump.xml.7z", False),
        ("/srv/a:b.jsonl", False),
        ("s3://x/y", True),
    ],
)
def test_an_address_is_no_file(source: str, live: bool) -> None:
    assert is_live(source) is live
