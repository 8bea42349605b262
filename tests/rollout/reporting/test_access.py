"""What is a token, and how it may be shown; `test_web.py` shows it to every route."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from fastapi import Request
from starlette.exceptions import HTTPException

from assay.errors import ConfigurationError
from assay.rollout.reporting.access import LEAST_TOKEN, Access

TOKEN = "correct-horse-battery"
PACKED = base64.b64encode(f":{TOKEN}".encode()).decode()


def access(tmp_path: Path, token: str) -> Access:
    file = tmp_path / "token"
    file.write_text(token)
    return Access.of("0.0.0.0", str(file))


def request(**headers: str) -> Request:
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": told})


def status(own: Access, asked: Request, shown: str = "") -> int:
    try:
        own.admit(asked, shown)
    except HTTPException as refusal:
        return refusal.status_code
    return 200


@pytest.mark.parametrize("size", [LEAST_TOKEN, 4096])
def test_the_shortest_and_the_longest_token_can_be_used(tmp_path: Path, size: int) -> None:
    token = "x" * size
    assert status(access(tmp_path, f"{token}"), request(authorization=f"Bearer {token}")) == 200


@pytest.mark.parametrize("size", [LEAST_TOKEN - 1, 4097])
def test_one_character_less_or_more_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(ConfigurationError, match="must hold 16 to 4096 ASCII characters"):
        access(tmp_path, "x" * size)


@pytest.mark.parametrize(
    ("authorization", "answered"),
    [
        (f"Basic {PACKED}", 200),
        (f"Digest {PACKED}", 401),
        (f"{PACKED}", 401),
        (f"Basic !{PACKED}", 401),
        (f"Basic {base64.b64encode(TOKEN.encode()).decode()}", 401),
        (f"Bearer  {TOKEN} ", 200),
    ],
)
def test_a_token_is_shown_by_two_schemes_and_well_packed(
    tmp_path: Path, authorization: str, answered: int
) -> None:
    assert status(access(tmp_path, TOKEN), request(authorization=authorization)) == answered


def test_a_token_in_the_body_counts_alone(tmp_path: Path) -> None:
    own = access(tmp_path, TOKEN)
    right = request(authorization=f"Bearer {TOKEN}")
    assert status(own, request(), TOKEN) == 200
    assert status(own, right, "another-token-than-ours") == 401


def test_no_token_is_ever_printed(tmp_path: Path) -> None:
    assert TOKEN not in repr(access(tmp_path, TOKEN))


@pytest.mark.parametrize(("host", "answered"), [("localhost", 200), ("127.0.0.1:80", 200), ("", 403)])
def test_without_a_token_the_name_asked_for_must_be_this_machines(host: str, answered: int) -> None:
    assert status(Access.of("127.0.0.1", ""), request(host=host)) == answered


def test_without_a_name_nobody_is_let_in() -> None:
    assert status(Access.of("127.0.0.1", ""), request()) == 403
