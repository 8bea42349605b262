"""Clients that were written for ORES, as they read its answers: an extension, gadgets, dashboards, bots.

What stands for a client does what it did with an answer, and no more; where it failed, so does this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from servers.asgi import Served
from small_app import GONE, HIDDEN_TEXT, ask

WIKI = "samplewiki"


def get(served: Served, path: str, **parameters: str) -> Any:
    return ask(served, f"{path}?{urlencode(parameters)}").json


# -- Extension:ORES ------------------------------------------------------------------------------------

Levels = Mapping[str, Mapping[str, float | str]]

LEVELS: Levels = {
    "likelygood": {"min": 0, "max": "maximum recall @ precision >= 0.995"},
    "maybebad": {"min": "maximum filter_rate @ recall >= 0.9", "max": 1},
    "likelybad": {"min": "maximum recall @ precision >= 0.15", "max": 1},
    "verylikelybad": {"min": "maximum recall @ precision >= 0.9", "max": 1},
    "certainlybad": {"min": "maximum recall @ precision >= 1.1", "max": 1},
}
"""As in a wiki's settings: numbers, or queries whose answers become numbers."""


def thresholds(served: Served, model: str, levels: Levels) -> dict[str, dict[str, float]]:
    """Bounds by level. Queries for lower bounds are asked of ``true``, those for upper bounds of ``false``;
    answers are found by their place in the list, and a level with a null is left out."""
    asked: dict[str, list[str]] = {"true": [], "false": []}
    paths = []
    for level in levels.values():
        for bound, formula in level.items():
            if isinstance(formula, str):
                outcome = "true" if bound == "min" else "false"
                asked[outcome].append(formula)
                paths.append(f'statistics.thresholds.{outcome}."{formula}"')
    data = get(served, f"/v3/scores/{WIKI}/", models=model, model_info="|".join(paths), format="json")
    assert "error" not in data
    told = data[WIKI]["models"][model]["statistics"]["thresholds"]
    rows = {outcome: dict(zip(asked[outcome], told[outcome], strict=True)) for outcome in asked}
    found: dict[str, dict[str, float]] = {}
    for name, level in levels.items():
        low, high = (_bound(bound, level[bound], rows) for bound in ("min", "max"))
        if low is not None and high is not None:
            found[name] = {"min": low, "max": high}
    return found


def _bound(bound: str, formula: float | str, rows: Mapping[str, Mapping[str, Any]]) -> float | None:
    if not isinstance(formula, str):
        return formula
    row = rows["true" if bound == "min" else "false"][formula]
    if row is None:
        return None
    return float(row["threshold"] if bound == "min" else 1 - row["threshold"])


def test_the_extension_gets_its_thresholds_and_leaves_out_what_is_impossible(shipped: Served) -> None:
    found = thresholds(shipped, "damaging", LEVELS)
    assert {"likelygood", "maybebad", "likelybad"} <= set(found) <= set(LEVELS) - {"certainlybad"}
    for level in found.values():
        assert 0 <= level["min"] <= level["max"] <= 1
    assert found["maybebad"]["min"] < found["likelybad"]["min"]


def test_the_extension_gets_versions_and_scores(shipped: Served) -> None:
    """It refuses an answer with an ``error`` at the top, and maps each class of each model to a number."""
    classes: dict[str, dict[str, int]] = {
        "damaging": {"false": 0, "true": 1},
        "goodfaith": {"false": 0, "true": 1},
        "articlequality": {"Stub": 0, "Start": 1, "C": 2, "B": 3, "GA": 4, "FA": 5},
    }
    known = get(shipped, f"/v3/scores/{WIKI}/", format="json")[WIKI]["models"]
    assert all(isinstance(known[model]["version"], str) for model in classes)
    data = get(shipped, f"/v3/scores/{WIKI}/", models="|".join(classes), revids="1260|1261", format="json")
    assert "error" not in data
    for row in data[WIKI]["scores"].values():
        for model, outputs in row.items():
            assert "error" not in outputs
            prediction = outputs["score"]["prediction"]
            predicted = json.dumps(prediction) if isinstance(prediction, bool) else prediction
            assert predicted in classes[model]
            for label, probability in outputs["score"]["probability"].items():
                assert label in classes[model]
                assert 0 <= float(f"{probability:.3f}") <= 1


