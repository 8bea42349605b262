"""All recipes by ``wiki/model``: built-in ones register by the call that outsiders use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Final

from assay.errors import ConfigurationError
from assay.models.recipe import Recipe

_REGISTRY: dict[str, Recipe] = {}
_TEMPLATES: dict[str, Callable[[str], Recipe]] = {}
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def register(recipe: Recipe) -> Recipe:
    """Make `recipe` known under its id; gives it back. Raises `ConfigurationError` when the id is taken."""
    if _REGISTRY.setdefault(recipe.id, recipe) != recipe:
        raise ConfigurationError(f"there are two recipes called {recipe.id}: rename one")
    return recipe


def register_template(name: str, make: Callable[[str], Recipe]) -> None:
    """Let `recipe` make a recipe called `name` for any wiki without one of its own; `make` gets the wiki."""
    _TEMPLATES[name] = make


def recipes() -> Mapping[str, Recipe]:
    """Every known recipe by id, in the order of their names."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return MappingProxyType(dict(sorted(_REGISTRY.items())))


def recipe(recipe_id: str) -> Recipe:
    """The recipe called ``wiki/model``: a registered one, or one made from a template for that model.

    Raises `ConfigurationError` naming the nearest ones.
    """
    known = recipes()
    if recipe_id in known:
        return known[recipe_id]
    wiki, _, name = recipe_id.partition("/")
    if name in _TEMPLATES:
        if not _NAME.fullmatch(wiki):
            raise ConfigurationError(
                f"no recipe {recipe_id!r}: write the wiki's name with a to z, 0 to 9, _ and -, "
                "beginning with a letter"
            )
        return _TEMPLATES[name](wiki)
    near = get_close_matches(recipe_id, known, n=3, cutoff=0.4) or list(known)
    any_wiki = ", ".join(f"WIKI/{template}" for template in sorted(_TEMPLATES))
    raise ConfigurationError(
        f"no recipe {recipe_id!r}; did you mean {', '.join(near)}? For a wiki of your own there is {any_wiki}"
    )
