"""Draw the cards of the shipped bundles anew, with the words that their recipes have now.

    python tools/redraw_cards.py

Nothing is learned: trees, statistics and lexicons stay as they are, byte for byte, and training again gives
the same. A recipe's words stand in the manifest, so new words give the bundle another digest, and its scores
another identity; cards that only look otherwise do not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson

from assay.models.bundle import file_entries
from assay.models.cards.card import card_html, card_markdown
from assay.models.facts import read_manifest, read_statistics
from assay.models.library import shipped_folder
from assay.models.manifest import MANIFEST, Manifest, score_schema, sealed
from assay.models.recipe import Recipe
from assay.models.training.recipes import recipes

WORDS: Final = frozenset({"description", "inputs", "limits", "command"})
"""Fields of a recipe that no tree depends on."""


def main() -> None:
    known = recipes()
    for path in sorted(found.parent for found in shipped_folder().glob(f"*/*/{MANIFEST}")):
        before = read_manifest(path)
        words = reworded(before, known[before.id]) if before.id in known else before
        if (now := redrawn(path, words)) != before:
            digest = "" if now.digest == before.digest else f", digest {now.digest[:12]}"
            print(f"{now.id}: drawn anew{digest}")


def reworded(manifest: Manifest, recipe: Recipe) -> Manifest:
    """The manifest with the recipe's words. Exits when the recipe differs in more than words."""
    now = orjson.loads(orjson.dumps(recipe.to_json()))
    before = manifest.training["recipe"]
    changed = {name for name in {*now, *before} if now.get(name) != before.get(name)}
    if changed - WORDS:
        raise SystemExit(f"{manifest.id} differs in {', '.join(sorted(changed - WORDS))}: train it again")
    told = {"recipe": now, "recipe_digest": recipe.digest, "command": recipe.command}
    return sealed(
        {
            **manifest.model_dump(mode="json"),
            "description": recipe.description,
            "score_schema": score_schema(recipe.name, list(recipe.labels), recipe.description),
            "training": {**manifest.training, **told},
        }
    )


def redrawn(path: Path, manifest: Manifest) -> Manifest:
    """Write manifest and cards as `assay.models.training.make` does; gives the manifest that names them."""
    statistics = read_statistics(path)
    cards = {
        "card.md": card_markdown(manifest, statistics).encode(),
        "card.html": card_html(manifest, statistics).encode(),
    }
    whole = sealed({**manifest.model_dump(mode="json"), "cards": file_entries(cards)})
    for name, content in {**cards, MANIFEST: whole.to_bytes()}.items():
        (path / name).write_bytes(content)
    return whole


if __name__ == "__main__":
    main()
