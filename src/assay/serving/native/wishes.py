"""What a POST under ``/api/`` may ask besides its own: which models, and values instead of computed ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from assay.errors import BadInjection, BadParameter
from assay.scoring.request import Injection
from assay.serving.parameters import check_depth

WISHES: Final = ("models", "injection")
_MAX_NAMES: Final = 100


def read_wishes(asked: Mapping[str, Any]) -> tuple[tuple[str, ...] | None, Injection]:
    """Models (None: all) and injection. Raises `BadParameter`, `BadInjection`."""
    names, injection = asked.get("models"), asked.get("injection", {})
    if names is not None and (not isinstance(names, list) or not 1 <= len(names) <= _MAX_NAMES):
        raise BadParameter("Could not interpret models. Give a list of names.")
    if names is not None and not all(isinstance(name, str) for name in names):
        raise BadParameter("Could not interpret models. Every name must be a string.")
    if not isinstance(injection, dict):
        raise BadInjection("Could not interpret injection. Give an object of values by name.")
    check_depth(injection, "injection")
    return None if names is None else tuple(dict.fromkeys(names)), injection
