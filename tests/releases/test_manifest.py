"""A manifest is canonical, proves itself, and refuses what it does not know."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError, ReleaseError
from assay.releases.manifest import (
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    ReleaseManifest,
    check_id,
    check_name,
    is_id,
    parse_expected_drift,
    parse_manifest,
)
from releases.small_release import small_release


@pytest.fixture
def raw(small: Path) -> bytes:
    return (small / MANIFEST).read_bytes()


def _canonical(fields: Any) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _changed(raw: bytes, **changes: Any) -> bytes:
    return _canonical({**orjson.loads(raw), **changes})


def test_the_id_is_the_name_and_the_first_digits_of_the_digest(small: Path, raw: bytes) -> None:
    manifest = parse_manifest(raw, small.name)
    assert manifest.id == small.name == f"small-{hashlib.sha256(raw).hexdigest()[:12]}"
    assert manifest.to_bytes() == raw


def test_equal_parts_give_an_equal_release(tmp_path: Path) -> None:
    first = small_release(tmp_path / "a")
    assert first.name == small_release(tmp_path / "b").name
    assert first.name != small_release(tmp_path / "c", ballast=b"y").name
    assert first.name != small_release(tmp_path / "d", name="other").name


def test_a_newer_schema_is_refused_with_advice(raw: bytes) -> None:
    with pytest.raises(ReleaseError, match=r"newer Assay.*upgrade"):
        parse_manifest(_changed(raw, schema_version=2))


@pytest.mark.parametrize("version", [0, "1", True, None, 1.0])
def test_a_schema_that_never_was_is_refused(raw: bytes, version: object) -> None:
    with pytest.raises(ReleaseError, match=r"does not exist|schema_version"):
        parse_manifest(_changed(raw, schema_version=version))


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "/etc/passwd",
        "bundles/testwiki/revid/../../../evil",
        "bundles/testwiki/revid/.hidden",
        "bundles//revid/x",
        "bundles/testwiki/revid/",
        "bundles/testwiki/revid/a\nb",
        "bundles/testwiki/revid/a\\b",
        "code/assay/cli.py",
        "bin/assay",
        "elsewhere.txt",
        "release.json",
        "bundles/testwiki/other/manifest.json",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(raw: bytes, path: str) -> None:
    files = orjson.loads(raw)["files"]
    with pytest.raises(ReleaseError, match="is wrong"):
        parse_manifest(_changed(raw, files={**files, path: {"sha256": "0" * 64, "size_bytes": 1}}))


@pytest.mark.parametrize(
    "missing",
    ["configuration.toml", "golden.jsonl", "requirements.txt", "bundles/testwiki/revid/manifest.json"],
)
def test_a_missing_part_is_named(raw: bytes, missing: str) -> None:
    files = orjson.loads(raw)["files"]
    del files[missing]
    with pytest.raises(ReleaseError, match=missing):
        parse_manifest(_changed(raw, files=files))


def test_sizes_are_bounded(raw: bytes) -> None:
    files = orjson.loads(raw)["files"]
    files["golden.jsonl"]["size_bytes"] = 2**40
    with pytest.raises(ReleaseError, match="size_bytes"):
        parse_manifest(_changed(raw, files=files))
    with pytest.raises(ReleaseError, match="has more than"):
        parse_manifest(b" " * (MAX_MANIFEST_BYTES + 1))


@pytest.mark.parametrize(
    ("count", "size_bytes", "told"),
    [(16, MAX_FILE_BYTES, "bytes together"), (MAX_FILES, 1, "at most 4096 items")],
)
def test_many_files_are_bounded_too(raw: bytes, count: int, size_bytes: int, told: str) -> None:
    entry = {"sha256": "0" * 64, "size_bytes": size_bytes}
    more = {f"bundles/testwiki/revid/{number}": entry for number in range(count)}
    files = orjson.loads(raw)["files"]
    with pytest.raises(ReleaseError, match=told):
        parse_manifest(_changed(raw, files={**files, **more}))
    within = dict(list(more.items())[: count - len(files)])
    assert parse_manifest(_changed(raw, files={**files, **within}))


def test_without_a_model_it_is_no_release(raw: bytes) -> None:
    files = {path: it for path, it in orjson.loads(raw)["files"].items() if not path.startswith("bundles/")}
    with pytest.raises(ReleaseError, match=r"bundles: .*at least 1"):
        parse_manifest(_changed(raw, files=files, bundles={}))


def test_the_wheel_must_be_the_one_that_is_listed(raw: bytes) -> None:
    code = {**orjson.loads(raw)["code"], "sha256": "0" * 64}
    with pytest.raises(ReleaseError, match="with the digest that is told of it"):
        parse_manifest(_changed(raw, code=code))


def test_another_release_under_its_id_is_refused(tmp_path: Path, small: Path) -> None:
    other = small_release(tmp_path, ballast=b"other")
    with pytest.raises(ReleaseError, match="altered or is another release's"):
        parse_manifest((other / MANIFEST).read_bytes(), small.name)


def test_another_name_before_the_same_digest_is_refused(small: Path, raw: bytes) -> None:
    with pytest.raises(ReleaseError, match="names the release 'small'"):
        parse_manifest(raw, small.name.replace("small", "large"))


def test_what_is_written_in_another_way_is_refused(raw: bytes) -> None:
    with pytest.raises(ReleaseError, match="canonical"):
        parse_manifest(orjson.dumps(orjson.loads(raw)))


@given(st.data())
def test_rubbish_is_refused_and_nothing_else_happens(data: st.DataObject) -> None:
    junk = data.draw(
        st.one_of(st.binary(max_size=200), st.dictionaries(st.text(), st.integers(-9, 9)).map(orjson.dumps))
    )
    with pytest.raises(ReleaseError):
        parse_manifest(junk)


@given(st.text(max_size=70))
def test_ids_and_names_are_told_from_other_words(text: str) -> None:
    if is_id(text):
        assert check_id(text) == text
        assert check_name(text.rpartition("-")[0])
        assert "/" not in text
    else:
        with pytest.raises(ConfigurationError, match="no release's id"):
            check_id(text)


@pytest.mark.parametrize("text", ["small-0123456789ab\n", "small-0123456789abc", "x/small-0123456789ab", ""])
def test_what_only_begins_or_ends_as_an_id_is_none(text: str) -> None:
    assert is_id("small-0123456789ab")
    assert not is_id(text)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a/b", "..", "a" * 49, "a b", "ä", "a\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a release"):
        check_name(name)


DRIFT = {
    "wiki": "*",
    "model": "damaging",
    "changed_share": 1,
    "abs_delta_p99": 0.2,
    "flip_share": 0.05,
    "reason": "trained anew",
}


def test_expected_drift_is_read(raw: bytes) -> None:
    (drift,) = parse_expected_drift({"expected_drift": [DRIFT]})
    assert (drift.wiki, drift.changed_share) == ("*", 1.0)
    again = parse_manifest(_changed(raw, expected_drift=[drift.model_dump()]))
    assert again.expected_drift == [drift]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"expected_drift": {}},
        {"expected_drift": [{**DRIFT, "flip_share": 1.5}]},
        {"expected_drift": [{**DRIFT, "reason": ""}]},
        {"expected_drift": [{**DRIFT, "labels": 1}]},
        {"expected_drift": [DRIFT], "name": "x"},
    ],
)
def test_drift_declared_wrongly_is_refused(document: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected drift"):
        parse_expected_drift(document)


def test_every_bundle_is_told(raw: bytes) -> None:
    manifest: ReleaseManifest = parse_manifest(raw)
    assert [(wiki, model) for wiki, model, _ in manifest.models()] == [("testwiki", "revid")]