def test_the_extension_gets_an_errors_type_where_a_score_is_missing(live: Served) -> None:
    data = get(live, "/v3/scores/smallwiki/", models="damaging", revids=f"12|{HIDDEN_TEXT}", format="json")
    kinds = {
        rev: row["damaging"].get("error", {}).get("type") for rev, row in data["smallwiki"]["scores"].items()
    }
    assert kinds == {"12": None, str(HIDDEN_TEXT): "TextDeleted"}


def test_special_pages_of_the_extension_read_the_models_statistics(shipped: Served) -> None:
    paths = (
        "statistics.thresholds.true.'maximum recall @ precision >= 0.15'|statistics.rates|statistics.counts"
    )
    told = get(shipped, f"/v3/scores/{WIKI}/", models="damaging", model_info=paths)[WIKI]["models"][
        "damaging"
    ]
    row = told["statistics"]["thresholds"]["true"][0]
    assert {"threshold", "recall", "precision", "filter_rate", "!recall"} <= set(row)
    assert set(told["statistics"]["rates"]) == {"sample", "population"}


# -- RTRC, a gadget --------------------------------------------------------------------------------------


def annotate(served: Served, wiki: str, rev_ids: Sequence[int]) -> dict[int, float]:
    """Over the oldest paths: it picks the first model that it knows, then asks for many revisions; by script
    where a browser lets no other way. Revisions with an error stay bare."""
    models = _by_script(served, f"/scores/{wiki}/", {})["models"]
    model = next(name for name in ("damaging", "reverted") if name in models)
    asked = {"models": model, "revids": "|".join(map(str, rev_ids))}
    data = _by_script(served, f"/scores/{wiki}/", asked)
    return {
        int(rev_id): row[model]["probability"]["true"]
        for rev_id, row in data.items()
        if "error" not in row[model]
    }


def _by_script(served: Served, path: str, parameters: Mapping[str, str]) -> Any:
    query = urlencode({**parameters, "callback": "jQuery111308_1", "_": "1480000000"})
    text = ask(served, f"{path}?{query}").body.decode()
    match = re.fullmatch(r"/\*\*/jQuery111308_1\((.*)\);", text, re.DOTALL)
    assert match is not None
    return json.loads(match[1])


def test_the_gadget_annotates_what_could_be_scored(live: Served) -> None:
    assert set(annotate(live, "smallwiki", [12, 13, GONE])) == {12, 13}
    assert set(annotate(live, "awaywiki", [12])) == {12}


# -- ORES's own client ------------------------------------------------------------------------------------


