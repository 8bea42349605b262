from __future__ import annotations

from dataclasses import replace

from assay.events import EVENT_SETS, Change, Rules, Wanted, usual_rules
from assay.events.rules import USUAL

CHANGE = Change(wiki="enwiki", rev_id=2, parent_id=1, actor=None, is_bot=False, namespace=1)
RULES = Rules(
    {
        "enwiki": {
            "goodfaith": ("edit",),
            "damaging": ("nonbot_edit",),
            "articlequality": ("main_creation",),
        },
        "clubwiki": {"reverted": ("bot_edit", "page_creation")},
        "quietwiki": {},
    },
    {"club": "clubwiki"},
)


def test_every_model_whose_rule_fits_is_wanted() -> None:
    assert RULES.wanted(CHANGE) == Wanted("enwiki", ("damaging", "goodfaith"))
    assert RULES.wanted(replace(CHANGE, is_bot=True)) == Wanted("enwiki", ("goodfaith",))
    article = replace(CHANGE, namespace=0, parent_id=None)
    assert RULES.wanted(article) == Wanted("enwiki", ("articlequality", "damaging", "goodfaith"))


def test_one_of_several_sets_is_enough() -> None:
    assert RULES.wanted(replace(CHANGE, wiki="clubwiki")) is None
    assert RULES.wanted(replace(CHANGE, wiki="clubwiki", parent_id=None)) == Wanted("clubwiki", ("reverted",))


def test_a_wiki_is_known_by_what_it_calls_itself() -> None:
    assert RULES.wanted(replace(CHANGE, wiki="club", is_bot=True)) == Wanted("clubwiki", ("reverted",))


def test_wikis_without_rules_want_nothing() -> None:
    assert RULES.wanted(replace(CHANGE, wiki="quietwiki")) is None
    assert RULES.wanted(replace(CHANGE, wiki="otherwiki")) is None
    assert "quietwiki" not in RULES.models


def test_usual_rules_are_for_models_that_there_are() -> None:
    assert usual_rules(["reverted", "revert"]) == {"reverted": ("nonbot_edit",)}
    assert {name for sets in USUAL.values() for name in sets} <= set(EVENT_SETS)
