"""ORES's documents of each version: what is answered is described, and what is described is answered."""

from __future__ import annotations

import re

from assay.serving.ores.schemas import SCHEMAS
from servers.asgi import Served
from serving.described import Described
from small_app import GONE, ask

QUERIES = (
    "",
    f"?revids=12|{GONE}",
    "?revids=12&models=damaging&features&explain&model_info=version|type",
    f"?revids={GONE}&error_codes",
)


def test_every_answer_is_described_and_every_description_answered(inline: Served) -> None:
    described = Described.of(inline)
    paths = [path for path in described.document["paths"] if re.match("/(v[123]/)?scores/", path)]
    assert len(paths) > 12
    for path in paths:
        asked = path.format(wiki="smallwiki", model="damaging", rev_id=12)
        for query in QUERIES:
            reply = ask(inline, asked + query)
            if reply.status == 200:
                described.hold("GET", path, reply.json)
    missed = described.fields(*SCHEMAS) - described.seen
    assert {name for name in missed if name.split(".")[0] in SCHEMAS} == set()
