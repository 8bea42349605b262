"""Clients written for Lift Wing, by what they do with its answers: they must do the same with ours."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import pytest

from servers.asgi import Served
from small_app import AWAY, GONE, HIDDEN_TEXT, ask, post_json

_WEIGHTS: Final = {"FA": 6, "GA": 5, "B": 3, "C": 2, "Start": 1.5, "Stub": 1}
_REFERENCES: Final = "feature.wikitext.revision.ref_tags"
_NOTES: Final = "feature.enwiki.revision.shortened_footnote_templates"
_CHARS: Final = "feature.wikitext.revision.content_chars"
_HEADINGS: Final = tuple(f"feature.wikitext.revision.headings_by_level({level})" for level in (2, 3))
_SECTION_CHARS: Final = 8000

REFERENCED, BEFORE = 1260, 1160
"""Revisions of the sample wiki with 14 and 13 references."""


@dataclass(frozen=True)
class Dashboard:
    """As WikiEduDashboard: posts to the gateway's path, asks again five times, and looks into the error."""

    served: Served
    wiki: str = "smallwiki"
    model: str = "articlequality"
    deleted: tuple[str, ...] = ("TextDeleted", "RevisionNotFound", "MW API does not have any info")

    def quality(self, rev_id: int) -> dict[str, Any]:
        path = f"/service/lw/inference/v1/models/{self.wiki}-{self.model}:predict"
        document = post_json(self.served, path, {"rev_id": rev_id, "extended_output": True}).json
        if "error" in document:
            return {"deleted": any(word in document["error"] for word in self.deleted)}
        found = document[self.wiki]["scores"][str(rev_id)][self.model]
        chances = found["score"]["probability"]
        return {
            "wp10": sum(_WEIGHTS[label] * chance for label, chance in chances.items()),
            "features": found["features"],
            "prediction": found["score"]["prediction"],
            "deleted": False,
        }

    def references(self, rev_id: int) -> float:
        """Short footnotes count, too, and where there is neither there is none."""
        features = self.quality(rev_id)["features"]
        return float((features.get(_REFERENCES) or 0) + (features.get(_NOTES) or 0))

    def advice(self, rev_id: int) -> list[str]:
        """What a student may do better. A name that is missing, or null, ends in an exception."""
        features = self.quality(rev_id)["features"]
        section_chars = features[_CHARS] / (1 + sum(features[name] for name in _HEADINGS))
        found = {"cite": features[_REFERENCES] < 1, "divide": section_chars > _SECTION_CHARS}
        return [name for name, is_due in found.items() if is_due]


class Unanswered(Exception):
    """What the extension gives up on."""


@dataclass(frozen=True)
class Extension:
    """As Extension:ORES: asks again once after a 504, and tells a revision that is gone by the message's
    beginning."""

    served: Served
    wiki: str = "smallwiki"

    def score(self, model: str, rev_id: int) -> dict[str, Any]:
        path = f"/v1/models/{self.wiki}-{model}:predict"
        return self._post(path, {"rev_id": rev_id}) or {"error": "RevisionNotFound"}

    def revert_risk(self, rev_id: int) -> float:
        path = "/v1/models/revertrisk-language-agnostic:predict"
        told = self._post(path, {"rev_id": rev_id, "lang": self.wiki[: self.wiki.index("wiki")]})
        assert told is not None
        assert told["wiki_db"] == self.wiki
        assert isinstance(told["model_version"], str)
        assert told["output"]["prediction"] in (True, False)
        return float(told["output"]["probabilities"]["true"])

    def before_saving(self, text: str, parent: str) -> float | None:
        data = {
            "id": -1,
            "lang": "small",
            "bytes": len(text),
            "comment": "",
            "text": text,
            "timestamp": "2026-11-26T10:00:00Z",
            "parent": {
                "id": 11,
                "bytes": len(parent),
                "comment": "begin",
                "text": parent,
                "timestamp": "2026-11-25T10:00:00Z",
                "lang": "small",
            },
            "user": {"id": 0},
            "page": {"id": 1, "title": "Made up", "first_edit_timestamp": "2026-11-01T10:00:00Z"},
        }
        path = "/v1/models/revertrisk-multilingual:predict"
        reply = post_json(self.served, path, {"revision_data": data})
        return float(reply.json["output"]["probabilities"]["true"]) if reply.status == 200 else None

    def _post(self, path: str, document: Any) -> dict[str, Any] | None:
        """None for a revision that is gone."""
        reply = post_json(self.served, path, document)
        if reply.status == 504:
            reply = post_json(self.served, path, document)
        if reply.status == 400 and reply.json["error"].startswith(
            "The MW API does not have any info related to the rev-id"
        ):
            return None
        if reply.status != 200 or not reply.json or reply.json.get("error"):
            raise Unanswered(reply.body)
        return dict(reply.json)


