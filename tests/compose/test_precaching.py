"""Rules of precaching as an operator writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.compose.bundles import faults
from assay.compose.precaching import rules_of, stream_faults
from assay.errors import ConfigurationError
from assay.events import Change, Wanted
from assay.settings import Settings, WikiSettings, load

MODELS = {"enwiki": ("articlequality", "damaging", "goodfaith", "reverted")}


def settings(folder: Path, rules: str) -> Settings:
    (folder / "enwiki.jsonl").write_text("")
    file = folder / "assay.toml"
    file.write_text(f'[wikis.enwiki]\nsource = "{folder}/enwiki.jsonl"\n{rules}\n')
    return load([file], {})


def test_rules_are_read(tmp_path: Path) -> None:
    given = settings(tmp_path, 'precache = { damaging = ["edit"], reverted = ["main_creation"] }')
    assert faults(given) == []
    assert rules_of(given.wikis, MODELS).models == {"enwiki": ("damaging", "reverted")}


def test_without_rules_there_are_the_usual_ones(tmp_path: Path) -> None:
    assert rules_of(settings(tmp_path, "").wikis, MODELS).models == MODELS
    assert rules_of(settings(tmp_path, "precache = {}").wikis, MODELS).models == {}


def test_every_edit_of_a_made_up_wiki_is_wanted(tmp_path: Path) -> None:
    rules = rules_of(settings(tmp_path, "precache = {}").wikis, {**MODELS, "testwiki": ("revid",)})
    assert rules.wanted(Change("testwiki", 7, None, None, True)) == Wanted("testwiki", ("revid",))
    assert rules.wanted(Change("enwiki", 7, None, None, True)) is None


def test_a_rule_for_a_model_that_the_wiki_lacks_is_a_fault(tmp_path: Path) -> None:
    """ORES started with such a rule, and told nobody."""
    assert faults(settings(tmp_path, 'precache = { draftquality = ["page_creation"] }')) == [
        "wikis.enwiki.precache.draftquality: enwiki has no model 'draftquality'; "
        "it has: articlequality, damaging, goodfaith, reverted"
    ]


def test_code_whose_usual_rules_name_other_models_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.compose.precaching.usual_rules", lambda models: {"draftquality": ("edit",)})
    with pytest.raises(ConfigurationError, match="enwiki/draftquality, and there is no such model"):
        rules_of({"enwiki": WikiSettings("x")}, MODELS)


def test_an_event_set_that_there_is_not_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="main_creation") as told:
        settings(tmp_path, 'precache = { damaging = ["edit", "human_edit"] }')
    assert "wikis.enwiki.precache.damaging.1" in str(told.value)
    assert "human_edit" in str(told.value)


def test_databases_name_the_wiki() -> None:
    wikis = {"enwiki": WikiSettings("x", database="en_wiki", precache={"damaging": ("edit",)})}
    change = Change(wiki="en_wiki", rev_id=2, parent_id=1, actor=None, is_bot=False)
    assert rules_of(wikis, MODELS).wanted(change) == Wanted("enwiki", ("damaging",))


def test_a_dump_of_a_wiki_does_not_take_its_events() -> None:
    wikis = {"enwiki": WikiSettings("x"), "endump": WikiSettings("y", database="enwiki")}
    rules = rules_of(wikis, {"enwiki": (), "endump": ()})
    assert rules.called("enwiki") == "enwiki"


def test_a_stream_names_a_wiki_that_can_be_asked_or_none(tmp_path: Path) -> None:
    streams = "".join(
        f'[precache.streams.{name}]\nkind = "{kind}"\n{what}\n'
        for name, kind, what in (
            ("events", "eventstreams", 'url = "https://stream.example.org/x"'),
            ("live", "recentchanges", 'wiki = "livewiki"'),
            ("strange", "recentchanges", 'wiki = "nowiki"'),
            ("file", "udp", 'address = "127.0.0.1:9999"\nwiki = "enwiki"'),
            ("alone", "udp", 'address = "127.0.0.1:9998"'),
        )
    )
    live = '[wikis.livewiki]\nsource = "https://w.example.org/w/api.php"\n'
    assert stream_faults(settings(tmp_path, live + streams)) == [
        "precache.streams.strange.wiki: there is no wiki 'nowiki'; there are: enwiki, livewiki",
        "precache.streams.file.wiki: enwiki is read from a file, which tells no new edits: "
        "set wikis.enwiki.source to its api.php",
    ]
    (tmp_path / "none.toml").write_text('[precache.streams.a]\nkind = "recentchanges"\nwiki = "nowiki"\n')
    (fault,) = stream_faults(load([tmp_path / "none.toml"], {}))
    assert fault.endswith("there are: none")


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ('streams.a]\nkind = "redis"', "channel: must be given for the kind redis"),
        ('streams.a]\nkind = "smoke"', "must be one of eventstreams, recentchanges, redis, udp"),
        ('streams."a/b"]\nkind = "udp"\naddress = "::1:9"', "is no name for a stream or a sink"),
        ('sinks.a]\nkind = "http"', "url: must be given for the kind http"),
        ('sinks.a]\nkind = "http"\nurl = "https://ops:secret@x/"', "without user name or password"),
        ('redis]\nurl = "redis://:one@x/"\npassword = "two"', "precache.redis: "),
        ("streams]\n[precache]\nbatch = 51", "precache.batch: must be a number from 1 to 50"),
    ],
)
def test_what_is_wrong_with_streams_and_sinks_is_told(tmp_path: Path, section: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        settings(tmp_path, f"[precache.{section}\n")
    assert told in str(error.value)
    assert "secret" not in str(error.value)
