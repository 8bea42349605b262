"""Settings from layers, all faults told at once.

What is accepted is what the JSON Schema accepts (`assay.settings.schema`), less what no schema can say: files
that cannot be read, a setting given twice with different values, values in a notation of their own (Redis
URLs, addresses of Sentinels, CIDRs, threshold queries), settings of one section that belong together, and the
cross checks of `assay.settings.checks`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from assay.errors import ConfigurationError
from assay.settings.checks import cross_checks
from assay.settings.environments import Environment, chosen
from assay.settings.layers import CONFIG, CONFIG_FOLDER, ENVIRONMENT, Given, Place, Schema
from assay.settings.reading import Reading, read
from assay.settings.schema import own_schema
from assay.settings.tree import Settings
from assay.telemetry import redacted

Warn = Callable[[str], None]
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resolved:
    """`settings`: None when `faults` tells why there are none."""

    settings: Settings | None
    reading: Reading
    faults: tuple[str, ...]

    def right(self) -> Settings:
        """Raises `ConfigurationError` that lists every fault."""
        if self.settings is None:
            raise wrong(self.faults)
        return self.settings


def load(
    files: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    *,
    config_folder: Path | None = None,
    environment_name: str | None = None,
    warn: Warn = _LOG.warning,
) -> Settings:
    """The settings that these layers give. `environment`: variables; None for the process's own.
    `config_folder`, `environment_name`: layered files and secrets (`assay.settings.environments`); None: as
    ``ASSAY_CONFIG_FOLDER`` and ``ASSAY_ENVIRONMENT`` say. `warn`: is told of old names of settings.

    Raises `ConfigurationError` that lists *every* fault of all layers, each with its file or variable.
    """
    resolved = resolve(given(files, environment, flags, config_folder, environment_name))
    for warning in resolved.reading.warnings:
        warn(warning)
    return resolved.right()


def given(
    files: Sequence[Path] = (),
    variables: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    config_folder: Path | None = None,
    environment_name: str | None = None,
) -> Given:
    """Arguments as in `load`. Raises `ConfigurationError` when the environment cannot be found."""
    variables = os.environ if variables is None else variables
    environment = chosen(
        config_folder,
        environment_name,
        variables,
        folder_variable=CONFIG_FOLDER,
        name_variable=ENVIRONMENT,
    )
    before = [Path(name) for name in variables.get(CONFIG, "").split(":") if name]
    return Given(before, files, variables, flags or {}, environment)


def given_in(environment: Environment) -> Given:
    """What the environment's folder gives, and nothing of this process."""
    return Given(environment=environment)


def resolve(given: Given, schema: Schema | None = None) -> Resolved:
    """Settings, or everything that is wrong with them. `schema`: to judge by; None: this code's own."""
    reading = read(given, own_schema() if schema is None else schema)
    faults = [fault.text for fault in reading.faults]
    settings = _built(_sound(reading), faults)
    if settings is not None:
        faults.extend(cross_checks(settings, reading.values))
    return Resolved(None if faults else settings, reading, tuple(dict.fromkeys(faults)))


def wrong(faults: Iterable[str]) -> ConfigurationError:
    """All these faults as one error."""
    return ConfigurationError("the configuration is wrong:\n  " + "\n  ".join(faults))


def describe(settings: Settings) -> dict[str, Any]:
    """As plain values, for ``assay config show``; nothing in it is secret."""
    return _shown(plain(settings))


def plain(settings: Settings) -> dict[str, Any]:
    """As JSON has them, secrets included: not to be shown."""
    values = _adapter().dump_python(settings, mode="json")
    assert isinstance(values, dict)
    return values


def _shown(section: Mapping[str, Any]) -> dict[str, Any]:
    """A section's name says nothing of what is in it: a wiki may be called after secrets or cookies."""
    return {
        name: _shown(value) if isinstance(value, Mapping) else redacted(name, value)
        for name, value in section.items()
    }


@cache
def _adapter() -> TypeAdapter[Settings]:
    return TypeAdapter(Settings)


def _sound(reading: Reading) -> dict[str, Any]:
    """The values without the faulty ones, so that what the sections themselves refuse is told as well."""
    values = dict(reading.values)
    for place in {fault.place for fault in reading.faults if fault.place}:
        values = _without(values, place)
    return values


def _built(values: dict[str, Any], faults: list[str]) -> Settings | None:
    """The dataclasses, without what their own checks refuse, which is told in `faults`."""
    while True:
        try:
            return _adapter().validate_python(values)
        except ValidationError as error:
            faults.extend(_describe(error))
            before, values = values, _without_refused(values, error)
            if values == before:
                return None


def _without_refused(values: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    for fault in error.errors(include_url=False, include_context=False):
        place = tuple(map(str, fault["loc"]))
        if place := place[:-1] if fault["type"] == "missing" else place:
            values = _without(values, place)
    return values


def _without(values: Mapping[str, Any], place: Place) -> dict[str, Any]:
    first, *rest = place
    inner = values.get(first)
    if rest and isinstance(inner, Mapping):
        return {**values, first: _without(inner, tuple(rest))}
    return {key: value for key, value in values.items() if key != first}


def _describe(error: ValidationError) -> Iterator[str]:
    """What the sections' own checks refuse. A missing value was told by the schema, or was itself faulty."""
    for fault in error.errors(include_url=False, include_context=False):
        if fault["type"] != "missing":
            place = ".".join(str(part) for part in fault["loc"]) or "settings"
            yield f"{place}: {fault['msg'].removeprefix('Value error, ')}"
