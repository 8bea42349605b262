"""Which values settings may have beyond their types, by dotted name: the one table that the JSON Schema,
and with it the loader, is made from.

Every number is a size, a count or a time, so one that has no line here must be at least 1 when it is whole,
and else at least a thousandth. What a section's own ``__post_init__`` refuses as well, because values can be
made in code, too, stands here a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from assay.models.statistics.confusion import FIELDS
from assay.models.statistics.query import QUERY_PATTERN
from assay.precache.options import HTTP_URL, URL_ADVICE
from assay.rollout.guards import GuardOptions
from assay.scoring.options import MAX_REVISIONS

MAX_NUMBER: Final = 2**53
"""Up to here every reader of JSON and TOML keeps whole numbers exactly."""

_WHOLE: Final = r"(?![\s\S])"
"""The end, in ECMAScript's and in Python's dialect alike; Python's ``$`` also matches before a line's end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`minimum`, `maximum`: included. `above`: excluded. `pattern`: a regular expression in the dialect that
    ECMAScript and Python have in common; `advice`: says in words what it allows. `least_items`: of a list."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    pattern: str | None = None
    advice: str | None = None
    least_items: int | None = None

    def keywords(self) -> dict[str, Any]:
        """For JSON Schema."""
        all_ = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "exclusiveMinimum": self.above,
            "pattern": self.pattern,
            "description": self.advice,
            "minItems": self.least_items,
        }
        return {key: value for key, value in all_.items() if value is not None}


COUNT: Final = Limits(minimum=1, maximum=MAX_NUMBER)
SECONDS: Final = Limits(minimum=0.001, maximum=MAX_NUMBER)
_FROM_ZERO: Final = Limits(minimum=0, maximum=MAX_NUMBER)
_PORT: Final = Limits(minimum=0, maximum=65535)


def _name(of: str, *, most_chars: int = 100, example: str = "") -> Limits:
    as_in = f", as in {example}" if example else ""
    return Limits(
        pattern=rf"^[A-Za-z0-9_-]{{1,{most_chars}}}" + _WHOLE,
        advice=f"is no name for {of}: use letters, digits, - and _{as_in}",
    )


_WIKI: Final = _name("a wiki", example="enwiki")
"""Stands in the paths of the API as one segment."""
_MODEL: Final = _name("a model", example="wp10")
_POINT: Final = _name("an operating point", example="likelybad")
_FILE_NAME: Final = _name("a stream or a sink", most_chars=64)

LIMITS: Final[Mapping[str, Limits]] = {
    "wikis.<name>": _WIKI,
    "wikis.<name>.aliases.<name>": _MODEL,
    "precache.streams.<name>": _FILE_NAME,
    "precache.sinks.<name>": _FILE_NAME,
    "precache.streams.<name>.overlap_s": _FROM_ZERO,
    "precache.assay": Limits(pattern=f"^{HTTP_URL}{_WHOLE}", advice=URL_ADVICE),
    "precache.batch": Limits(minimum=1, maximum=MAX_REVISIONS),
    "precache.drain_timeout_s": _FROM_ZERO,
    "precache.metrics_port": _PORT,
    "wikis.<name>.models.<name>": _MODEL,
    "wikis.<name>.models.<name>.operating_points.<name>": _POINT,
    "wikis.<name>.models.<name>.operating_points.<name>.query": Limits(
        pattern=QUERY_PATTERN,
        advice="is no threshold query; write for example 'maximum recall @ precision >= 0.9', of the "
        f"statistics {', '.join(FIELDS)}",
    ),
    "release": Limits(
        pattern=r"^[A-Za-z0-9_.-]{1,64}" + _WHOLE,
        advice="use 1 to 64 letters, digits, dots, hyphens and underscores",
    ),
    "server.port": _PORT,
    "http.drain_timeout_s": _FROM_ZERO,
    "web.guard.allowed_origins.<item>": Limits(
        pattern=r"^(\*|https?://[A-Za-z0-9.\[\]:-]+)" + _WHOLE,
        advice="is no site; write for example https://example.org, or * for all",
    ),
    "web.health.reuse_s": _FROM_ZERO,
    "web.stream.chunk": Limits(minimum=1, maximum=MAX_REVISIONS),
    "web.stream.pause_limit_s": _FROM_ZERO,
    "web.stream.drain_s": _FROM_ZERO,
    "wiki_api.backoff_s": _FROM_ZERO,
    "wiki_api.maxlag_s": _FROM_ZERO,
    "quota.burst": Limits(minimum=MAX_REVISIONS, maximum=MAX_NUMBER),
    "queue.away_grace_s": _FROM_ZERO,
    "worker.metrics_port": _PORT,
    "worker.lanes": Limits(least_items=1),
    "tracing.share": Limits(above=0, maximum=1),
    "rollout.stages.weights": Limits(least_items=1),
    "rollout.stages.weights.<item>": Limits(minimum=1, maximum=100),
    "rollout.stages.shadow_share": Limits(minimum=0.001, maximum=1),
    "rollout.stages.limit_s": SECONDS,
    "rollout.stages.deploy_limit_s": SECONDS,
    "rollout.data_centres.<name>.slots.<name>.urls": Limits(least_items=1),
    **{
        f"rollout.guards.{item.name}": Limits(minimum=0, maximum=1)
        for item in fields(GuardOptions)
        if "share" in item.name
    },
    "rollout.guards.false_alarm_share": Limits(above=0, maximum=1),
    "rollout.guards.latency_ratio": Limits(minimum=1, maximum=MAX_NUMBER),
    "rollout.guards.processor_ratio": Limits(minimum=1, maximum=MAX_NUMBER),
}
"""The name of a mapping with ``.<name>`` is for the items' names, that of a list with ``.<item>`` for its
items."""

_SECTIONS_FROM_ZERO: Final = ("rollout.",)
"""Guards and samples of a rollout may be nought; its own options say where not."""


def limits_of(name: str, otherwise: Limits) -> Limits:
    """Of the number with this dotted name. `otherwise`: what numbers of its type must be."""
    return LIMITS.get(name, _FROM_ZERO if name.startswith(_SECTIONS_FROM_ZERO) else otherwise)
