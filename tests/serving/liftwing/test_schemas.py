"""Lift Wing's and the Open Inference Protocol's documents: described as they are answered."""

from __future__ import annotations

from assay.serving.liftwing.schemas import SCHEMAS
from servers.asgi import Served
from serving.described import Described
from small_app import GONE, ask, post_json

ASKED = {"Prediction", "RevisionData", "Inference"}
"""Bodies of requests; `test_generated` sends them as they are described, and otherwise."""


def test_every_answer_is_described_and_every_description_answered(inline: Served) -> None:
    described = Described.of(inline)
    model = "/v1/models/{name}"
    described.hold("GET", "/v1/models", ask(inline, "/v1/models").json)
    described.hold("GET", model, ask(inline, "/v1/models/smallwiki-damaging").json)
    for verb in ("predict", "explain"):
        answer = post_json(inline, f"/v1/models/smallwiki-damaging:{verb}", {"rev_id": 12})
        described.hold("POST", f"{model}:{verb}", answer.json)
    risk = "/v1/models/revertrisk-multilingual:predict"
    described.hold("POST", f"{model}:predict", post_json(inline, risk, {"rev_id": 12, "lang": "small"}).json)
    several = {"instances": [{"rev_id": rev_id, "lang": "small"} for rev_id in (12, GONE)]}
    described.hold("POST", f"{model}:predict", post_json(inline, risk, several).json)
    for path in ("/v2", "/v2/health/live", "/v2/health/ready"):
        described.hold("GET", path, ask(inline, path).json)
    tensors = "/v2/models/{name}"
    described.hold("GET", tensors, ask(inline, "/v2/models/smallwiki-articlequality").json)
    ids = {"name": "rev_id", "datatype": "INT64", "shape": [2], "data": [12, 13]}
    inferred = post_json(inline, "/v2/models/smallwiki-damaging/infer", {"id": "mine", "inputs": [ids]})
    described.hold("POST", f"{tensors}/infer", inferred.json)
    for path in ("/v1/models/none:predict", risk):
        refused = post_json(inline, path, {"rev_id": GONE, "lang": "small"})
        assert refused.status in (404, 422)
        described.hold_schema({"$ref": "#/components/schemas/KserveError"}, refused.json)
    missed = described.fields(*(set(SCHEMAS) - ASKED)) - described.seen
    assert {name for name in missed if name.split(".")[0] in SCHEMAS} == set()