def score_all(
    served: Served, wiki: str, models: Sequence[str], rev_ids: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Fifty revisions in a request, four requests at once, answers in the order of the revisions."""
    batches = [rev_ids[start : start + 50] for start in range(0, len(rev_ids), 50)]

    def one(batch: Sequence[int]) -> list[dict[str, Any]]:
        data = get(served, f"/v3/scores/{wiki}/", models="|".join(models), revids="|".join(map(str, batch)))
        if "error" in data:
            raise RuntimeError(data["error"])
        return [data[wiki]["scores"][str(rev_id)] for rev_id in batch]

    with ThreadPoolExecutor(4) as pool:
        for answers in pool.map(one, batches):
            yield from answers


def test_the_own_client_scores_hundreds_in_batches(live: Served) -> None:
    rev_ids = list(range(1, 431))
    answers = list(score_all(live, "testwiki", ["revid"], rev_ids))
    found = [round(answer["revid"]["score"]["probability"]["true"] * 100) for answer in answers]
    assert found == [int(f"{rev_id % 100:02}"[::-1]) for rev_id in rev_ids]


def test_the_own_client_raises_what_the_server_refuses(live: Served) -> None:
    with pytest.raises(RuntimeError, match="Models \\('none',\\) not available for testwiki"):
        list(score_all(live, "testwiki", ["none"], [1]))


# -- a bot without a JSON parser ---------------------------------------------------------------------------


def cut(text: str) -> dict[int, tuple[float, float]]:
    """Damaging and goodfaith, in percent, by revision: what stands between certain texts."""
    found = {}
    for row in re.finditer(r'(?:{|, )"([0-9]+)":(.+?)}}}}', text):
        if "error" not in row[2]:
            chances = re.findall(r'"(?:damaging|goodfaith)": {"score": .*?"true": ([0-9.e-]+)', row[2])
            damaging, goodfaith = (round(float(chance) * 100, 2) for chance in chances)
            found[int(row[1])] = (damaging, goodfaith)
    return found


def test_a_bot_cuts_scores_out_of_short_json(shipped: Served) -> None:
    asked = "?models=damaging|goodfaith&format=json&revids=1260%7C999999%7C1261"
    reply = ask(shipped, f"/v3/scores/{WIKI}/{asked}")
    found = cut(reply.body.decode())
    assert set(found) == {1260, 1261}
    for rev_id, percents in found.items():
        cells = reply.json[WIKI]["scores"][str(rev_id)].values()
        assert percents == tuple(round(cell["score"]["probability"]["true"] * 100, 2) for cell in cells)


# -- what turned precached scores into events ----------------------------------------------------------------


def test_cells_become_the_members_of_a_score_event(live: Served) -> None:
    """An error is taken over whole, and the event's schema knows the members that ORES gave."""
    data = get(live, "/v3/scores/smallwiki/", models="damaging|goodfaith", revids=str(HIDDEN_TEXT))
    told, models = data["smallwiki"]["scores"][str(HIDDEN_TEXT)], data["smallwiki"]["models"]
    events = [
        {"model_name": name, "model_version": models[name]["version"], **cell["error"]}
        for name, cell in told.items()
    ]
    assert all(set(event) == {"model_name", "model_version", "type", "message"} for event in events)


# -- a dashboard of articles --------------------------------------------------------------------------------

WEIGHTS = {"FA": 100, "GA": 80, "B": 60, "C": 40, "Start": 20, "Stub": 0}


def completeness(probability: Mapping[str, float]) -> float:
    return sum(probability[name] * weight for name, weight in WEIGHTS.items())


def test_a_dashboard_weighs_classes_and_reads_features(shipped: Served) -> None:
    path = f"/v3/scores/{WIKI}/?features&models=articlequality&revids=1260|1261"
    for row in ask(shipped, path).json[WIKI]["scores"].values():
        cell = row["articlequality"]
        assert 0 <= completeness(cell["score"]["probability"]) <= 100
        assert cell["features"]["feature.assay.article.cites"] >= 0


def test_a_dashboard_of_the_first_two_apis_does_so_too(shipped: Served) -> None:
    first = get(shipped, f"/v1/scores/{WIKI}/articlequality/", revids="1260|1261")
    assert all(0 <= completeness(score["probability"]) <= 100 for score in first.values())
    second = ask(shipped, f"/v2/scores/{WIKI}/articlequality/1260?features").json
    model = second["scores"][WIKI]["articlequality"]
    assert model["scores"]["1260"] == first["1260"]
    assert model["features"]["1260"]["feature.assay.article.cites"] >= 0


def test_a_bot_of_the_second_api_finds_wikis_with_its_model(shipped: Served) -> None:
    wikis = get(shipped, "/v2/scores/")["scores"]
    assert [name for name in wikis if "damaging" in wikis[name]] == [WIKI]
