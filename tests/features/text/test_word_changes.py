"""What the changed lines alone tell of words equals what both whole texts tell, counted plainly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.features.catalogue import features
from assay.features.graph.injection import decode_injection
from assay.features.graph.plan import Plan
from assay.features.lexicon import Lexicon, Lexicons
from assay.features.text.matching import Dictionary, Matcher
from assay.features.text.tokens import tokenize
from features.edits import edit

BAD = Lexicon.of("martian.badwords", ["zork(?:s|ed)?", "bull[-_ ]?zork", "ha(?:ha)+"])
WORDS = Lexicon.of("martian.dictionary", ["polish", "Polish", "Mars", "red", "the"])
LEXICONS = Lexicons([BAD, WORDS])
WHAT = [f"{kind}_{of}" for kind in ("delta", "prop_delta") for of in ("sum", "increase", "decrease")]
SIDES = (
    "badwords.revision.diff.match",
    "dictionary.revision.diff.dict_word",
    "dictionary.revision.diff.non_dict_word",
)
NAMES = {side: [f"feature.martian.{side}_{what}" for what in WHAT] for side in SIDES}
CHOSEN = features([name for names in NAMES.values() for name in names], LEXICONS)

PIECES = st.sampled_from(
    ["zork", "ZORK", "Zorks", "bull", "bull zork", "bull_zork", "hahaha", "ha", "polish", "Polish", "POLISH",
     "mars", "Mars", "Mars's", "the", "red", "dust", "Dust", "é", "ſ", "İ", "x1", "[[", "|", "'''", ".", "=="]
)  # fmt: skip
LINES = st.lists(st.lists(PIECES, max_size=4).map(" ".join), max_size=6)
SOME_LINES = " ".join(["plain words that all stay"] * 20)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    """Two texts that share lines at both ends, and perhaps long ones between."""
    before, behind = draw(LINES), draw(LINES)
    between = [SOME_LINES] * draw(st.integers(0, 2))
    texts = [[*before, *draw(LINES), *between, *draw(LINES), *behind] for _ in range(2)]
    end = draw(st.sampled_from(["", "\n"]))
    return "\n".join(texts[0]) + end, "\n".join(texts[1]) + end


def expected(old: Iterable[str], new: Iterable[str]) -> list[float]:
    """As revscoring has it: of each distinct item, whatever its case, the change, and its share of before."""
    before, after = (Counter(item.lower() for item in items) for items in (old, new))
    changes = [(before[item], after[item] - before[item]) for item in before | after]
    grown = [(old, delta) for old, delta in changes if delta > 0]
    shrunk = [(old, delta) for old, delta in changes if delta < 0]
    more, less = sum(delta for _, delta in grown), sum(delta for _, delta in shrunk)
    share_more = sum(delta / (old + 1) for old, delta in grown)
    share_less = sum(delta / old for old, delta in shrunk)
    return [more + less, more, less, share_more + share_less, share_more, share_less]


def words(text: str, known: bool) -> list[str]:
    is_known = Dictionary(WORDS).known
    return [
        token for token in tokenize(text) if tokenize(token).total("word") == 1 and is_known[token] is known
    ]


@settings(max_examples=40)
@given(edits())
@example(("the", "the red"))
@example(("dust", "dust dust"))
@example(("zork", "zork zork"))
@example((None, "zork the dust"))
@example(("", ""))
def test_deltas_are_those_of_the_whole_texts(texts: tuple[str | None, str]) -> None:
    values = Plan(CHOSEN).run(edit(*texts))
    find = Matcher(BAD).find
    both = [text or "" for text in texts]
    sides = [
        [find(text) for text in both],
        [words(text, True) for text in both],
        [words(text, False) for text in both],
    ]
    for (side, names), (old, new) in zip(NAMES.items(), sides, strict=True):
        told = [values.known(feature) for feature in CHOSEN if feature.name in names]
        assert told == pytest.approx(expected(old, new)), side


REVISION, PARENT, ALIGNMENT = (
    "datasource.martian.badwords.revision.matches",
    "datasource.martian.badwords.revision.parent.matches",
    "datasource.revision.diff.alignment",
)


@pytest.mark.parametrize(
    ("injected", "old", "new"),
    [
        ({REVISION: ["zork", "Zork", "haha"]}, ["zork", "bull zork"], ["zork", "zork", "haha"]),
        ({PARENT: ["haha"]}, ["haha"], ["zorks", "zork"]),
        ({PARENT: ["zork"], REVISION: []}, ["zork"], []),
        ({ALIGNMENT: ["haha", "zork zork"]}, ["zork", "bull zork"], ["zorks", "zork"]),
        ({ALIGNMENT: ["zork\nbull zork", "none"]}, ["zork", "bull zork"], ["zorks", "zork"]),
    ],
)
def test_what_is_injected_counts_in_place_of_what_the_texts_hold(
    injected: dict[str, list[str]], old: list[str], new: list[str]
) -> None:
    deltas = features(NAMES[SIDES[0]], LEXICONS)
    decoded = decode_injection(Plan(deltas).nodes, injected)
    values = Plan(deltas, frozenset(injected)).run(edit("zork\nbull zork", "zorks\nzork"), decoded)
    assert [values.known(feature) for feature in deltas] == pytest.approx(expected(old, new))
