"""Reads and writes bundles: a model as plain files that are proved before they are used.

Order of proof: the manifest against its own digest, the list of files, each file's size and digest, the
features against this Assay's catalogue, the trees' structure; only then does LightGBM see a byte.
Nothing in a bundle is ever executed.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from assay.errors import BundleError, GraphError
from assay.features.catalogue import features
from assay.features.graph.node import Feature
from assay.features.lexicon import MAX_LEXICON_BYTES, Lexicon, Lexicons
from assay.models.calibrate import Calibration
from assay.models.facts import MAX_STATISTICS_BYTES, proved
from assay.models.files import MAX_FILE_BYTES, BundleFiles, open_files
from assay.models.forest import Forest
from assay.models.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    STATISTICS,
    TREES,
    FeatureEntry,
    Manifest,
    parse_manifest,
)
from assay.models.model import Model
from assay.models.revid import RevIdModel
from assay.models.told import told_with
from assay.models.trees import TreeModel


def load_bundle(
    path: Path, pool: MutableMapping[str, Lexicon] | None = None, *, with_trees: bool = True
) -> Model:
    """The model in the directory or zip at `path`.

    `pool`: lexicons by digest, read from and added to, so that models that were trained with equal word
    lists share them in memory. `with_trees`: False for a process that only talks about the model: it can
    do all but score. Raises `BundleError` with what is wrong and what to do.
    """
    files = open_files(path)
    manifest = parse_manifest(files.read(MANIFEST, MAX_MANIFEST_BYTES))
    _check_names(files, manifest)
    for name in (STATISTICS, *manifest.cards):
        entry = manifest.files.get(name) or manifest.cards[name]
        proved(files, name, entry, MAX_STATISTICS_BYTES)
    lexicons = _lexicons(files, manifest, {} if pool is None else pool)
    columns = _features(manifest, lexicons)
    if manifest.kind == "revid":
        return _revid(manifest, columns)
    forest: Forest | None = None
    if with_trees:
        text = proved(files, TREES, manifest.files[TREES], MAX_FILE_BYTES).decode("ascii", "replace")
        forest = Forest(text, len(columns), manifest.raw_outputs)
    return TreeModel(
        wiki=manifest.wiki,
        name=manifest.model,
        version=manifest.version,
        digest=manifest.digest,
        labels=tuple(manifest.labels),
        features=columns,
        needs_parent=manifest.needs_parent,
        forest=forest,
        calibration=Calibration(manifest.calibration.scale, tuple(manifest.calibration.bias)),
        told=told_with(manifest.wiki, manifest.model, columns, lexicons),
    )


def file_entries(contents: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """The manifest's entries for `contents`."""
    return {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        for name, content in contents.items()
    }


def packed_lexicon(lexicon: Lexicon) -> bytes:
    """As it lies in a bundle: gzip without a time stamp, so that equal lists give equal bytes."""
    return gzip.compress(lexicon.lines.encode(), compresslevel=9, mtime=0)


def lexicon_file(lexicon: Lexicon) -> str:
    """Its path in a bundle."""
    return f"lexicons/{lexicon.name}.txt.gz"


def feature_entry(feature: Feature) -> dict[str, Any]:
    """The manifest's entry for a column."""
    return FeatureEntry(name=feature.name, type=feature.type, version=feature.version).model_dump()


def _check_names(files: BundleFiles, manifest: Manifest) -> None:
    expected = {MANIFEST, *manifest.files, *manifest.cards}
    found = files.names()
    if missing := sorted(expected - found):
        raise BundleError(f"the bundle lacks {', '.join(missing)}: get it again")
    if foreign := sorted(found - expected):
        raise BundleError(
            f"the bundle holds {', '.join(foreign[:5])}, which its manifest does not name: take it out"
        )


def load_bundles(bundles: Iterable[Path], *, with_trees: bool = True) -> list[Model]:
    """The models of these bundles, in order, sharing equal lexicons. `with_trees`: as in `load_bundle`.

    Raises `BundleError` naming every bundle that cannot be used, not only the first.
    """
    pool: dict[str, Lexicon] = {}
    models: list[Model] = []
    faults: list[str] = []
    for path in bundles:
        try:
            models.append(load_bundle(path, pool, with_trees=with_trees))
        except BundleError as error:
            faults.append(f"{path}: {error}")
    if faults:
        raise BundleError("; ".join(faults))
    return models


def _lexicons(files: BundleFiles, manifest: Manifest, pool: MutableMapping[str, Lexicon]) -> Lexicons:
    found = []
    for entry in manifest.lexicons:
        packed = proved(files, entry.file, manifest.files[entry.file], MAX_LEXICON_BYTES)
        if entry.digest not in pool:
            lexicon = Lexicon.from_text(entry.name, _unpacked(entry.file, packed))
            if lexicon.digest != entry.digest:
                raise BundleError(f"{entry.file} is not the lexicon that the manifest names: get it again")
            pool[entry.digest] = lexicon
        found.append(pool[entry.digest])
    return Lexicons(found)


def _unpacked(name: str, packed: bytes) -> str:
    """A gzip's text, never more than `MAX_LEXICON_BYTES` of it."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(packed, MAX_LEXICON_BYTES + 1)
        if len(content) > MAX_LEXICON_BYTES or not unpacker.eof or unpacker.unused_data:
            raise BundleError(f"{name} is no gzip of at most {MAX_LEXICON_BYTES} bytes: get the bundle again")
        return content.decode("utf-8")
    except (zlib.error, UnicodeDecodeError) as error:
        raise BundleError(f"{name} cannot be unpacked ({error}): get the bundle again") from error


def _features(manifest: Manifest, lexicons: Lexicons) -> tuple[Feature, ...]:
    """The catalogue's features, once they are the ones that the model was trained with."""
    try:
        found = features((entry.name for entry in manifest.features), lexicons)
    except GraphError as error:
        raise BundleError(
            f"the bundle needs features that this Assay has not ({error}): upgrade Assay, or train it again"
        ) from error
    for entry, feature in zip(manifest.features, found, strict=True):
        if (entry.type, entry.version) != (feature.type, feature.version):
            raise BundleError(
                f"{entry.name} was version {entry.version} ({entry.type}) when the model was trained and is "
                f"now version {feature.version} ({feature.type}): train the bundle again, or use its Assay"
            )
    return found


def _revid(manifest: Manifest, columns: tuple[Feature, ...]) -> RevIdModel:
    if columns != RevIdModel.features:
        raise BundleError(f"a revid bundle has the features {RevIdModel.features}: build it again")
    return RevIdModel(manifest.wiki, manifest.model, manifest.version, manifest.digest)
