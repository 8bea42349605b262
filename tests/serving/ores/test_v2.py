"""The second API's documents: by wiki and model, then by revision."""

from __future__ import annotations

import pytest

from servers.asgi import Served
from small_app import GONE, ask

V2 = "/v2/scores/"


def test_wikis_and_their_models_are_told_with_versions(inline: Served) -> None:
    document = ask(inline, V2).json
    assert set(document) == {"scores"}
    assert document["scores"]["testwiki"] == {"revid": {"version": "1.0.0"}}
    assert document["scores"]["smallwiki"]["wp10"] == {"version": "1.2.3"}


def test_information_is_there_when_it_was_asked_for(inline: Served) -> None:
    told = ask(inline, f"{V2}?model_info=type").json["scores"]
    assert told["testwiki"]["revid"] == {"version": "1.0.0", "info": {"type": "RevIdModel"}}
    one = ask(inline, f"{V2}smallwiki/damaging/?model_info").json["scores"]["smallwiki"]["damaging"]
    assert set(one) == {"version", "info"}
    assert set(one["info"]) == {"type", "version", "params"}


@pytest.mark.parametrize(
    "path", ["smallwiki/?models=damaging&revids=12|404", "smallwiki/damaging/?revids=12|404"]
)
def test_scores_are_bare_below_their_model(inline: Served, path: str) -> None:
    model = ask(inline, V2 + path).json["scores"]["smallwiki"]["damaging"]
    assert set(model) == {"version", "scores"}
    assert set(model["scores"]["12"]) == {"prediction", "probability"}
    assert model["scores"][str(GONE)] == {
        "error": {"type": "RevisionNotFound", "message": f"Could not find revision {GONE}."}
    }


def test_features_stand_beside_scores_where_there_are_some(inline: Served) -> None:
    model = ask(inline, f"{V2}smallwiki/damaging/?revids=12|404&features").json["scores"]["smallwiki"][
        "damaging"
    ]
    assert set(model["scores"]) == {"12", "404"}
    assert model["features"] == {
        "12": {"feature.test.chars": 165, "feature.test.is_long": True, "feature.test.shouts": 0}
    }
    none = ask(inline, f"{V2}smallwiki/damaging/404?features").json["scores"]["smallwiki"]["damaging"]
    assert "features" not in none
