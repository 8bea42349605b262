"""Templates that escape all they are given and fail on what they are not."""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape


def environment(package: str) -> Environment:
    """Templates of `package` and, below them, the frame: ``{% extends "frame.html" %}``."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("assay.page")]),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
