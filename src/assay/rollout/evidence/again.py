"""What a second question makes of a difference between two arms. Pure.

The world goes on between two questions: a revision is hidden, a wiki is away for a second. Such a difference
is gone, or the stable arm's too, when both are asked again. What is left is the candidate's own, and what it
failed at twice where the stable arm succeeded twice is no accident.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from assay.rollout.evidence.compare import Answer
from assay.rollout.failures import is_answer, is_score
from assay.rollout.samples import CellPair


def must_ask_again(stable: Answer, candidate: Answer, cells: Iterable[CellPair]) -> bool:
    """Whether the candidate lacks something that the stable arm has."""
    return (stable.status == 200 != candidate.status) or any(map(_is_worse, cells))


def has_changed(stable: Answer, again: Answer) -> bool:
    """Whether the world is another by the second question; not when the stable arm was merely busy."""
    return is_answer(again.status) and again.status != stable.status


def settled(first: Sequence[CellPair], again: Sequence[CellPair]) -> tuple[CellPair, ...]:
    """The first answers' cells in the light of the second ones'. A cell that even the stable arm does not
    score any more is the second's, as it has changed meanwhile; a failure that came again is marked."""
    later = {cell.key: cell for cell in again}
    return tuple(_settled(cell, later.get(cell.key)) if _is_worse(cell) else cell for cell in first)


def _settled(cell: CellPair, again: CellPair | None) -> CellPair:
    if again is None:
        return cell
    if not is_score(again.stable):
        return again
    return replace(cell, is_repeated=True) if _is_worse(again) else cell


def _is_worse(cell: CellPair) -> bool:
    return is_score(cell.stable) and not is_score(cell.candidate)
