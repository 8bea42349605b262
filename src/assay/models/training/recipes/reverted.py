"""Will the edit be undone? One model for each wiki with a history, and one for any wiki at all.

All learn from identity reverts with the same language-independent features. A model for one wiki learns
from its own history and, at a fraction of the weight, from those of the others: a small wiki has a few
hundred reverted edits, too few to learn what vandalism looks like, and enough to learn what is peculiar
to it.
``anywiki`` is measured on each wiki by trees that never saw it.

What is known of pages and actors before the edit is hidden in a second copy of every row, because not
every source tells it, nor a live wiki always in time. Features that come near to naming a wiki, a page or an
actor (lengths of names and titles, the hour) are left out: on later time they help nothing, and on other
wikis they mislead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from assay.models.recipe import Filter, Mask, Recipe, Split
from assay.models.training.recipes import register, register_template

_CHANGE: Final = (
    "creates",
    "is_null",
    "old_size",
    "new_size",
    "growth",
    "size_ratio",
    "added",
    "removed",
    "added_segments",
    "removed_segments",
    "longest_added",
    "added_share",
    "removed_share",
    "balance",
    "overlap",
    "position",
)
_ADDED: Final = (
    "upper_share",
    "shouted_share",
    "digit_share",
    "markup_share",
    "space_share",
    "exclamations",
    "longest_run",
    "longest_word",
    "longest_consonants",
    "mean_word",
    "words",
    "distinct_chars",
    "distinct_words",
    "compressed",
    "compressed_after_page",
    "new_words",
    "foreign_share",
    "non_latin_share",
    "non_latin_surplus",
    "title_words",
)
_REMOVED: Final = ("words", "upper_share", "markup_share", "distinct_chars")
_MARKUP: Final = (
    "urls",
    "new_sites",
    "url_share",
    "links",
    "namespaced_links",
    "language_links",
    "templates",
    "tags",
    "headings",
    "tables",
    "list_items",
    "lines",
    "foreign_markup",
    "sample_text",
    "imbalance",
    "signatures",
    "redirects",
    "marks_removed",
)
_COMMENT: Final = (
    "is_empty",
    "has_section",
    "length",
    "words",
    "has_undo",
    "is_automatic",
    "has_link",
    "has_site",
    "names_tool",
    "upper_share",
    "non_latin_share",
    "exclamations",
    "added_words",
)
_PARENT: Final = ("says_undo", "is_silent", "seconds_since", "same_user", "is_anon")
_PAGE_PAST: Final = (
    "edits",
    "reverts",
    "reverted",
    "reverted_share",
    "recent_reverts",
    "recent_reverted",
    "actors",
    "actors_per_edit",
    "age_s",
    "edits_per_day",
    "seconds_since_revert",
)
_ACTOR_PAST: Final = (
    "edits",
    "reverted",
    "reverted_share",
    "reverts",
    "pages",
    "edits_to_page",
    "age_s",
    "seconds_since_edit",
    "seconds_since_reverted",
)
_NAME: Final = ("is_anon", "is_ipv6", "digit_share")
_TITLE: Final = ("own_page", "has_prefix", "is_subpage")
_WORDS: Final = (
    *(f"{lexicon}.{side}" for lexicon in ("badwords", "informals") for side in ("added", "removed")),
    *(
        f"{lexicon}.{measure}"
        for lexicon in ("function_words", "chat")
        for measure in ("added", "added_share", "removed_share", "surplus")
    ),
)
FEATURES: Final = tuple(
    f"feature.assay.{group}.{name}"
    for group, names in (
        ("change", _CHANGE),
        ("added", _ADDED),
        ("removed", _REMOVED),
        ("markup", _MARKUP),
        ("comment", _COMMENT),
        ("parent", _PARENT),
        ("page_past", _PAGE_PAST),
        ("actor_past", _ACTOR_PAST),
        ("name", _NAME),
        ("title", _TITLE),
        ("english", _WORDS),
    )
    for name in names
)
PASTS: Final = ("feature.assay.page_past.", "feature.assay.actor_past.")
LEXICONS: Final = ("english.badwords", "english.chat", "english.function_words", "english.informals")

_RISES: Final = (
    "name.is_anon",
    "change.removed_share",
    "actor_past.reverted_share",
    "page_past.reverted_share",
    "page_past.recent_reverts",
    "page_past.recent_reverted",
    "markup.sample_text",
    "markup.foreign_markup",
    "markup.new_sites",
    "markup.imbalance",
    "added.longest_run",
    "added.longest_word",
    "added.longest_consonants",
    "added.exclamations",
    "added.shouted_share",
    "added.foreign_share",
    "english.function_words.surplus",
    "english.badwords.added",
    "english.informals.added",
    "english.chat.added",
)
_FALLS: Final = (
    "actor_past.age_s",
    "actor_past.edits",
    "actor_past.pages",
    "comment.names_tool",
    "comment.length",
    "title.own_page",
)
"""What may only raise, or only lower, the score: chance in a few small wikis must not teach the opposite."""


def _direction(feature: str) -> int:
    name = feature.removeprefix("feature.assay.")
    return (name in _RISES) - (name in _FALLS)


PARAMS: Final[dict[str, Any]] = {
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 30,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "path_smooth": 5.0,
    "extra_trees": True,
    "monotone_constraints": [_direction(feature) for feature in FEATURES],
}
LEFT_OUT: Final[tuple[Filter, ...]] = ("bots", "reverting", "self_reverted", "creations", "unfinished")
_MASKS: Final = (Mask(PASTS, weight=0.5),)
_LIMITS: Final = (
    "Reverted is not the same as bad: good edits are undone in quarrels and together with bad ones, and "
    "bad edits stay where nobody looks.",
    "Edits that themselves restore an earlier text, and edits that their own authors took back, were neither "
    "learned from nor measured on.",
    "Page creations were not learned from, because no later edit can undo them by restoring an earlier text; "
    "their scores are what the text and its author alone suggest.",
    "Where the source does not tell the past of page and actor in time, scores are somewhat worse: see the "
    "figures with these features hidden.",
    "A live wiki's API tells that past for the latest few hundred edits only, which costs a little: the "
    "whole history was learned from.",
)
WIKIS: Final = {
    "akwiki": "Akan Wikipedia",
    "biwiki": "Bislama Wikipedia",
    "chwiki": "Chamorro Wikipedia",
    "crwiki": "Cree Wikipedia",
    "enwiki": "one page of English Wikipedia (Anarchism), 2001 to 2010",
    "jbowiki": "Lojban Wikipedia",
    "supertuxwiki": "the wiki of the game SuperTux",
}
_LIMITS_OF: Final = {
    "enwiki": (
        "It learned English Wikipedia from a single, much disputed page, where half of the undone edits are "
        "collateral damage of quarrels; for vandalism in general use enwiki damaging.",
    )
}


def of_wiki(wiki: str, history: str, *limits: str) -> Recipe:
    """For a wiki with a history of its own. `history`: its name for people; `limits`: those of it alone."""
    return Recipe(
        wiki=wiki,
        name="reverted",
        kind="binary",
        labels=(True, False),
        features=FEATURES,
        description=f"The probability that an edit of {wiki} will be undone by another user.",
        lexicons=LEXICONS,
        params=PARAMS,
        rounds=400,
        split=Split("time", share=0.3, wiki=wiki),
        rows_per_actor=30,
        leave_out=LEFT_OUT,
        helper_weight=0.3,
        masks=_MASKS,
        inputs=f"identity reverts in the history of {history}, and at a lower weight in those of other wikis",
        limits=(*_LIMITS, *limits),
        command=f"assay train {wiki}/reverted --data ../shared/data --output src/assay/bundles",
    )


RECIPES: Final = tuple(
    register(of_wiki(wiki, history, *_LIMITS_OF.get(wiki, ()))) for wiki, history in WIKIS.items()
)


def _of_any_wiki(wiki: str) -> Recipe:
    command = f"assay train {wiki}/reverted --wiki {wiki}=HISTORY --wiki OTHER=HISTORY"
    return replace(of_wiki(wiki, wiki), command=command)


register_template("reverted", _of_any_wiki)
ANYWIKI: Final = register(
    Recipe(
        wiki="anywiki",
        name="reverted",
        kind="binary",
        labels=(True, False),
        features=FEATURES,
        description="The probability that an edit of any wiki, in any language, will be undone by another.",
        lexicons=LEXICONS,
        params=PARAMS,
        rounds=400,
        split=Split("wiki"),
        rows_per_actor=15,
        leave_out=LEFT_OUT,
        balance_wikis=True,
        masks=_MASKS,
        inputs=(
            "identity reverts in the histories of nine wikis: five small Wikipedias, the wikis of a game, of "
            "a music program and of voting reformers, and one page of English Wikipedia"
        ),
        limits=(
            *_LIMITS,
            "It knows no wiki's customs: on a wiki with a history of its own, train a model for it.",
        ),
        command="assay train anywiki/reverted --data ../shared/data --output src/assay/bundles",
    )
)
