"""From the document of `assay.rollout.view` to HTML, and the files that the page needs, from memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from assay.rollout import plot

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing inline and nothing from elsewhere: text of the journal that slipped into the markup could still not
run."""
PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_STATUS_WORDS: Final = {
    "running": "Running",
    "paused": "Paused",
    "rolling_back": "Rolling back",
    "rolled_back": "Rolled back",
    "done": "Done",
    "ended": "No longer watched",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file."""

    content: bytes
    media_type: str
    etag: str


class Pages:
    """Templates and static files of the package. `digest` names the files' state; it stands in their
    addresses. `version`: of Assay, for the foot; empty: not shown."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._assets = {
            entry.name: _asset(entry.name, entry.read_bytes())
            for entry in (files("assay.rollout") / "static").iterdir()
            if _suffix(entry.name) in _MEDIA_TYPES
        }
        etags = "".join(f"{name}{asset.etag}" for name, asset in sorted(self._assets.items()))
        self.digest = hashlib.sha256(etags.encode()).hexdigest()[:12]
        self._templates = Environment(
            loader=PackageLoader("assay.rollout", "templates"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            moment=moment, clock=clock_time, iso=iso, lasted=lasted, status=_STATUS_WORDS.__getitem__
        )

    def asset(self, name: str) -> Asset | None:
        return self._assets.get(name)

    def render(self, told: Mapping[str, Any], *, version: str, before: int | None) -> str:
        """The page. `version`: of what is told, so that the page knows when there is more. `before`: of the
        page of entries; None: the newest."""
        rollout = told["rollout"]
        charts = (
            [] if rollout is None else [(chart, plot.plot(chart, clock_time)) for chart in rollout["charts"]]
        )
        return self._templates.get_template("rollout.html").render(
            told=told,
            rollout=rollout,
            charts=charts,
            headline=headline(told),
            version=version,
            before=before,
            digest=self.digest,
            assay_version=self._version,
            figure=plot.words,
            frame=plot,
        )

    def refusal(self, title: str, text: str) -> str:
        """A page that only says what is wrong."""
        return self._templates.get_template("refusal.html").render(title=title, text=text, digest=self.digest)


def headline(told: Mapping[str, Any]) -> str:
    """Where the rollout stands, in a line."""
    rollout = told["rollout"]
    if rollout is None:
        return "No rollout yet"
    status = _STATUS_WORDS[rollout["status"]]
    if rollout["status"] in ("done", "ended"):
        return status
    if watched := [stage["data_centre"] for stage in rollout["stages"] if stage["kind"] == "watch"]:
        return f"Watching {', '.join(watched)}"
    return f"{status}{':' if rollout['status'] == 'running' else ' at'} {rollout['stage']}"


def moment(at_s: float) -> str:
    """Date and time, UTC."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock_time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S")


def iso(at_s: float) -> str:
    """For machines."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")


def lasted(seconds: float) -> str:
    """A span for people."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _asset(name: str, content: bytes) -> Asset:
    return Asset(content, _MEDIA_TYPES[_suffix(name)], f'"{hashlib.sha256(content).hexdigest()[:24]}"')


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]
