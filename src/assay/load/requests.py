"""What is asked: requests of ORES's third API, drawn from a mix."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, get_args
from urllib.parse import quote, urlencode

Kind = Literal["scores", "revision", "cell", "bulk", "models", "wikis"]
"""`scores`: several revisions; `revision`: one by its path; `cell`: one model's score of one; `bulk`: as
`scores`, but nobody waits for it (ORES's precache); `models`, `wikis`: what there is, without scores."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Request:
    """`target`: path and query, percent-encoded. `rev_ids`: empty when no scores are asked for; `models`:
    empty for all that the wiki has."""

    kind: Kind
    wiki: str
    rev_ids: tuple[int, ...]
    models: tuple[str, ...]
    target: str


def requests(
    wiki: str,
    revisions: Sequence[int],
    models: Sequence[str],
    mix: Mapping[Kind, float],
    *,
    per_request: int,
    parameters: Mapping[str, str],
    seed: int,
) -> Iterator[Request]:
    """Requests without end. Revisions are taken in turn, so that none is asked for twice before all were."""
    random = Random(f"{seed} requests")  # other numbers than the times are drawn from
    turn = itertools.cycle(revisions) if not isinstance(revisions, range) else _round_and_round(revisions)
    kinds, weights = list(mix), list(mix.values())
    while True:
        (kind,) = random.choices(kinds, weights)
        rev_ids = tuple(itertools.islice(turn, _size(kind, per_request)))
        chosen = (random.choice(models),) if kind == "cell" else tuple(models)
        yield Request(kind, wiki, rev_ids, chosen, target(kind, wiki, rev_ids, chosen, parameters))


def target(
    kind: Kind, wiki: str, rev_ids: Sequence[int], models: Sequence[str], parameters: Mapping[str, str]
) -> str:
    """Path and query of a request."""
    if kind == "wikis":
        return "/v3/scores/"
    path = f"/v3/scores/{quote(wiki, safe='')}/"
    if kind == "models":
        return path
    asked = {"models": "|".join(models)} if models else {}
    if kind == "cell":
        return _with_query(f"{path}{rev_ids[0]}/{quote(models[0], safe='')}/", parameters)
    if kind == "revision":
        return _with_query(f"{path}{rev_ids[0]}/", {**asked, **parameters})
    lane = {"precache": "true"} if kind == "bulk" else {}
    return _with_query(path, {"revids": "|".join(map(str, rev_ids)), **asked, **lane, **parameters})


def _with_query(path: str, parameters: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(parameters)}" if parameters else path


def _size(kind: Kind, per_request: int) -> int:
    if kind in ("models", "wikis"):
        return 0
    return 1 if kind in ("revision", "cell") else per_request


def _round_and_round(revisions: range) -> Iterator[int]:
    """As `itertools.cycle`, which would remember what a range can tell again."""
    while True:
        yield from revisions
