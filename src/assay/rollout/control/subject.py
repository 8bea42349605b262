"""Which release is judged beside which, and where, from what the arms themselves say. Pure.

Argo Rollouts and Flagger do not tell us what they do; the arms' own ``X-Assay-Release`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.errors import ConfigurationError
from assay.rollout.options import RolloutOptions
from assay.rollout.samples import Arm
from assay.rollout.state import Rollout

Told = Mapping[str, Mapping[str, str]]
"""By data centre and slot: the release that answers there; empty: none that one could rely on."""
_USUAL_STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Slots:
    """Of all data centres. `stable`: where users are answered by what is proved."""

    stable: str
    candidate: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged. `data_centres`: in which both arms stand side by side."""

    stable: Arm
    candidate: Arm
    data_centres: tuple[str, ...]


def slots_of(options: RolloutOptions, stable: str | None) -> Slots:
    """`stable`: as the operator named it; None: the slot called ``stable``, else the first one.

    Raises `ConfigurationError` when there is no data centre, they have not the same two slots, each with an
    address, or none is of that name.
    """
    if not options.data_centres:
        raise ConfigurationError("rollout.data_centres is empty: name the data centres and their two slots")
    names = list(next(iter(options.data_centres.values())).slots)
    for name, centre in options.data_centres.items():
        if len(names) != 2 or centre.slots.keys() != set(names):
            raise ConfigurationError(
                f"rollout.data_centres.{name}.slots: each data centre needs the same two"
            )
        if empty := [slot for slot, one in centre.slots.items() if not one.urls]:
            raise ConfigurationError(f"rollout.data_centres.{name}.slots.{empty[0]}.urls is empty")
    chosen = stable or (_USUAL_STABLE if _USUAL_STABLE in names else names[0])
    if chosen not in names:
        raise ConfigurationError(f"there is no slot {chosen}: rollout.data_centres has {' and '.join(names)}")
    (other,) = (name for name in names if name != chosen)
    return Slots(chosen, other)


def subject_in(state: Rollout | None) -> Subject | None:
    """What a watched rollout is about; None when there is none that is not over."""
    if state is None or state.is_over:
        return None
    return Subject(state.stable, state.candidate, tuple(stage.data_centre for stage in state.plan.stages))


def subject_of(told: Told, slots: Slots, before: Subject | None) -> tuple[Subject | None, str]:
    """What there is to judge, and when there is nothing, why. `before`: what was judged until now: an arm
    that does not answer is taken for what it was, since to fall silent is a fault and not an exchange.
    Without it, a data centre whose stable arm is silent may hold the candidate as well as not: whoever moves
    its users must not be told what was found elsewhere."""
    arms = {name: _filled(name, by_slot, slots, before) for name, by_slot in sorted(told.items())}
    differing = {name: pair for name, pair in arms.items() if all(pair) and pair[0] != pair[1]}
    if not differing:
        silent = [slot for pair in arms.values() for slot in _silent(pair, slots)]
        if silent:
            return None, f"no release answers in slot {silent[0]}, or several do"
        return None, f"both arms are {', '.join(sorted({pair[0] for pair in arms.values()}))}"
    dark = [name for name, (stable, _) in arms.items() if not stable]
    if dark and before is None:
        return None, f"no release answers in slot {slots.stable} in {dark[0]}, or several do"
    pairs = set(differing.values())
    if len(pairs) > 1:
        shown = "; ".join(f"{name}: {new} beside {old}" for name, (old, new) in differing.items())
        return None, f"data centres have different arms ({shown})"
    ((stable, candidate),) = pairs
    return Subject(Arm(slots.stable, stable), Arm(slots.candidate, candidate), tuple(differing)), ""


def is_silent(told: Told, subject: Subject) -> bool:
    """Whether in no data centre of the subject both arms answer."""
    slots = (subject.stable.slot, subject.candidate.slot)
    return not any(all(told.get(name, {}).get(slot) for slot in slots) for name in subject.data_centres)


def _filled(
    data_centre: str, by_slot: Mapping[str, str], slots: Slots, before: Subject | None
) -> tuple[str, str]:
    """The releases of the stable and the candidate's slot."""
    stable, candidate = by_slot.get(slots.stable, ""), by_slot.get(slots.candidate, "")
    is_known = (
        before is not None
        and data_centre in before.data_centres
        and (before.stable.slot, before.candidate.slot) == (slots.stable, slots.candidate)
    )
    if before is None or not is_known:
        return stable, candidate
    return stable or before.stable.release, candidate or before.candidate.release


def _silent(pair: tuple[str, str], slots: Slots) -> list[str]:
    named = zip((slots.stable, slots.candidate), pair, strict=True)
    return [slot for slot, release in named if not release]
