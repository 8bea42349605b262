"""The Open Inference Protocol over real HTTP, on every engine."""

from __future__ import annotations

from typing import Any

import jsonschema
import numpy as np
import pytest

from assay import __version__
from assay.clock import Deadline
from assay.scoring.request import Cell, Job
from servers.asgi import Served, serving
from small_app import AWAY, GONE, SmallApp, ask, post_json

MODEL = "/v2/models/smallwiki-damaging"
NUMPY = {"FP64": np.float64, "BYTES": np.str_}
TENSOR = {
    "type": "object",
    "required": ["name", "shape", "datatype", "data"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": list(NUMPY)},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "data": {"type": "array", "items": {"type": ["number", "string", "boolean"]}},
    },
    "additionalProperties": False,
}
RESPONSE = {
    "type": "object",
    "required": ["model_name", "outputs"],
    "properties": {
        "model_name": {"type": "string"},
        "model_version": {"type": "string"},
        "id": {"type": "string"},
        "outputs": {"type": "array", "items": TENSOR},
    },
    "additionalProperties": False,
}
"""The protocol's inference response."""


def tensor(rev_ids: list[Any], **more: Any) -> dict[str, Any]:
    return {"name": "rev_id", "datatype": "INT64", "shape": [len(rev_ids)], "data": rev_ids} | more


def infer(
    live: Served, rev_ids: list[int], path: str = MODEL, **more: Any
) -> dict[str, np.ndarray[Any, Any]]:
    """The output tensors by name, as a client with numpy reads them."""
    reply = post_json(live, f"{path}/infer", {"inputs": [tensor(rev_ids)], **more})
    assert reply.status == 200, reply.body
    jsonschema.validate(reply.json, RESPONSE)
    return {
        output["name"]: np.array(output["data"], NUMPY[output["datatype"]]).reshape(output["shape"])
        for output in reply.json["outputs"]
    }


def test_rows_are_the_scores_of_ores(live: Served) -> None:
    told = infer(live, [12, 13, 12])
    scores = ask(live, "/v3/scores/smallwiki/?models=damaging&revids=12|13").json["smallwiki"]["scores"]
    labels = list(told["label"])
    for row, rev_id in enumerate((12, 13, 12)):
        score = scores[str(rev_id)]["damaging"]["score"]
        assert dict(zip(labels, told["probability"][row], strict=True)) == score["probability"]
        assert told["prediction"][row] == str(score["prediction"]).lower()
        assert told["error"][row] == ""


def test_named_classes_are_told_by_name(live: Served) -> None:
    told = infer(live, [12], "/v2/models/smallwiki-articlequality")
    assert list(told["label"]) == ["FA", "B", "Stub"]
    assert told["probability"].tolist() == [[0.165, 0.1, 0.735]]
    assert told["prediction"].tolist() == ["Stub"]


def test_a_row_that_fails_does_not_disturb_the_others(live: Served) -> None:
    told = infer(live, [12, GONE, AWAY, 13])
    assert [error.partition(":")[0] for error in told["error"]] == [
        "",
        "revision_not_found",
        "source_unavailable",
        "",
    ]
    assert told["probability"][1:3].tolist() == [[-1.0, -1.0]] * 2
    assert list(told["prediction"][1:3]) == ["", ""]
    assert told["probability"][[0, 3]].sum(axis=1) == pytest.approx([1, 1])


def test_outputs_are_those_asked_for_in_their_order(live: Served) -> None:
    asked = [{"name": "prediction", "parameters": {}}, {"name": "probability"}]
    assert list(infer(live, [12], outputs=asked)) == ["prediction", "probability"]
    assert len(infer(live, [12], outputs=[])) == 4


def test_id_version_and_name_come_back(live: Served) -> None:
    asked = {"id": "42", "inputs": [tensor([12])], "parameters": {"x": 1}}
    for path in (MODEL, f"{MODEL}/versions/1.2.3"):
        told = post_json(live, f"{path}/infer", asked).json
        assert (told["id"], told["model_name"], told["model_version"]) == (
            "42",
            "smallwiki-damaging",
            "1.2.3",
        )
    assert "id" not in post_json(live, f"{MODEL}/infer", {"inputs": [tensor([12])]}).json


