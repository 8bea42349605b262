"""enwiki damaging and goodfaith, learned from production ORES's own features and probabilities.

The recorded base features of 3 500 revisions go in, and ORES's probabilities for them are what the trees
must tell (cross-entropy on soft labels): what ORES learned from human labels is passed on. Statistics
are measured against `is_reverted`, the only truth recorded beside them; the columns `damaging` and
`goodfaith` of the recording are no human labels but ORES's probabilities cut at one half.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from assay.models.recipe import Mask, Recipe, Split
from assay.models.training.recipes import register

_WORDS: Final = tuple(
    f"feature.english.{words}.revision.diff.{kind}_{what}"
    for words, kinds in (
        ("badwords", ("match_delta", "match_prop_delta")),
        ("informals", ("match_delta", "match_prop_delta")),
        (
            "dictionary",
            ("dict_word_delta", "dict_word_prop_delta", "non_dict_word_delta", "non_dict_word_prop_delta"),
        ),
    )
    for kind in kinds
    for what in ("sum", "increase", "decrease")
)
_DIFFERENCES: Final = tuple(
    f"feature.wikitext.revision.diff.{token}_{kind}_{what}"
    for token in ("markup", "number", "uppercase_word")
    for kind in ("delta", "prop_delta")
    for what in ("sum", "increase", "decrease")
)
_PARENT: Final = (
    "feature.len(<datasource.tokenized(datasource.revision.parent.text)>)",
    "feature.len(<datasource.wikitext.revision.parent.words>)",
    "feature.len(<datasource.wikitext.revision.parent.uppercase_words>)",
    "feature.len(<datasource.wikitext.revision.parent.markups>)",
    *(
        f"feature.wikitext.revision.parent.{name}"
        for name in (
            "chars",
            "headings",
            "wikilinks",
            "external_links",
            "templates",
            "tags",
            "ref_tags",
        )
    ),
    "feature.revision.parent.chars_per_word",
    "feature.revision.parent.words_per_token",
    "feature.revision.parent.uppercase_words_per_word",
    "feature.revision.parent.markups_per_token",
)
_CHANGES: Final = (
    *(
        f"feature.revision.diff.{name}_change"
        for name in (
            "chars",
            "tokens",
            "words",
            "markups",
            "headings",
            "external_links",
            "wikilinks",
            "templates",
            "tags",
            "ref_tags",
        )
    ),
    "feature.revision.diff.longest_new_token",
    "feature.revision.diff.longest_new_repeated_char",
)
_COMMENT: Final = ("feature.revision.comment.suggests_section_edit", "feature.revision.comment.has_link")
_RIGHTS: Final = tuple(
    f"feature.revision.user.{right}"
    for right in ("is_bot", "has_advanced_rights", "is_admin", "is_trusted", "is_patroller", "is_curator")
)
_USER: Final = ("feature.revision.user.is_anon", "feature.assay.user.type")

NOT_TOLD: Final = ("feature.assay.user.type", *_RIGHTS)
"""What exports and histories do not tell of an author."""

_REPEATS: Final = (
    "It repeats ORES's judgement, and so ORES's mistakes and its harshness towards unregistered authors."
)

_HALF: Final = (
    "Half of the measured edits were reverted, many times the usual share: the calibration curve compares "
    "with that sample, while precision and PR-AUC are scaled to the usual share."
)

DAMAGING: Final = register(
    Recipe(
        wiki="enwiki",
        name="damaging",
        kind="binary",
        labels=(True, False),
        features=(*_WORDS, *_DIFFERENCES, *_PARENT, *_CHANGES, *_COMMENT, *_RIGHTS, *_USER),
        description=(
            "The probability that an edit of an English Wikipedia article damages it, as production ORES "
            "(enwiki damaging 0.5.1) would have told it."
        ),
        lexicons=("english.badwords", "english.dictionary", "english.informals"),
        label="damaging_prob",
        truth="is_reverted",
        params={
            "num_leaves": 15,
            "learning_rate": 0.05,
            "min_data_in_leaf": 10,
            "feature_fraction": 0.3,
        },
        rounds=500,
        split=Split("folds", folds=10, by="row"),
        masks=(Mask(NOT_TOLD, weight=0.25),),
        population_rates={"true": 0.034, "false": 0.966},
        inputs=(
            "3 500 revisions of English Wikipedia articles (half of them reverted later) with ORES's base "
            "features and the probabilities that production ORES gave them"
        ),
        limits=(
            _REPEATS,
            "Statistics and thresholds are measured against whether the edit was reverted, which is not the "
            "same as damaging: good edits are reverted too, and damage stays; against human labels ORES's "
            "own ROC-AUC was 0.924, against reverts it is 0.815.",
            _HALF,
            "On 300 edits with human labels, chosen to be hard, its ROC-AUC is 0.70 (0.63 to 0.78).",
            "The population rate of 0.034 is the share of damaging edits that ORES reckoned with.",
            "It learned from articles only; edits of other pages are scored as if they were articles.",
            "Word lists are English: texts in other languages look like misspelt English.",
        ),
        command="assay train enwiki/damaging --data ../shared/data --output src/assay/bundles",
    )
)

GOODFAITH: Final = register(
    replace(
        DAMAGING,
        name="goodfaith",
        description=(
            "The probability that an edit of an English Wikipedia article was made in good faith, as "
            "production ORES (enwiki goodfaith 0.5.1) would have told it."
        ),
        label="goodfaith_prob",
        truth="not_reverted",
        population_rates={"true": 0.967, "false": 0.033},
        limits=(
            _REPEATS,
            "Statistics and thresholds are measured against whether the edit was kept, which is not the same "
            "as good faith: most reverted edits are mistakes, not malice.",
            _HALF,
            "On 300 edits with human labels, chosen to be hard, its ROC-AUC is 0.81 (0.73 to 0.90).",
            "The population rate of 0.033 is the share of bad-faith edits that ORES reckoned with.",
            *DAMAGING.limits[5:],
        ),
        command="assay train enwiki/goodfaith --data ../shared/data --output src/assay/bundles",
    )
)
