"""A manifest by itself: what it proves, and each way of contradicting itself."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from assay.errors import BundleError
from assay.models import manifest as manifests
from assay.models.facts import read_manifest
from assay.models.library import shipped_folder
from assay.models.manifest import Manifest, identity, parse_manifest, score_schema, sealed

BINARY = shipped_folder() / "anywiki" / "reverted"
CLASSES = shipped_folder() / "enwiki" / "articlequality"


def fields(folder: Any = BINARY) -> dict[str, Any]:
    plain: dict[str, Any] = read_manifest(folder).model_dump(mode="json")
    return plain


@pytest.mark.parametrize("folder", [BINARY, CLASSES])
def test_what_was_written_is_read(folder: Any) -> None:
    found = read_manifest(folder)
    assert parse_manifest(found.to_bytes()) == found == sealed(fields(folder))
    assert found.digest == identity(fields(folder))


def test_raw_outputs_are_one_or_one_per_class() -> None:
    assert read_manifest(BINARY).raw_outputs == 1
    assert read_manifest(CLASSES).raw_outputs == len(read_manifest(CLASSES).labels) == 6


def test_the_identity_covers_all_but_itself_and_the_cards() -> None:
    plain = fields()
    for name in Manifest.model_fields:
        changed = identity({**plain, name: "other"}) != identity(plain)
        assert changed == (name not in ("digest", "cards")), name


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": [False, True]}, "labels must be true and false"),
        ({"kind": "multiclass", "labels": [True, False]}, "classes must be named by strings"),
        ({"kind": "multiclass", "labels": ["a"]}, "labels must be two or more and different"),
        ({"kind": "multiclass", "labels": ["a", "a"]}, "labels must be two or more and different"),
        (
            {"calibration": {"scale": 1.0, "bias": [0.0, 0.0]}},
            "calibration must have one bias per raw output",
        ),
        (
            {"cards": {"card.txt": {"sha256": "0" * 64, "size_bytes": 1}}},
            r"cards must be card\.md and card\.html",
        ),
        ({"kind": "revid"}, "files must be the trees, the statistics and the lexicons"),
    ],
)
def test_what_contradicts_itself_is_named(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BundleError, match=rf"{reason}.*train the bundle again"):
        sealed({**fields(), **changes})


def test_features_must_be_different() -> None:
    plain = fields()
    with pytest.raises(BundleError, match="features must be one or more and different"):
        sealed({**plain, "features": [*plain["features"], plain["features"][0]]})


def test_no_more_than_five_faults_are_told() -> None:
    with pytest.raises(BundleError) as refusal:
        sealed({**fields(), **{f"extra_{number}": 1 for number in range(9)}})
    assert str(refusal.value).count("extra_") == 5


def test_a_manifest_may_be_as_long_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = read_manifest(BINARY).to_bytes()
    monkeypatch.setattr(manifests, "MAX_MANIFEST_BYTES", len(raw))
    assert parse_manifest(raw).id == "anywiki/reverted"
    monkeypatch.setattr(manifests, "MAX_MANIFEST_BYTES", len(raw) - 1)
    with pytest.raises(BundleError, match=rf"more than {len(raw) - 1} bytes"):
        parse_manifest(raw)


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (2, "newer Assay"),
        (0, "does not exist"),
        ("2", "does not exist"),
        (None, "does not exist"),
    ],
)
def test_another_schema_is_refused(version: Any, reason: str) -> None:
    raw = orjson.dumps({**fields(), "schema_version": version})
    with pytest.raises(BundleError, match=reason):
        parse_manifest(raw)


def test_a_manifest_is_written_in_one_way_only() -> None:
    """The same content in another writing is not what was proved."""
    with pytest.raises(BundleError, match="was altered"):
        parse_manifest(orjson.dumps(fields()))


def test_a_score_s_schema_has_the_shape_that_ores_gave_it() -> None:
    number = {"type": "number", "minimum": 0, "maximum": 1}
    found = score_schema("reverted", [True, False], "d")
    assert found["properties"] == {
        "prediction": {"type": "boolean", "enum": [True, False]},
        "probability": {
            "type": "object",
            "required": ["true", "false"],
            "properties": {"true": number, "false": number},
        },
    }
    assert score_schema("quality", ["FA", "GA"], "d")["properties"]["prediction"] == {
        "type": "string",
        "enum": ["FA", "GA"],
    }
