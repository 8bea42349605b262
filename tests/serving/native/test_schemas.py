"""The native API's documents: all that is answered is described, and all that is described is answered."""

from __future__ import annotations

import json

import pytest

from assay.serving.native.schemas import SCHEMAS
from servers.asgi import Served
from serving.described import Described
from small_app import BARE, CREATION, GONE, HIDDEN_TEXT, HIDDEN_USER, ask, post_json

ASKED = {"WhatIf", "UnsavedText", "ManyRevisions"}
"""Bodies of requests; `test_bodies`, `test_text` and `test_wishes` are about them."""


@pytest.fixture(scope="module")
def described(inline: Served) -> Described:
    return Described.of(inline)


def test_every_answer_is_described_and_every_description_answered(
    described: Described, inline: Served, shipped: Served
) -> None:
    revision = "/api/{wiki}/revisions/{rev_id}"
    described.hold("GET", "/api/wikis", ask(inline, "/api/wikis").json)
    described.hold("GET", "/api/{wiki}/recent", ask(inline, "/api/smallwiki/recent").json)
    for rev_id in (12, BARE, CREATION, HIDDEN_TEXT, HIDDEN_USER):
        described.hold("GET", revision, ask(inline, f"/api/smallwiki/revisions/{rev_id}").json)
    injected = post_json(inline, "/api/smallwiki/revisions/12", {"injection": {"feature.test.chars": 3}})
    described.hold("POST", revision, injected.json)
    unsaved = {"text": "One line.\n\nAnother!\n", "parent_text": "A line.\n\n\nAnother!\n", "title": "T"}
    described.hold("POST", "/api/{wiki}/text", post_json(inline, "/api/smallwiki/text", unsaved).json)
    described.hold("GET", "/api/{wiki}/feed", ask(inline, "/api/smallwiki/feed?limit=3").json)
    model = "/api/{wiki}/models/{model}"
    for name in ("damaging", "articlequality"):
        described.hold("GET", model, ask(shipped, f"/api/samplewiki/models/{name}").json)
    told = "/api/samplewiki/models/damaging/thresholds"
    for query in ("", "?point=likelybad", "?query=maximum recall @ precision >= 0.9".replace(" ", "%20")):
        described.hold("GET", f"{model}/thresholds", ask(shipped, told + query).json)
    described.hold_schema(
        {"$ref": "#/components/schemas/NativeError"}, ask(inline, "/api/nowiki/recent").json
    )
    many = post_json(inline, "/api/smallwiki/scores", {"revisions": list(range(1, 10_002))})
    described.hold_schema({"$ref": "#/components/schemas/NativeError"}, many.json)
    stream = post_json(inline, "/api/smallwiki/scores", {"revisions": [12, GONE]})
    for line in stream.body.splitlines():
        described.hold_schema({"$ref": "#/components/schemas/ScoreLine"}, json.loads(line))
    missed = described.fields(*(set(SCHEMAS) - ASKED)) - described.seen
    assert missed == set()
