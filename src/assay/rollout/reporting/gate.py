"""A journal's verdict on one release, for controllers of traffic that ask: may this release get more?

Argo Rollouts and Flagger shift traffic themselves, and know nothing of scores. They ask here, and are told
what the newest verdict says, if it is new. What is stale, missing, unreadable, or of another release is never
good: it is `no_data`. What was bad stays bad however old it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from assay.errors import AssayError
from assay.rollout.reporting.journal_reader import Reading
from assay.rollout.reporting.story import Story, Told

Answer = Literal["good", "bad", "no_data"]
Hook = Literal[
    "confirm-rollout", "pre-rollout", "rollout", "confirm-traffic-increase", "confirm-promotion", "rollback"
]
"""Of Flagger's webhooks, those that ask something."""

MAX_BODY_BYTES: Final = 64 * 1024
MAX_NAME: Final = 200
MAX_AGE_LIMIT_S: Final = 24 * 3600.0
CLOCK_TOLERANCE_S: Final = 5.0
"""So much may the clock of the host that judged be ahead of ours."""


class HookRefused(AssayError):
    """A webhook's body that means nothing; the message says what it must hold."""

    code = "bad request"


@dataclass(frozen=True, slots=True)
class Gate:
    """An answer. `age_s`: of the verdict; None when there is none. `stage`, `data_centre`, `weight`: where it
    was judged, with how many per cent of users; None likewise, the weight also where others set it.
    `checks`: status by name."""

    release: str
    verdict: Answer
    reason: str
    age_s: float | None = None
    rollout: str | None = None
    stage: str | None = None
    data_centre: str | None = None
    weight: int | None = None
    checks: Mapping[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        return {
            "release": self.release,
            "verdict": self.verdict,
            "reason": self.reason,
            "age_s": None if self.age_s is None else round(self.age_s, 3),
            "rollout": self.rollout,
            "stage": self.stage,
            "data_centre": self.data_centre,
            "weight": self.weight,
            "checks": dict(self.checks),
        }


@dataclass(frozen=True, slots=True)
class FlaggerCall:
    """What Flagger posts. `release`, `token`, `max_age_s`: of its metadata; the token is empty, the age None,
    when not given."""

    name: str
    namespace: str
    phase: str
    release: str
    token: str = field(default="", repr=False)
    max_age_s: float | None = None


def ask(reading: Reading, stories: Sequence[Story], release: str, now_s: float, max_age_s: float) -> Gate:
    """May `release` get more traffic? `now_s`: seconds since 1970. `max_age_s`: an older verdict is none."""
    if not reading.exists:
        reason = _unsound(reading) or "there is no journal yet: is the controller running?"
        return Gate(release, "no_data", reason)
    story = next((story for story in reversed(stories) if story.rollout.candidate.release == release), None)
    if story is None:
        return Gate(release, "no_data", _unsound(reading) or "no rollout of this release is in the journal")
    is_newest = story is stories[-1]
    found = [
        (*_judged(reading, story, told, is_newest=is_newest, now_s=now_s, max_age_s=max_age_s), told)
        for told in _counting(story)
    ]
    verdict, reason, told = min(found, key=lambda one: _WORST_FIRST.index(one[0]))
    if told is None:
        return Gate(release, verdict, reason, rollout=story.rollout.id)
    return Gate(
        release,
        verdict,
        reason,
        now_s - told.at_s,
        story.rollout.id,
        told.stage.name,
        told.stage.data_centre,
        None if story.rollout.is_watched else told.stage.weight,
        {str(check["name"]): str(check["status"]) for check in told.checks},
    )


def status(hook: Hook, verdict: Answer) -> int:
    """The HTTP status that makes Flagger do the right thing.

    200 lets it go on, and any other halts it and counts as a failed check; but to `rollback`, 200 says that
    it shall roll back, so there only a bad verdict is answered so. 409: bad, or nothing to roll back. 503: no
    data, ask again.
    """
    if hook == "rollback":
        return 200 if verdict == "bad" else 409
    return {"good": 200, "bad": 409, "no_data": 503}[verdict]


def read_call(body: bytes) -> FlaggerCall:
    """What Flagger posted. Raises `HookRefused`."""
    if len(body) > MAX_BODY_BYTES:
        raise HookRefused(f"the body has more than {MAX_BODY_BYTES} bytes")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise HookRefused("the body must be JSON, as Flagger posts it") from None
    if not isinstance(document, dict):
        raise HookRefused("the body must be a JSON object")
    metadata = document.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise HookRefused("metadata must be an object")
    release = _text(metadata, "release", "metadata.")
    if not release:
        raise HookRefused("metadata.release is missing: name the release in the webhook's metadata")
    return FlaggerCall(
        name=_text(document, "name"),
        namespace=_text(document, "namespace"),
        phase=_text(document, "phase"),
        release=release,
        token=_text(metadata, "token", "metadata."),
        max_age_s=read_age(_text(metadata, "max_age_s", "metadata.")),
    )


def read_release(text: str) -> str:
    """A release's id as a client gave it. Raises `HookRefused`."""
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise HookRefused(f"release must be the id of a release, of at most {MAX_NAME} characters")
    return text


def read_age(text: str) -> float | None:
    """Seconds, as a client gave them; None when it gave none. Raises `HookRefused`."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= MAX_AGE_LIMIT_S:
        raise HookRefused(f"max_age_s must be a number of seconds above 0, at most {MAX_AGE_LIMIT_S:.0f}")
    return seconds


_WORST_FIRST: Final[tuple[Answer, ...]] = ("bad", "no_data", "good")


def _counting(story: Story) -> Sequence[Told | None]:
    """The verdicts that an answer rests on: the newest; of a rollout that is watched in several data centres
    at the same time, the newest of each. None: nothing was judged there yet."""
    if story.rollout.is_watched:
        return [story.verdicts.get(stage.number) for stage in story.rollout.plan.stages]
    return [story.verdict]


def _judged(
    reading: Reading, story: Story, told: Told | None, *, is_newest: bool, now_s: float, max_age_s: float
) -> tuple[Answer, str]:
    rollout = story.rollout
    if rollout.status in ("rolling_back", "rolled_back"):
        return "bad", f"{rollout.status.replace('_', ' ')}: {rollout.reason}"
    if told is not None and told.outcome == "bad":
        return "bad", "; ".join(
            f"{check['name']}: {check['sentence']}" for check in told.checks if check["status"] == "bad"
        )
    if unsound := _unsound(reading):
        return "no_data", unsound
    if not is_newest:
        return "no_data", "another release has been rolled out since"
    if rollout.status == "paused":
        return "no_data", f"paused: {rollout.reason}"
    if rollout.status == "ended":
        return "no_data", f"no longer watched: {rollout.reason}"
    return ("no_data", "nothing was judged yet") if told is None else _recent(told, now_s, max_age_s)


def _recent(told: Told, now_s: float, max_age_s: float) -> tuple[Answer, str]:
    age_s = now_s - told.at_s
    if age_s < -CLOCK_TOLERANCE_S:
        return "no_data", f"the verdict is from {-age_s:.0f} s in the future: the hosts' clocks differ"
    if age_s > max_age_s:
        return (
            "no_data",
            f"the verdict is {age_s:.0f} s old, more than {max_age_s:g}: is the controller running?",
        )
    if not told.stage.required:
        return "no_data", f"{told.stage.name} requires no check, so nothing is known"
    missing = [name for name in told.stage.required if told.status(name) != "good"]
    if missing:
        return "no_data", f"{told.stage.name}: not good yet: {', '.join(missing)}"
    return "good", f"{told.stage.name}: all required checks are good"


def _unsound(reading: Reading) -> str:
    if reading.problem is not None:
        return "the journal is damaged, so nothing in it is believed" if reading.exists else reading.problem
    return "the journal is still being read" if reading.is_behind else ""


def _text(document: Mapping[str, Any], key: str, where: str = "") -> str:
    value = document.get(key, "")
    if not isinstance(value, str) or len(value) > MAX_NAME or not value.isprintable():
        raise HookRefused(f"{where}{key} must be a text of at most {MAX_NAME} characters")
    return value
