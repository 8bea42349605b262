"""What a version of ORES's API is: its paths, its parameters, and how an answer is written down.

The versions differ in nothing else, so that no limit, check or repair can be forgotten in one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay.models.model import Model
from assay.scoring.service import Table

_OF_LISTS: Final = frozenset({"model_info", "format", "callback"})
_IN_PATHS: Final = {"models": "{model}", "revids": "{rev_id}"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What every version's document is made of.

    `models`: by the names to answer with. `infos`: by the same names, what was asked of each; empty: nothing.
    `table`: None when no revision was asked for. `only`: the model, when the path names one. `error_codes`:
    whether cells' errors have what ORES's had not.
    """

    wiki: str
    models: Mapping[str, Model]
    infos: Mapping[str, Mapping[str, Any]]
    table: Table | None = None
    only: str | None = None
    error_codes: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `roots`: where its paths begin. `paths`: below a root, in the version's order of wiki,
    model and revision, with the name of the answer's schema; the empty path lists the wikis. `parameters`:
    the names of all that it reads (`schemas.PARAMETERS`). `default_info`: what is told of a model when
    ``model_info`` is not given. `wikis` and `scores` write the documents.
    """

    name: str
    roots: tuple[str, ...]
    paths: Mapping[str, str]
    parameters: tuple[str, ...]
    default_info: tuple[str, ...]
    wikis: Callable[[Sequence[Answer]], Any]
    scores: Callable[[Answer], Any]

    def parameters_of(self, path: str) -> tuple[str, ...]:
        """Those that mean something at `path`: what stands in it needs no parameter."""
        if not path:
            return tuple(name for name in self.parameters if name in _OF_LISTS)
        return tuple(name for name in self.parameters if _IN_PATHS.get(name, "{}") not in path)
