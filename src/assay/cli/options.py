"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from assay.durable import behind_link
from assay.errors import ConfigurationError
from assay.settings import Settings, load

Wikis = Annotated[
    list[str] | None,
    typer.Option(
        "--wiki",
        metavar="NAME=SOURCE",
        help="A wiki to score. SOURCE: an api.php URL, an XML dump or a .jsonl history. May be repeated.",
    ),
]
Borrow = Annotated[
    list[str] | None,
    typer.Option(
        "--bundles",
        metavar="NAME=WIKI",
        help="Let the wiki NAME use the bundles of WIKI (for example: simplewiki=enwiki). May be repeated.",
    ),
]
Config = Annotated[
    list[Path] | None,
    typer.Option("--config", "-c", help="Configuration file (TOML); a later one overrides. May be repeated."),
]
Environment = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Which environment of --config-folder this is, such as production; default: ASSAY_ENVIRONMENT.",
    ),
]
ConfigFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder with base.toml, one file for each environment, and secrets/; read before --config. "
        "Default: ASSAY_CONFIG_FOLDER.",
    ),
]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The options that say where settings are read from, in every command that reads them."""

    config: Config = None
    environment: Environment = None
    config_folder: ConfigFolder = None


NOTHING_GIVEN: Final = Configuration()
"""Settings come from environment variables alone."""

BundleFolders = Annotated[
    list[Path] | None,
    typer.Option("--bundle-directory", help="Folder with further bundles, WIKI/MODEL/. May be repeated."),
]


@dataclass(frozen=True, slots=True)
class WhatIsScored:
    """The options that say which wikis are scored and with which bundles."""

    wiki: Wikis = None
    bundles: Borrow = None
    bundle_directory: BundleFolders = None

    def flags(self) -> dict[str, Any]:
        """As a layer of settings."""
        wikis: dict[str, dict[str, str]] = {}
        for name, source in pairs(self.wiki, "--wiki"):
            wikis.setdefault(name, {})["source"] = source
        for name, lender in pairs(self.bundles, "--bundles"):
            wikis.setdefault(name, {})["bundles"] = lender
        folders = [str(folder) for folder in self.bundle_directory or ()]
        return {name: value for name, value in (("wikis", wikis), ("bundle_directories", folders)) if value}


AS_CONFIGURED: Final = WhatIsScored()
"""Flags say nothing of wikis and bundles."""

Processes = Annotated[
    int | None, typer.Option("--processes", min=1, help="Scoring processes; default: one for each core.")
]
Host = Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port; default 8080.")]
RedisUrl = Annotated[
    str | None,
    typer.Option("--redis", metavar="URL", help="Redis, without the password: that belongs in a file."),
]
Follow = Annotated[
    list[str] | None,
    typer.Option(
        "--follow",
        metavar="KIND=WHAT",
        help="A stream of edits to score as they happen: eventstreams=URL, recentchanges=WIKI, "
        "redis=CHANNEL or udp=HOST:PORT. May be repeated; more can be said in the configuration.",
    ),
]
_FOLLOWED: Final = {"eventstreams": "url", "recentchanges": "wiki", "redis": "channel", "udp": "address"}
Release = Annotated[str | None, typer.Option(help="Name of this release; default: dev.")]


def load_settings(
    configuration: Configuration = NOTHING_GIVEN,
    scored: WhatIsScored = AS_CONFIGURED,
    *,
    processes: int | None = None,
    release: str | None = None,
    **sections: dict[str, Any],
) -> Settings:
    """Settings with the flags on top; a flag that was not given (None) changes nothing. Old names of settings
    are told on standard error."""
    flags: dict[str, Any] = {name: _given(values) for name, values in sections.items()} | scored.flags()
    if processes is not None:
        flags["pool"] = {**flags.get("pool", {}), "processes": processes}
    if release is not None:
        flags["release"] = release
    _check_identity(flags)
    return load(
        list(configuration.config or ()),
        flags=flags,
        config_folder=configuration.config_folder,
        environment_name=configuration.environment,
        warn=warn,
    )


def _check_identity(flags: Mapping[str, Any]) -> None:
    """A release's launcher says which release runs and with which bundles. A flag that said otherwise would
    let a process work under another's name."""
    if os.environ.get("ASSAY_SHIPPED_BUNDLES") != "false" or "ASSAY_RELEASE" not in os.environ:
        return
    if given := [name for name in ("release", "bundle_directories") if name in flags]:
        told = " and ".join(f"--{name.replace('_directories', '-directory')}" for name in given)
        raise ConfigurationError(
            f"{told} cannot be given to the release {os.environ['ASSAY_RELEASE']}, whose launcher says it: "
            "leave it out, or build a release that differs"
        )


def warn(text: str) -> None:
    """Tell it on standard error."""
    typer.echo(f"assay: warning: {text}", err=True)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


_FORMS: Final = {
    "--wiki": "NAME=SOURCE, such as enwiki=dump.xml.7z",
    "--bundles": "NAME=WIKI, such as simplewiki=enwiki",
    "--follow": "KIND=WHAT, such as recentchanges=enwiki",
    "--requests": "KIND=WEIGHT, such as scores=3",
}


def pairs(values: Sequence[str] | None, option: str) -> list[tuple[str, str]]:
    """By name, in order. Raises `ConfigurationError` for a malformed value and for two values of one name."""
    pairs: dict[str, str] = {}
    for value in values or ():
        name, separator, rest = value.partition("=")
        if not (name and separator and rest):
            raise ConfigurationError(f"{option} {value!r}: write it as {_FORMS.get(option, 'NAME=VALUE')}")
        if pairs.setdefault(name, rest) != rest:
            raise ConfigurationError(
                f"{option} names {name} twice, {pairs[name]} and {rest}: keep one of them"
            )
    return list(pairs.items())


def streams(follow: Sequence[str] | None) -> dict[str, Any] | None:
    """What ``precache.streams`` would say, by the kinds' names; None when nothing was given. Raises
    `ConfigurationError`."""
    found = {}
    for kind, what in pairs(follow, "--follow"):
        if kind not in _FOLLOWED:
            raise ConfigurationError(f"--follow {kind}=…: the kinds are {', '.join(_FOLLOWED)}")
        found[kind] = {"kind": kind, _FOLLOWED[kind]: what}
    return found or None


def check_output(path: Path | None, *, folder: bool = False, in_one_step: bool = False) -> None:
    """Refuse what could not be written, before hours of work are lost to it. None: standard output.
    `in_one_step`: a new file will take the place of the old one, which no device or pipe survives."""
    if path is None:
        return
    place = behind_link(path) if in_one_step else path
    if path.exists():
        if path.is_dir() != folder:
            kind = "a file: name a folder" if folder else "a folder: name a file in it"
            raise ConfigurationError(f"{path} is {kind}")
        if in_one_step and not path.is_file():
            raise ConfigurationError(
                f"{path} is no plain file, and another would take its place: name a file"
            )
    elif not folder and not place.parent.is_dir():
        raise ConfigurationError(
            f"there is no folder {place.parent} to write {place.name} into: make it first"
        )
    _check_rights(place, in_one_step=in_one_step)


def _check_rights(path: Path, *, in_one_step: bool) -> None:
    """Of the file or folder itself, or of the nearest folder above it that is there: what is put in place in
    one step is made anew."""
    place = path.parent if in_one_step else path
    place = next(place for place in (place, *place.absolute().parents) if place.exists())
    if not os.access(place, os.W_OK, effective_ids=True):
        raise ConfigurationError(
            f"{place} must not be written to by this user: give another place, or rights"
        )
