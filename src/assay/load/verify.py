"""Is an answer right? Against scores recorded earlier, and the test model's rule, which anybody can work out.

Three things are told apart: an answer that is *lost* (none that can be read), one that is *wrong* (it says
what is not so, or leaves out what was asked), and an *error*, which a server may give as long as it says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from assay.errors import ConfigurationError, reason_of
from assay.features.edit.revid import DELAY, REVERSED_DIGITS
from assay.load.requests import Request
from assay.models.recipe import label_name
from assay.models.revid import RevIdModel
from assay.scoring.synthetic import TEST_WIKI

TOLERANCE: Final = 1e-9
"""Of numbers: two builds of one library may sum in another order."""
UNREADABLE: Final = "unreadable"
"""The code of an error whose body does not tell one."""
MALFORMED: Final = "malformed"
"""Why an answer of status 200 is lost: its body is no JSON object."""

Scores = dict[str, dict[str, dict[str, Any]]]
"""By wiki, revision (as text) and model: scores as JSON has them."""

_TEST_MODEL: Final = RevIdModel(wiki=TEST_WIKI, name="revid", version="", digest="")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lost`: why no answer can be read, or None. `wrong`: a sentence for each fault. `error`: the code of
    an answer that is one, or None; `cell_errors`: the codes of cells that are. `compared`: scores that were
    compared with what they must be; `unknown`: those of which nobody knows it."""

    lost: str | None = None
    wrong: tuple[str, ...] = ()
    error: str | None = None
    cell_errors: tuple[str, ...] = ()
    compared: int = 0
    unknown: int = 0


class Expectations:
    """What scores must be: by wiki, revision and model.

    `is_learning`: take a score that is not known yet for right, so that a run records what later ones are
    compared with, and already notices a server that contradicts itself. `knows_rule`: the test model's
    scores follow from the ids; False when a request changes them (`breaks_rule`).
    """

    def __init__(
        self, scores: Scores | None = None, *, is_learning: bool = False, knows_rule: bool = True
    ) -> None:
        self.scores = scores or {}
        self._is_learning, self._knows_rule = is_learning, knows_rule

    @classmethod
    def read(cls, path: Path, *, is_learning: bool = False, knows_rule: bool = True) -> Expectations:
        """Of a file that `save` wrote. Raises `ConfigurationError` when it is none."""
        try:
            scores = orjson.loads(path.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise ConfigurationError(
                f"{path} cannot be read as expected scores: {reason_of(error)}"
            ) from error
        levels = [scores]
        for _ in range(2):
            if all(isinstance(level, dict) for level in levels):
                levels = [inner for level in levels for inner in level.values()]
        if not all(isinstance(level, dict) for level in levels):
            raise ConfigurationError(f"{path}: expected scores are {{wiki: {{revision: {{model: score}}}}}}")
        return cls(scores, is_learning=is_learning, knows_rule=knows_rule)

    def save(self, path: Path) -> None:
        path.write_bytes(orjson.dumps(self.scores, option=orjson.OPT_SORT_KEYS))

    def knows(self, wiki: str, rev_id: int, model: str) -> bool:
        """Whether there is anything to compare that score with."""
        return self._known(wiki, rev_id, model) is not None

    def fault(self, wiki: str, rev_id: int, model: str, score: Any) -> str | None:
        """What is wrong with `score`; None when nothing is known against it."""
        known = self._known(wiki, rev_id, model)
        if known is not None:
            return None if same(known, score) else f"is {_shown(score)}, not {_shown(known)}"
        if self._is_learning:
            self.scores.setdefault(wiki, {}).setdefault(str(rev_id), {})[model] = score
        return None

    def _known(self, wiki: str, rev_id: int, model: str) -> Any:
        if self._knows_rule and (wiki, model) == (TEST_WIKI, _TEST_MODEL.name):
            return revid_score(rev_id)
        return self.scores.get(wiki, {}).get(str(rev_id), {}).get(model)


def judge(request: Request, status: int, body: bytes, expected: Expectations) -> Verdict:
    """What an answer is worth that arrived whole."""
    document = _object(body)
    if status != 200:
        return Verdict(error=_code((document or {}).get("error")))
    if document is None:
        return Verdict(lost=MALFORMED)
    about = document.get(request.wiki)
    if not isinstance(about, dict) or not isinstance(about.get("models"), dict):
        return Verdict(wrong=(f"the wiki {request.wiki} is missing",))
    if not request.rev_ids:
        return Verdict()
    return _judge_scores(request, _dict(about.get("scores")), expected)


def revid_score(rev_id: int) -> dict[str, Any]:
    """What the test model must say of a revision of the test wiki, as JSON."""
    assert REVERSED_DIGITS.compute is not None
    score = _TEST_MODEL.score((REVERSED_DIGITS.compute(rev_id), 0.0))
    probability = {label_name(label): value for label, value in score.probability.items()}
    return {"prediction": score.prediction, "probability": probability}


def breaks_rule(parameters: Iterable[str]) -> bool:
    """Do these parameters of a request change the test model's scores?"""
    return any(
        name.startswith(("feature.", "datasource.", "inject")) and name != DELAY.name for name in parameters
    )


def same(expected: Any, actual: Any) -> bool:
    """Equal JSON values, but for the last digits of numbers."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(same(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    if _is_number(expected) and _is_number(actual):
        return math.isclose(expected, actual, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(expected) is type(actual) and bool(expected == actual)


def _judge_scores(request: Request, scores: dict[str, Any], expected: Expectations) -> Verdict:
    wrong: list[str] = []
    errors: list[str] = []
    known: list[bool] = []
    for rev_id, model, cell in _cells(request, scores):
        fault = None
        if "score" in cell:
            known.append(expected.knows(request.wiki, rev_id, model))
            fault = expected.fault(request.wiki, rev_id, model, cell["score"])
        elif "error" in cell:
            errors.append(_code(cell["error"]))
        else:
            fault = "is neither a score nor an error"
        if fault is not None:
            wrong.append(f"{request.wiki} {rev_id} {model} {fault}")
    return Verdict(
        wrong=tuple(wrong),
        cell_errors=tuple(errors),
        compared=sum(known),
        unknown=len(known) - sum(known),
    )


def _cells(request: Request, scores: dict[str, Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Each cell that was asked for; one that is missing is empty."""
    for rev_id in request.rev_ids:
        cells = _dict(scores.get(str(rev_id)))
        for model in request.models or tuple(cells) or ("(any)",):
            yield rev_id, model, _dict(cells.get(model))


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _code(error: Any) -> str:
    """Ours have a `code`, ORES's cells only a `type`."""
    told = _dict(error)
    return str(told.get("code") or told.get("type") or UNREADABLE)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(score: Any) -> str:
    return orjson.dumps(score).decode()[:200]
