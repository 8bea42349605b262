"""A release's first page: what it is made of, and what every file must hash to.

The release's digest is the SHA-256 of the manifest's bytes. They hold no time and no place, and there is one
way to write them, so that equal parts give an equal release wherever and whenever they are put together.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from assay.errors import ConfigurationError, ReleaseError

SCHEMA_VERSION: Final = 1
"""Of the manifest's own shape; a release with another is refused."""
MANIFEST: Final = "release.json"
CONFIGURATION: Final = "configuration.toml"
CONFIGURATION_SCHEMA: Final = "configuration.schema.json"
GOLDEN: Final = "golden.jsonl"
REQUIREMENTS: Final = "requirements.txt"

MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024
MAX_FILES: Final = 4096
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
MAX_RELEASE_BYTES: Final = 4 * 1024 * 1024 * 1024
ID_DIGITS: Final = 12

_NAME: Final = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,46}[A-Za-z0-9])?"
_ID: Final = rf"^{_NAME}-[0-9a-f]{{{ID_DIGITS}}}$"
_PATH: Final = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,120}(/[A-Za-z0-9][A-Za-z0-9._+-]{0,120}){0,7}$"
"""No part begins with a dot or is empty, so that no path leads out of the release's folder."""


_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_FilePath = Annotated[str, StringConstraints(pattern=_PATH)]
_Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
_WordOrAll = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_-]{0,63}|\*)$")]
_Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.+-]{1,64}$")]
_Share = Annotated[float, Field(ge=0, le=1, strict=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileEntry(_Strict):
    """What a file must be, byte for byte."""

    sha256: _Digest
    size_bytes: Annotated[int, Field(ge=0, le=MAX_FILE_BYTES)]


class Code(_Strict):
    """The wheel: where it lies in the release, and the version that it names."""

    wheel: Annotated[str, StringConstraints(pattern=r"^wheel/[A-Za-z0-9_.+-]{1,120}\.whl$")]
    sha256: _Digest
    version: _Version


class BundleEntry(_Strict):
    """A model by its bundle's digest. `version`: the trainer's word for it."""

    digest: _Digest
    version: _Version


class ExpectedDrift(_Strict):
    """How much scores may differ from the release before, because somebody meant them to.

    `wiki`, `model`: ``*`` for all. `changed_share`: of scores that differ at all. `abs_delta_p99`: 99th
    percentile of a probability's absolute change. `flip_share`: of predictions that change. All 0 to 1.
    """

    wiki: _WordOrAll
    model: _WordOrAll
    changed_share: _Share
    abs_delta_p99: _Share
    flip_share: _Share
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class ReleaseManifest(_Strict):
    """All that a release is. `bundles`: by wiki and model. `files`: every file but this one, by path."""

    schema_version: Literal[1]
    name: Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]
    code: Code
    requirements_sha256: _Digest
    bundles: Annotated[dict[_Word, dict[_Word, BundleEntry]], Field(min_length=1)]
    configuration: Literal["configuration.toml"]
    configuration_schema: Literal["configuration.schema.json"]
    golden: Literal["golden.jsonl"]
    expected_drift: list[ExpectedDrift]
    files: Annotated[dict[_FilePath, FileEntry], Field(max_length=MAX_FILES)]

    @model_validator(mode="after")
    def _consistent(self) -> ReleaseManifest:
        if faults := list(self._faults()):
            raise ValueError("; ".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        for path, digest in ((self.code.wheel, self.code.sha256), (REQUIREMENTS, self.requirements_sha256)):
            if path not in self.files or self.files[path].sha256 != digest:
                yield f"files must list {path} with the digest that is told of it"
        for path in (CONFIGURATION, CONFIGURATION_SCHEMA, GOLDEN):
            if path not in self.files:
                yield f"files must list {path}"
        folders = {bundle_folder(wiki, model) for wiki, model, _ in self.models()}
        for folder in sorted(folders):
            if f"{folder}/manifest.json" not in self.files:
                yield f"files must list {folder}/manifest.json"
        for path in self.files:
            if path not in self._plain() and "/".join(path.split("/")[:3]) not in folders:
                yield f"{path} belongs to no part of a release"
        if sum(entry.size_bytes for entry in self.files.values()) > MAX_RELEASE_BYTES:
            yield f"the files have more than {MAX_RELEASE_BYTES} bytes together"

    def _plain(self) -> set[str]:
        return {self.code.wheel, REQUIREMENTS, CONFIGURATION, CONFIGURATION_SCHEMA, GOLDEN}

    def models(self) -> Iterator[tuple[str, str, BundleEntry]]:
        """Every bundle with its wiki and model."""
        for wiki, models in self.bundles.items():
            for model, entry in models.items():
                yield wiki, model, entry

    def to_bytes(self) -> bytes:
        """The one way this manifest is written."""
        return _canonical(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """SHA-256, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def id(self) -> str:
        """``<name>-<first 12 digits of the digest>``."""
        return f"{self.name}-{self.digest[:ID_DIGITS]}"


def bundle_folder(wiki: str, model: str) -> str:
    """Where a bundle lies in a release."""
    return f"bundles/{wiki}/{model}"


def make_manifest(
    name: str,
    code: Code,
    bundles: Mapping[str, Mapping[str, BundleEntry]],
    files: Mapping[str, FileEntry],
    expected_drift: Sequence[ExpectedDrift] = (),
) -> ReleaseManifest:
    """The manifest of these parts. Raises `ReleaseError` naming all that is wrong."""
    return _validated(
        {
            "schema_version": SCHEMA_VERSION,
            "name": name,
            "code": code.model_dump(),
            "requirements_sha256": files[REQUIREMENTS].sha256 if REQUIREMENTS in files else "",
            "bundles": {
                wiki: {model: entry.model_dump() for model, entry in models.items()}
                for wiki, models in bundles.items()
            },
            "configuration": CONFIGURATION,
            "configuration_schema": CONFIGURATION_SCHEMA,
            "golden": GOLDEN,
            "expected_drift": [drift.model_dump() for drift in expected_drift],
            "files": {path: entry.model_dump() for path, entry in files.items()},
        }
    )


def parse_manifest(raw: bytes, expected_id: str | None = None) -> ReleaseManifest:
    """Read and prove a manifest. `expected_id`: the release that it must be; None: any.

    Raises `ReleaseError`: rubbish, altered, another release's, of a newer Assay, incomplete.
    """
    if len(raw) > MAX_MANIFEST_BYTES:
        raise ReleaseError(
            f"{MANIFEST} has more than {MAX_MANIFEST_BYTES} bytes: this is no release of Assay"
        )
    if expected_id is not None:
        _check_id(raw, expected_id)
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ReleaseError(f"{MANIFEST} is no JSON ({error}): get the release again") from error
    if not isinstance(fields, dict) or "schema_version" not in fields:
        raise ReleaseError(f"{MANIFEST} has no schema_version: this is no release of Assay")
    _check_schema_version(fields["schema_version"])
    manifest = _validated(fields)
    if manifest.to_bytes() != raw:
        raise ReleaseError(
            f"{MANIFEST} is not written in the canonical way (altered?): get the release again"
        )
    return manifest


def check_name(name: str) -> str:
    """`name`, when a release can have it. Raises `ConfigurationError`."""
    return _matching(
        rf"^{_NAME}$", name, "is no name for a release: use 1 to 48 letters, digits, dots, hyphens"
    )


def check_id(text: str) -> str:
    """`text`, when it is a release's id. Raises `ConfigurationError`."""
    return _matching(_ID, text, f"is no release's id: write <name>-<{ID_DIGITS} hexadecimal digits>")


def is_id(text: str) -> bool:
    """Whether it is written as a release's id is."""
    return re.fullmatch(_ID, text) is not None


def parse_expected_drift(document: Any) -> tuple[ExpectedDrift, ...]:
    """From ``[[expected_drift]]`` tables of a TOML file. Raises `ConfigurationError` naming all faults."""
    entries = document.get("expected_drift") if isinstance(document, dict) else None
    if not isinstance(entries, list) or set(document) != {"expected_drift"}:
        raise ConfigurationError("declare expected drift in tables [[expected_drift]], and nothing else")
    try:
        return tuple(ExpectedDrift.model_validate(entry) for entry in entries)
    except ValidationError as error:
        raise ConfigurationError(f"expected drift is declared wrongly: {_told(error)}") from error


def _matching(pattern: str, text: str, fault: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ConfigurationError(f"{text!r:.80} {fault}")
    return text


def _check_id(raw: bytes, expected_id: str) -> None:
    digest = hashlib.sha256(raw).hexdigest()
    if digest[:ID_DIGITS] != expected_id.rpartition("-")[2]:
        raise ReleaseError(
            f"{MANIFEST} was altered or is another release's: its digest begins with {digest[:ID_DIGITS]}, "
            f"not as {expected_id} says; get the release again, and from another store if it stays so"
        )
    name = expected_id.rpartition("-")[0]
    try:
        found = orjson.loads(raw).get("name")
    except (orjson.JSONDecodeError, AttributeError):
        return  # told in detail by the caller
    if found != name:
        raise ReleaseError(f"{MANIFEST} names the release {found!r:.60}, not {name}: give it its own id")


def _check_schema_version(found: Any) -> None:
    if type(found) is int and found > SCHEMA_VERSION:
        raise ReleaseError(
            f"the release was made by a newer Assay (manifest schema {found}, not {SCHEMA_VERSION}): "
            "upgrade the Assay that reads it"
        )
    if type(found) is not int or found != SCHEMA_VERSION:
        raise ReleaseError(f"manifest schema {found!r:.40} does not exist: this is no release of Assay")


def _validated(fields: Mapping[str, Any]) -> ReleaseManifest:
    try:
        return ReleaseManifest.model_validate(fields)
    except ValidationError as error:
        raise ReleaseError(f"{MANIFEST} is wrong ({_told(error)}): build the release again") from error


def _told(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'manifest'}: {fault['msg']}"
        for fault in error.errors(include_url=False)[:5]
    )


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
