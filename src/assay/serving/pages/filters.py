"""What a reader may narrow the feed to: a model's named operating points, and kinds of authors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from assay.errors import BadParameter
from assay.scoring.wikis import Wiki
from assay.serving.native.models import ModelsApi
from assay.serving.pages.wording import in_reading_order, model_title


@dataclass(frozen=True, slots=True)
class Filter:
    """Edits whose probability of ``true`` by `model` is from `least` to `most`. `name`: in the address.
    `meaning`: the fields with which the explorer of thresholds shows this point."""

    name: str
    model: str
    title: str
    condition: str
    least: float
    most: float
    meaning: str

    def takes(self, scores: Mapping[str, Any]) -> bool:
        """`scores`: as in the feed's document. An edit without a score is not what anybody looked for."""
        chance = scores.get(self.model, {}).get("probability", {}).get("true")
        return chance is not None and self.least <= chance <= self.most


def filters_of(wiki: Wiki, models: ModelsApi) -> list[Filter]:
    """All that this wiki's models offer; a model that was not measured offers none."""
    return [
        _filter(name, point)
        for name in in_reading_order(wiki.models)
        if models.is_measured(wiki.models[name])
        for point in models.points(wiki, wiki.models[name])
        if point["range"] is not None
    ]


def chosen(filters: Sequence[Filter], name: str) -> Filter | None:
    """The filter called `name`; None for an empty name. Raises `BadParameter`."""
    if not name:
        return None
    for one in filters:
        if one.name == name:
            return one
    raise BadParameter(f"This wiki has no filter {name[:60]!r}: choose one from the list.")


def _filter(model: str, point: Mapping[str, Any]) -> Filter:
    least, most = point["range"]
    condition = point["query"].partition(" @ ")[2].replace(">=", "≥").replace("<=", "≤")
    meaning = urlencode({"label": point["label"], "at": point["cut"]["threshold"]})
    name, title = f"{model}.{point['name']}", f"{model_title(model)}: {point['title']}"
    return Filter(name, model, title, condition, least, most, meaning)
