"""``assay release build``, ``golden``: what computes scores to make a release."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.progress import indexing, stepping
from assay.cli.release import RootFolder, root_of
from assay.compose.releases import BuildRequest, build_release, golden_scores
from assay.durable import write_durably
from assay.errors import ConfigurationError, reason_of
from assay.releases.build import GoldenChoice
from assay.releases.manifest import ExpectedDrift, parse_expected_drift
from assay.telemetry import LogOptions, configure_logging


def register(app: typer.Typer) -> None:
    app.command()(build)
    app.command()(golden)


def build(
    name: Annotated[str, typer.Option(help="The first part of the release's id, for example 2026-11-26.")],
    source: Annotated[Path, typer.Option(help="Source tree whose code is built into a wheel.")] = Path(),
    wheel: Annotated[Path | None, typer.Option(help="A built wheel of Assay, instead of --source.")] = None,
    requirements: Annotated[
        Path | None, typer.Option(help="Pins with hashes; default: requirements.txt of --source.")
    ] = None,
    golden: Annotated[int, typer.Option(min=1, max=1000, help="Recent revisions of each wiki.")] = 5,
    golden_revision: Annotated[
        list[str] | None,
        typer.Option(metavar="WIKI:REV", help="Take this golden revision of the wiki. May be repeated."),
    ] = None,
    golden_file: Annotated[
        Path | None, typer.Option(help="golden.jsonl of another release: take its revisions, ask no wiki.")
    ] = None,
    expected_drift: Annotated[
        Path | None,
        typer.Option(help="TOML file with [[expected_drift]]: how much scores may change, and why."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to make the release in; default: releases of the root.")
    ] = None,
    root: RootFolder = None,
    config: options.Config = None,
) -> None:
    """Put a release together from code, bundles, configuration and golden scores, and print its id.

    The configuration is what the --config files say together; bundles are those that its wikis need. The same
    parts always give the same release.
    """
    _check_one(golden_file, "--golden-file", golden_revision, "--golden-revision")
    place = root_of(root)  # --config says what the release is, not what this machine is
    request = BuildRequest(
        name,
        source,
        wheel,
        requirements,
        config or (),
        GoldenChoice(golden, tuple(golden_revision or ()), golden_file),
        _drift(expected_drift),
    )
    with stepping() as report:
        folder = build_release(request, place, (output or place.releases).absolute(), report)
    typer.echo(folder.name)


@grouped
def golden(
    output: Annotated[Path, typer.Option(help="File to write golden scores to.")],
    count: Annotated[int, typer.Option(min=1, max=1000, help="Recent revisions of each wiki.")] = 5,
    revision: Annotated[
        list[str] | None, typer.Option(metavar="WIKI:REV", help="Take this revision. May be repeated.")
    ] = None,
    input: Annotated[
        Path | None, typer.Option(help="Golden scores: compute those of the same revisions, ask no wiki.")
    ] = None,
    *,
    configuration: options.Configuration,
) -> None:
    """Compute golden scores with this very code, as build and verify ask of a release's own code."""
    options.check_output(output, in_one_step=True)
    _check_one(input, "--input", revision, "--revision")
    settings = options.load_settings(configuration)
    configure_logging(LogOptions(level="warning", json=False))
    scores = golden_scores(settings, indexing, count, _revisions(revision), input)
    write_durably(output.absolute(), scores)


def _check_one(file: Path | None, of_file: str, revisions: Sequence[str] | None, of_revisions: str) -> None:
    """Raises `ConfigurationError` for golden revisions that are said in two ways: one would not count."""
    if file is not None and revisions:
        raise ConfigurationError(f"{of_file} names its revisions itself: leave {of_revisions} out")


def _revisions(words: Sequence[str] | None) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for word in words or ():
        wiki, colon, rev_id = word.rpartition(":")
        if not (wiki and colon and rev_id.isdecimal()):
            raise ConfigurationError(f"{word!r:.80} is no revision: write WIKI:REV, for example enwiki:12345")
        found.setdefault(wiki, []).append(int(rev_id))
    return found


def _drift(path: Path | None) -> tuple[ExpectedDrift, ...]:
    if path is None:
        return ()
    try:
        return parse_expected_drift(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {reason_of(error)}") from error
