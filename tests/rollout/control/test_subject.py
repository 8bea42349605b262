"""Which release is judged beside which."""

from __future__ import annotations

import pytest

from assay.rollout.control.subject import Slots, Subject, Told, is_silent, subject_of
from assay.rollout.samples import Arm

SLOTS = Slots("stable", "canary")
A_B = Subject(Arm("stable", "A"), Arm("canary", "B"), ("east",))


def told(**centres: str) -> Told:
    """Two letters each: the stable arm's release and the candidate's; a dot: silent."""
    return {name: {"stable": one[0].strip("."), "canary": one[1].strip(".")} for name, one in centres.items()}


@pytest.mark.parametrize(
    ("seen", "before", "found"),
    [
        (told(east="AB"), None, A_B),
        (told(east="AB", west="AA"), None, A_B),
        (told(east="AB", west="A."), None, A_B),
        (told(east="AB", west="AB"), None, Subject(A_B.stable, A_B.candidate, ("east", "west"))),
        (told(east="A."), A_B, A_B),
        (told(east=".B"), A_B, A_B),
        (told(east="..", west="AA"), A_B, A_B),
        (told(east="AB", west=".."), A_B, A_B),
        ({"east": {}}, A_B, A_B),
        (told(east="AC"), A_B, Subject(A_B.stable, Arm("canary", "C"), ("east",))),
    ],
)
def test_it_is_what_differs(seen: Told, before: Subject | None, found: Subject) -> None:
    assert subject_of(seen, SLOTS, before) == (found, "")


@pytest.mark.parametrize(
    ("seen", "before", "reason"),
    [
        (told(east="AA"), None, "both arms are A"),
        (told(east="BB"), A_B, "both arms are B"),
        (told(east="AA", west="BB"), None, "both arms are A, B"),
        (told(east="A."), None, "no release answers in slot canary"),
        (told(east=".A"), None, "no release answers in slot stable"),
        (told(east="AB", west=".B"), None, "no release answers in slot stable in west"),
        (told(east="AB", west=".."), None, "no release answers in slot stable in west"),
        (told(east="AB", west="AC"), None, "data centres have different arms"),
        (told(east="AB", west="CB"), None, "data centres have different arms"),
    ],
)
def test_nothing_is_told_with_its_reason(seen: Told, before: Subject | None, reason: str) -> None:
    found, why = subject_of(seen, SLOTS, before)
    assert found is None
    assert reason in why


def test_slots_that_changed_their_parts_are_another_subject() -> None:
    turned = Slots("canary", "stable")
    assert subject_of(told(east="A."), turned, A_B)[0] is None


def test_silence_is_of_all_data_centres() -> None:
    both = Subject(A_B.stable, A_B.candidate, ("east", "west"))
    assert not is_silent(told(east="A.", west="AB"), both)
    assert is_silent(told(east="A.", west=".B"), both)
    assert is_silent({}, both)