def test_the_dashboard_gets_its_score_and_features(live: Served) -> None:
    told = Dashboard(live).quality(12)
    assert told["prediction"] == "Stub"
    assert told["wp10"] == pytest.approx(0.165 * 6 + 0.1 * 3 + 0.735)
    assert told["features"] == {
        "feature.test.chars": 165,
        "feature.test.is_long": True,
        "feature.test.words": 28,
    }


def test_the_dashboard_counts_references_of_real_articles_and_gives_advice(shipped: Served) -> None:
    dashboard = Dashboard(shipped, wiki="samplewiki")
    told = dashboard.quality(REFERENCED)
    assert 1 < told["wp10"] < 6
    assert dashboard.references(REFERENCED) == 14
    assert dashboard.references(BEFORE) == 13
    assert dashboard.advice(REFERENCED) == []


def test_the_dashboard_tells_deleted_revisions_from_other_errors(live: Served) -> None:
    assert Dashboard(live).quality(GONE) == {"deleted": True}
    assert Dashboard(live).quality(HIDDEN_TEXT) == {"deleted": True}
    assert Dashboard(live).quality(AWAY) == {"deleted": False}


def test_the_extension_gets_scores_in_the_shape_of_ores(live: Served) -> None:
    told = Extension(live).score("damaging", 12)["smallwiki"]
    assert told["models"] == {"damaging": {"version": "1.2.3"}}
    ores = ask(live, "/v3/scores/smallwiki/12/damaging").json["smallwiki"]["scores"]
    assert told["scores"] == ores


def test_the_extension_tells_a_revision_that_is_gone(live: Served) -> None:
    assert Extension(live).score("damaging", GONE) == {"error": "RevisionNotFound"}
    with pytest.raises(Unanswered, match="TextDeleted"):
        Extension(live).score("damaging", HIDDEN_TEXT)


def test_the_extension_gets_a_revert_risk(live: Served) -> None:
    chance = ask(live, "/v3/scores/smallwiki/12/reverted").json["smallwiki"]["scores"]["12"]["reverted"]
    assert Extension(live).revert_risk(12) == chance["score"]["probability"]["true"]


def test_a_bot_asks_with_the_id_as_a_string(live: Served) -> None:
    path = "/service/lw/inference/v1/models/revertrisk-language-agnostic:predict"
    asked = [post_json(live, path, {"rev_id": rev_id, "lang": "small"}) for rev_id in ("12", 12)]
    assert [reply.status for reply in asked] == [200, 200]
    assert asked[0].json == asked[1].json


def test_a_bot_cuts_the_risk_out_of_the_answer(live: Served) -> None:
    path = "/v1/models/revertrisk-language-agnostic:predict"
    text = post_json(live, path, {"rev_id": 12, "lang": "small"}).body.decode()
    assert re.search(r'"true":0\.\d+', text)


def test_a_gateways_host_changes_nothing(live: Served) -> None:
    host = {"Host": "smallwiki-damaging.revscoring-editquality-damaging.wikimedia.org"}
    path = "/v1/models/smallwiki-damaging:predict"
    told = [ask(live, path, method="POST", body=b'{"rev_id": 12}', headers=more) for more in ({}, host)]
    assert [reply.status for reply in told] == [200, 200]
    assert told[0].body == told[1].body


def test_the_extension_gets_a_score_before_an_edit_is_saved(live: Served) -> None:
    short, long = (Extension(live).before_saving(text, "before") for text in ("after", "after " * 100))
    assert short is not None
    assert long is not None
    assert 0 < short < long < 1


@pytest.mark.parametrize("prefix", ["", "/service/lw/inference"])
def test_a_script_on_another_site_may_ask(live: Served, prefix: str) -> None:
    """It says who it is in ``Api-User-Agent``, since browsers keep their own."""
    sent = "api-user-agent,authorization,content-type"
    asked = {"Origin": "https://en.wikipedia.org", "Access-Control-Request-Headers": sent}
    path = f"{prefix}/v1/models/smallwiki-damaging:predict"
    allowed = ask(live, path, method="OPTIONS", headers=asked)
    assert allowed.status == 204
    assert {*sent.split(",")} <= {*allowed.headers["access-control-allow-headers"].lower().split(", ")}
    told = ask(live, path, method="POST", body=b'{"rev_id": 12}', headers={"Origin": asked["Origin"]})
    assert told.status == 200
    assert told.headers["access-control-allow-origin"] == "*"
    assert json.loads(told.body)["smallwiki"]
