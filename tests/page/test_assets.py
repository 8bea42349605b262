"""Static files of the frame and of the package that stands in it."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from assay.page.assets import Assets


def request(etag: str = "") -> Request:
    return Request({"type": "http", "headers": [(b"if-none-match", etag.encode())] if etag else []})


@pytest.mark.parametrize(
    ("package", "style"), [("assay.rollout.reporting", "rollout.css"), ("assay.serving.pages", "assay.css")]
)
def test_both_pages_have_the_frame_and_their_own(package: str, style: str) -> None:
    assets = Assets(package)
    for name in ("frame.css", "favicon.svg", style):
        answer = assets.answer(name, assets.digest, request())
        assert answer is not None
        assert answer.status_code == 200
    assert assets.answer("none.css", assets.digest, request()) is None


def test_the_digest_tells_packages_apart_and_is_the_same_for_equal_files() -> None:
    assert Assets("assay.rollout.reporting").digest != Assets("assay.serving.pages").digest
    assert Assets("assay.rollout.reporting").digest == Assets("assay.rollout.reporting").digest


@pytest.mark.parametrize("scope", ["public", "private"])
def test_only_the_address_with_our_digest_may_be_kept(scope: str) -> None:
    assets = Assets("assay.rollout.reporting")
    ours = assets.answer("frame.css", assets.digest, request(), scope=scope)
    other = assets.answer("frame.css", "0123456789ab", request(), scope=scope)
    assert ours is not None
    assert other is not None
    assert ours.headers["cache-control"] == f"{scope}, max-age=31536000, immutable"
    assert other.headers["cache-control"] == "no-cache"
    again = assets.answer("frame.css", assets.digest, request(ours.headers["etag"]))
    assert again is not None
    assert (again.status_code, again.body) == (304, b"")
