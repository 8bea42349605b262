"""A bundle's files, put together: all that was given is told, and nothing else has a part in it."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

import jsonschema
import orjson

from assay.features.lexicon import Lexicon, Lexicons
from assay.models.manifest import parse_manifest
from assay.models.training.assemble import assemble, revid_parts
from models import makers

LEXICONS = Lexicons([Lexicon.of("test.words", ["apple", "pear"]), Lexicon.of("test.bad", ["rot"])])
CARDS = {"card.md": "# Ä card\n"}


def test_the_manifest_tells_all_that_was_given() -> None:
    parts = makers.parts(
        lexicons=LEXICONS,
        needs_parent=True,
        population_rates={"true": 0.1, "false": 0.9},
        training={"rows": 3},
    )
    manifest, contents = assemble(parts, CARDS)
    assert parse_manifest(contents["manifest.json"]) == manifest
    assert (manifest.wiki, manifest.model, manifest.version) == ("testwiki", "reverted", "1.0.0")
    assert (manifest.kind, list(manifest.labels)) == ("binary", [True, False])
    assert [feature.name for feature in manifest.features] == list(makers.COLUMNS)
    assert {it.name: it.digest for it in manifest.lexicons} == {
        name: lexicon.digest for name, lexicon in LEXICONS.items()
    }
    assert manifest.needs_parent
    assert manifest.population_rates == {"true": 0.1, "false": 0.9}
    assert manifest.training == {"rows": 3}
    assert manifest.calibration.scale == parts.calibration.scale
    assert list(manifest.calibration.bias) == list(parts.calibration.bias)
    assert manifest.description == parts.description
    assert manifest.score_schema["description"] == parts.description
    bare, _ = assemble(makers.parts())
    assert (bare.population_rates, bare.needs_parent, bare.training) == (None, False, {})
    assert set(manifest.libraries) == {"assay", "lightgbm", "numpy", "scipy"}


def test_its_schema_is_that_of_the_model_s_scores() -> None:
    schema = assemble(makers.parts())[0].score_schema
    score = {"prediction": True, "probability": {"true": 0.75, "false": 0.25}}
    jsonschema.validate(score, schema)
    for wrong in ({**score, "prediction": "true"}, {**score, "probability": {"true": 1.0}}):
        assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


def test_every_file_is_what_the_manifest_says_of_it() -> None:
    manifest, contents = assemble(makers.parts(lexicons=LEXICONS), CARDS)
    told = {**manifest.files, **manifest.cards}
    assert set(told) == set(contents) - {"manifest.json"}
    assert set(manifest.cards) == set(CARDS)
    for name, entry in told.items():
        assert entry.size_bytes == len(contents[name])
        assert entry.sha256 == hashlib.sha256(contents[name]).hexdigest()
    assert contents["trees.txt"].decode() == makers.parts().trees
    assert contents["card.md"].decode() == CARDS["card.md"]
    for lexicon in manifest.lexicons:
        assert gzip.decompress(contents[lexicon.file]).decode() == LEXICONS[lexicon.name].lines


def test_the_order_of_statistics_has_no_part_in_it() -> None:
    one, other = ({"n": 1, "counts": 2}, {"counts": 2, "n": 1})
    assert assemble(makers.parts(statistics=one))[1] == assemble(makers.parts(statistics=other))[1]
    statistics = assemble(makers.parts(statistics=one))[1]["statistics.json"]
    assert (orjson.loads(statistics), statistics[-1:]) == (one, b"\n")


def test_the_test_model_has_no_trees() -> None:
    manifest, contents = assemble(revid_parts())
    assert set(contents) == {"manifest.json", "statistics.json"}
    assert (manifest.wiki, manifest.model, manifest.version, manifest.kind) == (
        "testwiki",
        "revid",
        "0.0.0",
        "revid",
    )


def test_the_digest_follows_trees_lexicons_and_statistics_but_not_cards() -> None:
    def digest(cards: dict[str, str] | None = None, **changes: Any) -> str:
        return assemble(makers.parts(**changes), cards)[0].digest

    same = digest()
    assert digest({"card.md": "other words"}) == same
    others = [
        digest(trees=makers.parts().trees.replace("shrinkage=0.2", "shrinkage=0.20", 1)),  # type: ignore[union-attr]
        digest(lexicons=LEXICONS),
        digest(statistics={"counts": {"n": 2}}),
        digest(version="1.0.1"),
        digest(training={"seed": 1}),
    ]
    assert len({same, *others}) == 6
