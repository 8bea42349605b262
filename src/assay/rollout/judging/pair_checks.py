"""Requests asked of both arms: has the candidate the same answers?

A difference is *lasting* when asking again would show it again (another shape, a crash, HTTP 500): one is
enough, for two equal arms have none. It is *passing* when it may come to any arm for a while (overload, a
time-out, the wiki away): then chance is asked first, by the sign test on pairs where one arm only failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from assay.rollout.failures import PASSING_ERRORS, PASSING_STATUSES, TEXTS_ERRORS, is_answer, is_score
from assay.rollout.guards import GuardOptions
from assay.rollout.judging.check import Check
from assay.rollout.judging.looks import Look, first_alarm, first_excess, look_sizes
from assay.rollout.judging.statistics import excess_p, surplus_bound
from assay.rollout.judging.time_checks import FIRST_LOOK, alarm_figures
from assay.rollout.samples import CellPair, Pair
from assay.scoring.synthetic import TEST_WIKI

_EXAMPLES: Final = 5
"""Faults that are quoted."""


def shape_check(pairs: Sequence[Pair]) -> Check:
    """Any other shape of an answer is bad, whatever was declared: clients parse it."""
    return _all_equal("shape", pairs, lambda pair: pair.shape_faults, "of the same shape", "another shape")


def values_check(pairs: Sequence[Pair], is_declared: Callable[[Pair], bool]) -> Check:
    """Headers, features, thresholds must be equal where no drift is declared. `is_declared`: whether what the
    pair asked for is under a declaration."""
    return _all_equal(
        "values",
        pairs,
        lambda pair: () if pair.value_faults and is_declared(pair) else pair.value_faults,
        "with equal headers, features and thresholds",
        "another value",
    )


def statuses_check(pairs: Sequence[Pair], guards: GuardOptions) -> Check:
    """A request that the stable arm answers must get the same status from the candidate, but for passing
    failures. A candidate that answers what the stable arm fails at is fine."""
    asked = [pair for pair in pairs if is_answer(pair.stable_status)]
    faults = [
        f"{pair.target}: {pair.stable_status} became {pair.candidate_status}"
        if pair.candidate_status not in (pair.stable_status, *PASSING_STATUSES)
        else ""
        for pair in asked
    ]
    at_s = [pair.at_s for pair in asked]
    return _few("statuses", faults, at_s, guards.lost_share, "answers", "another status")


def lost_check(
    earlier: Sequence[Pair], pairs: Sequence[Pair], guards: GuardOptions, least_texts: int
) -> Check:
    """Scores that the stable arm gives must come from the candidate too. Good needs so many different texts:
    of a crash on one text in two hundred, 200 requests tell nothing in one case of three. `earlier`: stages
    whose texts count, too."""
    cells = [(pair.at_s, cell) for pair in pairs for cell in pair.cells if is_score(cell.stable)]
    faults = [_loss(cell) if _is_lost(cell) else "" for _, cell in cells]
    at_s = [at_s for at_s, _ in cells]
    check = _few("lost_scores", faults, at_s, guards.lost_share, "scores", "no score from the candidate")
    texts = different_texts([*earlier, *pairs])
    figures = {**check.figures, "texts": texts, "least_texts": least_texts}
    if check.status == "good" and texts < least_texts:
        sentence = f"{check.sentence}; {texts} different texts, {least_texts} are needed"
        return replace(check, status="no_data", sentence=sentence, figures=figures)
    return replace(check, figures=figures)


def different_texts(pairs: Iterable[Pair]) -> int:
    """Texts that the stable arm scored: of the wikis by revision, and those made up. The test wiki's are all
    alike."""
    real: set[tuple[str, int]] = set()
    made = 0
    for pair in pairs:
        scored = {(cell.wiki, cell.rev_id) for cell in pair.cells if is_score(cell.stable)}
        if pair.made_texts:
            made += min(pair.made_texts, len(scored))
        else:
            real |= scored
    return made + sum(wiki != TEST_WIKI for wiki, _ in real)


def passing_check(
    earlier: Sequence[Pair], now: Sequence[Pair], guards: GuardOptions, least: int, alpha: float
) -> Check:
    """Passing failures of one arm only. Sign test: of pairs where exactly one arm failed, the candidate's are
    half, by chance; a surplus of less than `passing_share` of all pairs is not even asked about. Good needs
    an upper bound of the surplus that is not above `passing_bound`. Pairs of `earlier` stages count, for what
    is asked of both arms does not depend on weights."""
    pairs = [*earlier, *now]
    candidate = np.cumsum([_fails_for_now(pair, of_candidate=True) for pair in pairs], dtype=np.int64)
    stable = np.cumsum([_fails_for_now(pair, of_candidate=False) for pair in pairs], dtype=np.int64)

    def p_value(size: int) -> float:
        more, less = int(candidate[size - 1]), int(stable[size - 1])
        return excess_p(more, more + less, 0.5) if more - less >= guards.passing_share * size else 1.0

    alarm = first_alarm(alpha, look_sizes(FIRST_LOOK, len(pairs)), p_value)
    more, less = (int(counts[-1]) if len(pairs) else 0 for counts in (candidate, stable))
    bound = surplus_bound(more, len(pairs), less / len(pairs)) if pairs else 1.0
    figures = {
        "pairs": len(pairs),
        "candidate_only": more,
        "stable_only": less,
        "surplus_bound": bound,
        **alarm_figures(alarm),
    }
    sentence = (
        f"of {len(pairs)} requests, {more} failed for now in the candidate only, {less} in the stable only"
        f": at most {100 * bound:.1f} % more"
    )
    is_enough = len(now) >= least and bound <= guards.passing_bound
    return _measured("passing_errors", alarm, is_enough, pairs, sentence, figures)


def _all_equal(
    name: str, pairs: Sequence[Pair], faults_of: Callable[[Pair], Sequence[str]], equal: str, other: str
) -> Check:
    faults = [(pair.at_s, f"{pair.target}: {fault}") for pair in pairs for fault in faults_of(pair)]
    examples = _examples([text for _, text in faults])
    figures = {"pairs": len(pairs), "faults": len(faults), "examples": examples}
    if faults:
        sentence = f"{other} in {len(faults)} places, first {faults[0][1]}"[:400]
        return Check(name, "bad", sentence, figures, faults[0][0])
    if not pairs:
        return Check(name, "no_data", "no request was asked of both arms", figures)
    return Check(name, "good", f"{len(pairs)} requests were answered {equal}", figures)


def _few(
    name: str, faults: Sequence[str], at_s: Sequence[float], allowed: float, what: str, fault: str
) -> Check:
    """`faults`: a sentence for each sample, empty for a sound one."""
    texts = [text for text in faults if text]
    figures = {
        "of": len(faults),
        "faults": len(texts),
        "allowed_share": allowed,
        "examples": _examples(texts),
    }
    if not faults:
        return Check(name, "no_data", f"the stable arm gave no {what} to compare", figures)
    sentence = f"{len(texts)} of {len(faults)} {what} of the stable arm: {fault}"
    if (place := first_excess([bool(text) for text in faults], allowed)) is not None:
        return Check(name, "bad", f"{sentence}, first {texts[0]}"[:400], figures, at_s[place])
    return Check(name, "good", sentence, figures)


def _measured(
    name: str,
    alarm: Look | None,
    is_enough: bool,
    samples: Sequence[Pair],
    sentence: str,
    figures: dict[str, object],
) -> Check:
    if alarm:
        return Check(name, "bad", sentence, figures, samples[alarm.size - 1].at_s)
    return Check(name, "good" if is_enough and samples else "no_data", sentence, figures)


def _examples(texts: Sequence[str]) -> list[str]:
    return [text[:300] for text in texts[:_EXAMPLES]]


def _is_lost(cell: CellPair) -> bool:
    if cell.candidate is None:
        return True
    error = cell.candidate.error
    is_passing = error in PASSING_ERRORS and not (cell.is_repeated and error in TEXTS_ERRORS)
    return error is not None and not is_passing


def _loss(cell: CellPair) -> str:
    what = "left out" if cell.candidate is None else str(cell.candidate.error)
    return f"{cell.wiki} {cell.model} {cell.rev_id}: {what}"


def _fails_for_now(pair: Pair, *, of_candidate: bool) -> bool:
    """Whether this arm failed for a passing reason at something that the other one did."""
    status, other = pair.stable_status, pair.candidate_status
    if of_candidate:
        status, other = other, status
    if not is_answer(other):
        return False
    return status in PASSING_STATUSES or _cells_fail(pair.cells, of_candidate)


def _cells_fail(cells: tuple[CellPair, ...], of_candidate: bool) -> bool:
    for cell in cells:
        own, other = (cell.candidate, cell.stable) if of_candidate else (cell.stable, cell.candidate)
        if own is not None and own.error in PASSING_ERRORS and is_score(other):
            return True
    return False
