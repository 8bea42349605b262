"""Puts a release together: code, bundles, configuration, the schema that the code prints, golden scores."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from assay.durable import sync_folder
from assay.errors import BundleError, ReleaseError
from assay.models.facts import read_manifest as read_bundle
from assay.models.files import MAX_FILE_BYTES, open_files
from assay.releases import environment, golden
from assay.releases.install import WRITTEN_BY_INSTALL, check, folder_faults, lay_out
from assay.releases.launcher import run_release
from assay.releases.manifest import (
    CONFIGURATION,
    CONFIGURATION_SCHEMA,
    GOLDEN,
    MANIFEST,
    REQUIREMENTS,
    BundleEntry,
    Code,
    ExpectedDrift,
    ReleaseManifest,
    bundle_folder,
    check_name,
    make_manifest,
)
from assay.releases.progress import Report
from assay.releases.root import Root, read_manifest
from assay.releases.tree import discard, entry_of, plain_files
from assay.releases.wheel import version_of

_STEPS: Final = ("code", "bundles", "schema of the configuration", "golden scores", "digests")
_WAIT_LIMIT_S: Final = 1800.0
"""For another build to end."""


@dataclass(frozen=True, slots=True)
class GoldenChoice:
    """Which revisions are golden. `count`: recent ones of each wiki. `revisions`: these (``wiki:id``)
    instead, for the wikis that they name. `file`: those of an earlier release's golden scores; no wiki is
    asked then."""

    count: int = 5
    revisions: tuple[str, ...] = ()
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a release is made of. `bundles`: directories or zips. `configuration`: one TOML text.
    `wikis`: with the models that each is scored by; golden scores must cover all of them."""

    name: str
    wheel: Path
    requirements: bytes
    bundles: Sequence[Path]
    configuration: str
    wikis: Mapping[str, Sequence[str]]
    golden: GoldenChoice = GoldenChoice()
    expected_drift: Sequence[ExpectedDrift] = ()
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    """For the release's code while golden revisions are chosen; None: this process's, cleaned."""


def build(parts: Parts, root: Root, folder: Path, report: Report = lambda *_: None) -> Path:
    """Make the release in ``folder/<id>``, whole or not at all; that path. Equal parts give an equal release.

    `root`: where environments lie. Raises `ReleaseError`, `BundleError` or `ConfigurationError`.
    """
    check_name(parts.name)
    folder.mkdir(parents=True, exist_ok=True)
    stage = folder / ".build"
    with root.lock("build", _WAIT_LIMIT_S):
        discard(stage)
        try:
            manifest = _assemble(parts, root, stage, report)
            return _put_in_place(stage, folder / manifest.id, manifest)
        finally:
            discard(stage)


def _assemble(parts: Parts, root: Root, stage: Path, report: Report) -> ReleaseManifest:
    def step(number: int) -> None:
        report(number, len(_STEPS), _STEPS[number])

    step(0)
    code = _copy_code(parts, stage)
    step(1)
    bundles = _copy_bundles(parts.bundles, stage)
    lay_out(stage, code.wheel, "build", environment.ensure(root, parts.requirements))
    step(2)
    schema = run_release(stage, ["config", "schema"])
    (stage / CONFIGURATION_SCHEMA).write_bytes(_json(schema))
    step(3)
    _write_golden(parts, stage)
    step(4)
    for name in sorted(WRITTEN_BY_INSTALL):
        _remove(stage / name)
    files = {path: entry_of(stage / path) for path in plain_files(stage)}
    manifest = make_manifest(parts.name, code, bundles, files, parts.expected_drift)
    (stage / MANIFEST).write_bytes(manifest.to_bytes())
    return manifest


def _copy_code(parts: Parts, stage: Path) -> Code:
    version = version_of(parts.wheel)
    target = stage / "wheel" / parts.wheel.name
    target.parent.mkdir(parents=True)
    shutil.copyfile(parts.wheel, target)
    (stage / REQUIREMENTS).write_bytes(parts.requirements)
    (stage / CONFIGURATION).write_text(parts.configuration, "utf-8")
    return Code(wheel=f"wheel/{parts.wheel.name}", sha256=entry_of(target).sha256, version=version)


def _copy_bundles(bundles: Sequence[Path], stage: Path) -> dict[str, dict[str, BundleEntry]]:
    """Zips are unpacked, so that a model is stored once however it was packed."""
    found: dict[str, dict[str, BundleEntry]] = {}
    for path in bundles:
        manifest = read_bundle(path)
        models = found.setdefault(manifest.wiki, {})
        if manifest.model in models:
            raise BundleError(f"two bundles for {manifest.id}: give one of them")
        models[manifest.model] = BundleEntry(digest=manifest.digest, version=manifest.version)
        files = open_files(path)
        for name in files.names():
            target = stage / bundle_folder(manifest.wiki, manifest.model) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files.read(name, MAX_FILE_BYTES))
    return found


def _write_golden(parts: Parts, stage: Path) -> None:
    """Computed by the release's own code, from its own bundles."""
    choice = parts.golden
    arguments = ["release", "golden", "--output", str(stage / GOLDEN), "--count", str(choice.count)]
    arguments += [word for revision in choice.revisions for word in ("--revision", revision)]
    if choice.file is not None:
        golden.read(choice.file)  # a damaged file is told before the release's code starts
        arguments += ["--input", str(choice.file.resolve())]
    run_release(stage, arguments, parts.environment)
    if missing := golden.uncovered(golden.read(stage / GOLDEN), parts.wikis):
        raise ReleaseError("golden scores do not cover what is scored: " + "; ".join(missing))


def _put_in_place(stage: Path, target: Path, manifest: ReleaseManifest) -> Path:
    """A release that is there already is the same one, or damaged."""
    if target.exists():
        check(folder_faults(target, read_manifest(target, manifest.id)), manifest.id)
        return target
    os.sync()  # its name must not outlive a crash that its files do not
    stage.rename(target)
    sync_folder(target.parent)
    return target


def _json(document: bytes) -> bytes:
    try:
        return orjson.dumps(orjson.loads(document), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError as error:
        raise ReleaseError(
            f"the release's code printed no JSON Schema of its configuration ({error})"
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir():
        discard(path)
    else:
        path.unlink(missing_ok=True)
