"""Configurations and release roots as operators would lay them out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.settings import json_schema


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Files by path within the folder, which is made and given back."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def write_release(
    root: Path,
    name: str,
    *,
    slot: str | None = None,
    configuration: str = "",
    schema: Mapping[str, Any] | None = None,
) -> Path:
    """A release of which only the configuration's files are there; `slot`: where it is live."""
    text = json.dumps(json_schema() if schema is None else schema)
    folder = write(
        root / "releases" / name,
        {"configuration.toml": configuration, "configuration.schema.json": text},
    )
    if slot is not None:
        (root / "slots").mkdir(exist_ok=True)
        (root / "slots" / slot).symlink_to(Path("..") / "releases" / name)
    return folder


def without(schema: Mapping[str, Any], section: str, key: str) -> dict[str, Any]:
    """The schema of a release that has no such setting."""
    copy: dict[str, Any] = json.loads(json.dumps(schema))
    del copy["properties"][section]["properties"][key]
    return copy
