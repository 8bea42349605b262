"""Every request to Lift Wing that we have a record of, asked again: the answers keep the recorded shapes.

The models are the shipped ones where there are, and stand-ins with the same labels for Wikidata; the wikis'
revisions are made up, since the recorded ones cannot be had here. So shapes are compared, not numbers.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from assay.models.bundle import load_bundle
from assay.models.library import shipped_folder
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.app import build_app
from assay.serving.options import AppOptions
from assay.serving.ores.model_info import ModelInfos
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from servers.asgi import Served, serving
from shared_data import shared
from small_app import CLOCK, HIDDEN_TEXT, post_json
from small_models import TEXT_CHARS, ClassModel

RECORDED: Final = "samples/ores/liftwing-predict.jsonl"
_ID: Final = re.compile(r"-?[0-9]+")


def recorded() -> list[dict[str, Any]]:
    lines = shared(RECORDED).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def wikimedia() -> Iterator[Served]:
    """The three wikis of the record."""
    shipped = [Path(shipped_folder()) / wiki / "articlequality" for wiki in ("enwiki", "ruwiki")]
    items = ClassModel("wikidatawiki", "itemquality", (TEXT_CHARS,), labels=("A", "B", "C", "D", "E"))
    models = ModelSets([*(load_bundle(path) for path in shipped), items])
    metrics = Metrics("test")
    wikis = Wikis({name: SyntheticSource(CLOCK) for name in ("enwiki", "ruwiki", "wikidatawiki")}, models)
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(wikis, InlineEngine(models, metrics), cache, metrics)
    with serving(build_app(AppOptions(), service, ModelInfos({}), metrics, CLOCK).asgi) as served:
        yield served


def derived(values: list[Any]) -> dict[str, Any]:
    """A JSON schema that the recorded `values` keep: what all have is required, nothing else is allowed.

    Revision ids are one kind of key, and so are the names of features, which are each model's own. A feature
    may be missing in Assay, which ORES did not know.
    """
    if all(isinstance(value, dict) for value in values):
        keys = [set(value) for value in values]
        if all(_ID.fullmatch(key) or key.startswith("feature.") for key in set().union(*keys)):
            members = derived([member for value in values for member in value.values()])
            if members["type"] == ["number"]:
                members = {"type": ["null", "number"]}
            return {"type": "object", "additionalProperties": members, "minProperties": 1}
        return {
            "type": "object",
            "properties": {
                key: derived([value[key] for value in values if key in value]) for key in set().union(*keys)
            },
            "required": sorted(set.intersection(*keys)),
            "additionalProperties": False,
        }
    kinds = {bool: "boolean", int: "number", float: "number", str: "string"}
    return {"type": sorted({kinds[type(value)] for value in values})}


def test_all_that_was_asked_of_lift_wing_is_answered_in_its_shape(wikimedia: Served) -> None:
    good: dict[str, list[dict[str, Any]]] = {}
    for line in recorded():
        if line["status"] == 200:
            good.setdefault(line["uri"] + str(len(line["request_body"]) > 30), []).append(line)
    assert sum(map(len, good.values())) == 345
    connection = http.client.HTTPConnection("127.0.0.1", wikimedia.port, timeout=60)
    with_features = 0
    for lines in good.values():
        schema = jsonschema.Draft202012Validator(derived([line["json"] for line in lines]))
        for line in lines:
            path = line["uri"].removeprefix("https://api.wikimedia.org")
            connection.request("POST", path, line["request_body"], {"Content-Type": "application/json"})
            reply = connection.getresponse()
            ours = json.loads(reply.read())
            assert reply.status == 200, ours
            assert reply.headers.get_content_type() == line["content_type"]
            _with_their_classes(ours, line["json"])
            with_features += _with_their_features(ours, line["json"])
            schema.validate(ours)
    connection.close()
    assert with_features == 259


def _with_their_features(ours: Any, theirs: Any) -> bool:
    """Whether Lift Wing told features of an article; ours must then have each, with a number of the same
    type."""
    (wiki,), (rev_id,) = theirs, theirs[next(iter(theirs))]["scores"]
    told, wanted = (document[wiki]["scores"][rev_id].get("articlequality", {}) for document in (ours, theirs))
    expected = {name: type(value) for name, value in wanted.get("features", {}).items()}
    assert {name: type(told["features"].get(name)) for name in expected} == expected
    return bool(expected)


def _with_their_classes(ours: Any, theirs: Any) -> None:
    """A stand-in's labels say nothing; those of a shipped model must be Lift Wing's."""
    (wiki,), (rev_id,) = ours, ours[next(iter(ours))]["scores"]
    (model,) = ours[wiki]["scores"][rev_id]
    told, wanted = (document[wiki]["scores"][rev_id][model]["score"] for document in (ours, theirs))
    if model == "itemquality":
        told["probability"] = dict.fromkeys(wanted["probability"], 0.5)
    assert set(told["probability"]) == set(wanted["probability"])


def test_the_recorded_error_and_ours_have_one_shape(live: Served) -> None:
    (line,) = [line for line in recorded() if line["status"] != 200]
    rev_id = str(json.loads(line["request_body"])["rev_id"])
    reply = post_json(live, "/v1/models/smallwiki-damaging:predict", {"rev_id": HIDDEN_TEXT})
    assert reply.status == line["status"] == 400
    jsonschema.validate(reply.json, derived([line["json"]]))
    beginning = line["json"]["error"].partition("TextDeleted")[0] + "TextDeleted: "
    assert reply.json["error"].startswith(beginning.replace(rev_id, str(HIDDEN_TEXT)))