def test_fifty_rows_are_the_most(live: Served) -> None:
    assert infer(live, list(range(1, 51)))["probability"].shape == (50, 2)
    reply = post_json(live, f"{MODEL}/infer", {"inputs": [tensor(list(range(1, 52)))]})
    assert reply.json == {"error": "Could not interpret rev_id. Give 1 to 50 ids as its data."}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        [],
        {},
        {"inputs": tensor([12])},
        {"inputs": []},
        {"inputs": [tensor([12]), tensor([13])]},
        {"inputs": [tensor([12], name="revid")]},
        {"inputs": [tensor([12], datatype="INT32")]},
        {"inputs": [tensor([12], shape=[2])]},
        {"inputs": [tensor([12], shape=[1, 1])]},
        {"inputs": [tensor([12], shape=[True])]},
        {"inputs": [tensor([12], shape=[1.0])]},
        {"inputs": [tensor([12], shape=1)]},
        {"inputs": [tensor([])]},
        {"inputs": [tensor(["12"])]},
        {"inputs": [tensor([12.0])]},
        {"inputs": [tensor([True])]},
        {"inputs": [tensor([None])]},
        {"inputs": [tensor([[12]])]},
        {"inputs": [tensor([0])]},
        {"inputs": [tensor([2**63])]},
        {"inputs": [tensor([12])], "id": 42},
        {"inputs": [tensor([12])], "id": "x" * 1001},
        {"inputs": [tensor([12])], "parameters": []},
        {"inputs": [tensor([12])], "outputs": [{"name": "rate"}]},
        {"inputs": [tensor([12])], "outputs": [{"name": ["label"]}]},
        {"inputs": [tensor([12])], "outputs": [{"name": "label"}, {"name": "label"}]},
        {"inputs": [tensor([12])], "outputs": {"name": "label"}},
    ],
    ids=lambda document: str(document)[:70],
)
def test_what_is_no_inference_is_refused(inline: Served, document: Any) -> None:
    reply = post_json(inline, f"{MODEL}/infer", document)
    assert reply.status == 400, reply.body
    assert set(reply.json) == {"error"}
    assert isinstance(reply.json["error"], str)


def test_a_model_tells_its_tensors(live: Served) -> None:
    told = ask(live, MODEL).json
    assert told == ask(live, f"{MODEL}/versions/1.2.3").json
    assert (told["name"], told["versions"]) == ("smallwiki-damaging", ["1.2.3"])
    given = infer(live, [12, 13])
    assert [output["name"] for output in told["outputs"]] == list(given)
    for output in told["outputs"]:
        fits = zip(output["shape"], given[output["name"]].shape, strict=True)
        assert all(wanted in (-1, size) for wanted, size in fits)


@pytest.mark.parametrize("path", ["", "/ready", "/versions/9", "/versions/9/ready"])
def test_what_is_not_here_is_not_found(live: Served, path: str) -> None:
    name = "smallwiki-damaging" if "9" in path else "smallwiki-x"
    reply = ask(live, f"/v2/models/{name}{path}")
    assert (reply.status, set(reply.json)) == (404, {"error"})


def test_server_and_models_are_alive_and_ready(live: Served) -> None:
    assert ask(live, "/v2/health/live").json == {"live": True}
    assert ask(live, "/v2/health/ready").json == {"live": True, "ready": True}
    for path in (MODEL, f"{MODEL}/versions/1.2.3"):
        assert ask(live, f"{path}/ready").json == {"name": "smallwiki-damaging", "ready": True}


class DeadEngine:
    """An engine whose processes are gone."""

    async def start(self) -> None: ...

    async def score(self, job: Job, deadline: Deadline) -> dict[str, Cell]:
        raise TimeoutError

    async def aclose(self) -> None: ...


def test_a_server_that_cannot_score_is_alive_and_not_ready() -> None:
    with serving(SmallApp(engine=DeadEngine()).build().asgi) as live:
        assert ask(live, "/v2/health/live").status == 200
        ready = ask(live, "/v2/health/ready")
        assert (ready.status, ready.json) == (503, {"live": True, "ready": False})
        for path in (f"{MODEL}/ready", "/v1/models/smallwiki-damaging"):
            reply = ask(live, path)
            assert reply.status == 503
            assert reply.json == {"error": "Model with name smallwiki-damaging is not ready."}


def test_a_program_is_told_what_the_server_is_and_a_browser_is_sent_to_ores(live: Served) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        told = ask(live, "/v2", headers=headers)
        assert told.json == {"name": "assay", "version": __version__, "extensions": []}
    browser = ask(live, "/v2", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (browser.status, browser.headers["location"]) == (307, "/v2/")
    assert ask(live, "/v2/").headers["content-type"].startswith("text/html")
    spec = ask(live, "/v2?spec").headers["location"]
    assert spec == "/v2/?spec"
    assert ask(live, spec).json["swagger"] == "2.0"
