"""Models by the names that Lift Wing gives them: ``enwiki-damaging``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from assay.models.model import Model
from assay.scoring.wikis import Wiki
from assay.serving.refusals import HttpError


@dataclass(frozen=True, slots=True)
class NamedModel:
    """`called`: the model's name as asked, which may be an alias or a former name. `is_listed`: whether it is
    told to who asks for all; a former name is not, so that each model is told once."""

    name: str
    wiki: Wiki
    called: str
    model: Model
    is_listed: bool = True


def named_models(wikis: Mapping[str, Wiki]) -> Mapping[str, NamedModel]:
    """All models of all wikis by all that ORES's API answers to, sorted by name. Lift Wing never knew
    ``enwiki-wp10``; programs that put its names together from ORES's ask for it.

    A name is looked up and never taken apart: wikis and models may have hyphens of their own. Should two
    pairs give the same name, it is the one of the wiki with the longer name.
    """
    named: dict[str, NamedModel] = {}
    for wiki in sorted(wikis.values(), key=lambda wiki: len(wiki.name)):
        for called, model in wiki.answering.items():
            name = f"{wiki.name}-{called}"
            named[name] = NamedModel(name, wiki, called, model, called in wiki.called)
    return MappingProxyType(dict(sorted(named.items())))


def no_such_model(name: str) -> HttpError:
    return HttpError(404, f"Model with name {name[:200]} does not exist; GET /v1/models lists all.")
