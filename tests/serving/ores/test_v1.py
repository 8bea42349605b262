"""The first API's documents, with and without the version in the path."""

from __future__ import annotations

import pytest

from servers.asgi import Served
from small_app import GONE, ask

SCORE = {"prediction", "probability"}


@pytest.fixture(params=["/scores/", "/v1/scores/"])
def root(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_wikis_are_named_in_order(inline: Served, root: str) -> None:
    assert ask(inline, root).json == {"contexts": ["awaywiki", "smallwiki", "testwiki"]}


def test_scores_are_bare_by_revision_and_model(inline: Served, root: str) -> None:
    document = ask(inline, f"{root}smallwiki/?models=damaging|wp10&revids=12|13").json
    assert set(document) == {"12", "13"}
    for row in document.values():
        assert set(row) == {"damaging", "wp10"}
        assert all(set(score) == SCORE for score in row.values())
    assert set(document["12"]["damaging"]["probability"]) == {"true", "false"}
    assert isinstance(document["12"]["damaging"]["prediction"], bool)


def test_a_path_with_a_model_leaves_its_name_out(inline: Served, root: str) -> None:
    many = ask(inline, f"{root}smallwiki/damaging/?revids=12|{GONE}").json
    assert set(many["12"]) == SCORE
    assert many[str(GONE)] == {
        "error": {"type": "RevisionNotFound", "message": f"Could not find revision {GONE}."}
    }
    assert ask(inline, f"{root}smallwiki/damaging/12/").json == {"12": many["12"]}


def test_without_revisions_all_but_the_long_tables_is_told_of_models(inline: Served, root: str) -> None:
    models = ask(inline, f"{root}smallwiki/?models=damaging|goodfaith").json
    assert set(models) == {"models"}
    assert set(models["models"]) == {"damaging", "goodfaith"}
    assert ask(inline, f"{root}smallwiki/damaging").json == models["models"]["damaging"]
    assert models["models"]["damaging"]["version"] == "1.2.3"
