"""Static files, served from memory under addresses that name their state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_FRAME: Final = "assay.page"
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file."""

    content: bytes
    media_type: str
    etag: str


class Assets:
    """The frame's files and those in ``static`` of `package`. `digest` names the state of all; it stands in
    their addresses, so that a browser may keep them for ever."""

    def __init__(self, package: str) -> None:
        self._assets = dict(sorted([*_read(_FRAME), *_read(package)]))
        etags = "".join(name + asset.etag for name, asset in self._assets.items())
        self.digest = hashlib.sha256(etags.encode()).hexdigest()[:12]

    def answer(self, name: str, digest: str, request: Request, *, scope: str = "public") -> Response | None:
        """The file `name`, 304 when the client has it, None when there is no such file.

        `digest`: as in the address. A page of another release asks for its own: it gets our file, but must
        not keep it. `scope`: "private" where a file is shown only to who may see the page.
        """
        kept = f"{scope}, max-age=31536000, immutable" if digest == self.digest else "no-cache"
        return self._answer(name, request, kept)

    def icon(self, request: Request) -> Response | None:
        """The icon at an address that browsers know by themselves."""
        return self._answer("favicon.svg", request, "public, max-age=86400")

    def _answer(self, name: str, request: Request, cache_control: str) -> Response | None:
        asset = self._assets.get(name)
        if asset is None:
            return None
        headers = {"ETag": asset.etag, "Cache-Control": cache_control, "X-Content-Type-Options": "nosniff"}
        if asset.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=headers)


def _read(package: str) -> Iterator[tuple[str, Asset]]:
    for entry in (files(package) / "static").iterdir():
        suffix = entry.name[entry.name.rfind(".") :]
        if media_type := _MEDIA_TYPES.get(suffix):
            content = entry.read_bytes()
            yield entry.name, Asset(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:24]}"')
