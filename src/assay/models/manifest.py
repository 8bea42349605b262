"""A bundle's first page: what the model is, what it needs, and what every other file must hash to.

The bundle's digest is the SHA-256 of the manifest's canonical JSON without ``digest`` and ``cards``: it
covers trees, lexicons and statistics through their digests. Cards are for people; they are checked
too, but rewording one changes no score and so no identity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from assay.errors import BundleError
from assay.models.model import Label
from assay.models.recipe import label_name

SCHEMA_VERSION: Final = 1
"""Of the manifest's own shape; a bundle with another is refused."""
MAX_MANIFEST_BYTES: Final = 1024 * 1024

TREES, STATISTICS, MANIFEST = "trees.txt", "statistics.json", "manifest.json"
CARDS: Final = ("card.md", "card.html")

_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
_FileName = Annotated[str, StringConstraints(pattern=r"^(lexicons/)?[a-z0-9][a-z0-9_.-]{0,120}$")]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FeatureEntry(_Strict):
    """One column of the model. `version`: of the feature's code when the model was trained."""

    name: Annotated[str, StringConstraints(pattern=r"^feature\.[\x21-\x7e]{1,300}$")]
    type: Literal["bool", "int", "float"]
    version: Annotated[int, Field(ge=1)]


class LexiconEntry(_Strict):
    """A word list that the features were computed with. `digest`: of its content, not of the file."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]
    digest: _Digest
    file: _FileName


class FileEntry(_Strict):
    """What a file must be, byte for byte."""

    sha256: _Digest
    size_bytes: Annotated[int, Field(ge=0)]


class CalibrationEntry(_Strict):
    """`logits = scale * raw + bias`."""

    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    bias: list[_Finite]


class Manifest(_Strict):
    """Everything that is known of a bundle without opening its trees."""

    schema_version: Literal[1]
    wiki: _Name
    model: _Name
    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.+-]{1,40}$")]
    kind: Literal["binary", "multiclass", "revid"]
    labels: list[bool | str]
    features: list[FeatureEntry]
    lexicons: list[LexiconEntry]
    needs_parent: bool
    calibration: CalibrationEntry
    population_rates: dict[str, _Finite] | None
    description: str
    score_schema: dict[str, Any]
    """JSON Schema of one score, as ORES's model_info tells it."""
    training: dict[str, Any]
    """Recipe, digests of recipe and rows, counts, seed, rounds, command."""
    libraries: dict[str, str]
    files: dict[_FileName, FileEntry]
    cards: dict[_FileName, FileEntry]
    digest: _Digest

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        if self.kind == "multiclass":
            if not all(isinstance(label, str) for label in self.labels):
                raise ValueError("classes must be named by strings")
        elif self.labels != [True, False]:
            raise ValueError("labels must be true and false")
        if len(set(self.labels)) != len(self.labels) or len(self.labels) < 2:
            raise ValueError("labels must be two or more and different")
        if len(self.calibration.bias) != self.raw_outputs:
            raise ValueError("calibration must have one bias per raw output")
        if not self.features or len({feature.name for feature in self.features}) != len(self.features):
            raise ValueError("features must be one or more and different")
        if {lexicon.file for lexicon in self.lexicons} | self._required() != set(self.files):
            raise ValueError("files must be the trees, the statistics and the lexicons")
        if not set(self.cards) <= set(CARDS):
            raise ValueError("cards must be card.md and card.html")
        return self

    def _required(self) -> set[str]:
        return {STATISTICS} if self.kind == "revid" else {STATISTICS, TREES}

    @property
    def raw_outputs(self) -> int:
        """How many sums the trees give: 1 for a binary model, else one per class."""
        return len(self.labels) if self.kind == "multiclass" else 1

    @property
    def id(self) -> str:
        """``wiki/model``."""
        return f"{self.wiki}/{self.model}"

    def to_bytes(self) -> bytes:
        """The one way this manifest is written."""
        return _canonical(self.model_dump(mode="json"))


def sealed(fields: Mapping[str, Any]) -> Manifest:
    """A manifest with its digest filled in. Raises `BundleError` naming every field that is wrong."""
    plain = orjson.loads(_canonical(fields))
    return _validated({**plain, "digest": identity(plain)})


def identity(fields: Mapping[str, Any]) -> str:
    """The bundle digest of a manifest's fields."""
    covered = {name: value for name, value in fields.items() if name not in ("digest", "cards")}
    return hashlib.sha256(_canonical(covered)).hexdigest()


def parse_manifest(raw: bytes) -> Manifest:
    """Read and prove a manifest. Raises `BundleError`: rubbish, altered, of a newer Assay, incomplete."""
    if len(raw) > MAX_MANIFEST_BYTES:
        raise BundleError(
            f"manifest.json has more than {MAX_MANIFEST_BYTES} bytes: this is no bundle of Assay"
        )
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BundleError(f"manifest.json is no JSON ({error}): get the bundle again") from error
    if not isinstance(fields, dict) or "schema_version" not in fields:
        raise BundleError("manifest.json has no schema_version: this is no bundle of Assay")
    _check_schema_version(fields["schema_version"])
    try:
        is_whole = raw == _canonical(fields) and fields.get("digest") == identity(fields)
    except orjson.JSONEncodeError:  # it may be read deeper than it can be written
        is_whole = False
    if not is_whole:
        raise BundleError("manifest.json was altered (its digest does not fit): get the bundle again")
    return _validated(fields)


def _check_schema_version(found: Any) -> None:
    if isinstance(found, int) and not isinstance(found, bool) and found > SCHEMA_VERSION:
        raise BundleError(
            f"the bundle was made by a newer Assay (manifest schema {found}, not {SCHEMA_VERSION}): "
            "upgrade Assay, or train the bundle with this version"
        )
    if found != SCHEMA_VERSION:
        raise BundleError(f"manifest schema {found!r} does not exist: this is no bundle of Assay")


def _validated(fields: Mapping[str, Any]) -> Manifest:
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'manifest'}: {fault['msg']}"
            for fault in error.errors(include_url=False)[:5]
        )
        raise BundleError(f"manifest.json is wrong ({faults}): train the bundle again") from error


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def score_schema(model: str, labels: list[Label], description: str) -> dict[str, Any]:
    """JSON Schema of one score, in the shape that ORES gave it."""
    kind = "boolean" if isinstance(labels[0], bool) else "string"
    number = {"type": "number", "minimum": 0, "maximum": 1}
    names = [label_name(label) for label in labels]
    return {
        "title": f"Assay score: {model}",
        "description": description,
        "type": "object",
        "required": ["prediction", "probability"],
        "properties": {
            "prediction": {"type": kind, "enum": list(labels)},
            "probability": {
                "type": "object",
                "required": names,
                "properties": dict.fromkeys(names, number),
            },
        },
    }
