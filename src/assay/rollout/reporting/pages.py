"""From the document of `assay.rollout.reporting.view` to HTML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from assay.page.assets import Assets
from assay.page.templates import environment
from assay.rollout.reporting import plot

_STATUS_WORDS: Final = {
    "running": "Running",
    "paused": "Paused",
    "rolling_back": "Rolling back",
    "rolled_back": "Rolled back",
    "done": "Done",
    "ended": "No longer watched",
}


class Pages:
    """Templates and static files. `version`: of Assay, for the foot; empty: not shown."""

    def __init__(self, version: str) -> None:
        self._version = version
        self.assets = Assets("assay.rollout.reporting")
        self._templates = environment("assay.rollout.reporting")
        self._templates.filters.update(
            moment=moment, clock=clock_time, iso=iso, lasted=lasted, status=_STATUS_WORDS.__getitem__
        )

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
            digest=self.assets.digest,
            assay_version=self._version,
            figure=plot.words,
            frame=plot,
        )

    def refusal(self, title: str, text: str) -> str:
        """A page that only says what is wrong."""
        page = self._templates.get_template("refusal.html")
        return page.render(title=title, text=text, digest=self.assets.digest)


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
