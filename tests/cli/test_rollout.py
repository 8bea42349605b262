"""``assay rollout status``, ``report`` and the orders: what reads the journal, or lies beside it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from assay.rollout.control.orders import take
from cli.rolling import WEIGHT_1, done, note, refused
from cli.running import assay_each
from releases.small_release import small_release
from rollout.small_site import Site

ORDERS = ("rollout pause", "rollout resume", "rollout promote", "rollout abort")


def verdict(site: Site, sentence: str) -> None:
    check: dict[str, Any] = {
        "name": "user_errors",
        "status": "no_data",
        "sentence": sentence,
        "figures": {},
        "bad_since_s": None,
    }
    note(site, "verdict", stage=WEIGHT_1, checks=[check], decision="wait", reason="waiting for user_errors")


# -- status and report -------------------------------------------------------------------------------


async def test_status_says_where_it_stands(site: Site) -> None:
    site.under_way(WEIGHT_1)
    verdict(site, "3 of 5 users' requests [/red] for [bold]/v3/:smile:[/bold] failed")
    note(site, "paused", reason="look at [/this] first", by="ada")
    text, as_json = await done(site, "rollout status", "rollout status --json")
    lines = text.splitlines()
    assert lines[:3] == [
        "Rollout 1-new-2: paused: look at [/this] first",
        "  stable: old-1 in slot blue",
        "  candidate: new-2 in slot green",
    ]
    assert lines[3].startswith("  stage 4 of 8: one 1 %, since 20")
    assert lines[4] == "  one: 1 % of users to the candidate"
    assert "waiting for user_errors" in text
    assert "no data" in text
    words = " ".join(text.replace("│", " ").split())
    assert "[/red] for [bold]/v3/:smile:[/bold]" in words  # others' words are no markup

    found = orjson.loads(as_json)
    assert (found["id"], found["status"], found["reason"]) == ("1-new-2", "paused", "look at [/this] first")
    assert found["stable"] == {"slot": "blue", "release": "old-1"}
    assert found["candidate"] == {"slot": "green", "release": "new-2"}
    assert found["stage"] == {"number": WEIGHT_1, "of": 8, "name": "one 1 %"}
    assert found["candidate_weights"] == {"one": 1}
    assert found["verdict"]["checks"][0]["name"] == "user_errors"
    assert found["is_emergency"] is False


async def test_status_tells_no_verdict_of_an_earlier_rollout(site: Site) -> None:
    site.under_way(WEIGHT_1)
    verdict(site, "of the first")
    note(site, "aborted", reason="no", by="ada")
    note(site, "rolled_back", served=0, failed=0, last_candidate_s=None)
    (first,) = await done(site, "rollout status --json")
    assert orjson.loads(first)["verdict"] is not None
    site.under_way(0)
    second, text = await done(site, "rollout status --json", "rollout status")
    found = orjson.loads(second)
    assert (found["status"], found["verdict"]) == ("running", None)
    assert "of the first" not in text


async def test_report_tells_the_story_of_the_one_that_is_asked_for(site: Site) -> None:
    site.under_way(WEIGHT_1)
    note(site, "aborted", reason="too slow for me", by="ada")
    note(site, "rolled_back", served=7, failed=2, last_candidate_s=None)
    story, same = await done(site, "rollout report", "rollout report --rollout 1-new-2")
    assert story.startswith("# Rollout 1-new-2\n\n**Rolled back")
    assert "- requests served by the candidate: 7\n- of these failed: 2" in story
    assert "ordered to roll back: too slow for me" in story
    assert same == story
    await refused(site, {"rollout report --rollout 9-none": "no rollout 9-none; it has 1-new-2"})


async def test_without_a_rollout_every_command_says_so(site: Site) -> None:
    reading = {
        "rollout status": "no rollout was started in",
        "rollout report": "the journal tells of no rollout",
        "rollout run": "assay rollout start RELEASE",
    }
    await refused(site, {**reading, **dict.fromkeys(ORDERS, "no rollout is under way in")})


# -- orders ------------------------------------------------------------------------------------------


async def test_orders_lie_there_until_a_controller_takes_them(site: Site) -> None:
    site.under_way(WEIGHT_1)
    kinds = ("pause", "resume", "promote")
    for text in await done(site, *(f"rollout {kind} --reason 'to {kind}'" for kind in kinds)):
        assert "The order is given" in text
    orders = [order for _, order in take(site.state_dir, ()) if not isinstance(order, str)]
    assert [(order.kind, order.reason) for order in orders] == [(kind, f"to {kind}") for kind in kinds]
    assert all("@" in order.by for order in orders)
    await refused(site, {f"rollout pause --reason {'x' * 20_000}": "say less"})


async def test_orders_after_the_end_are_refused(site: Site) -> None:
    site.under_way(WEIGHT_1)
    note(site, "aborted", reason="no", by="ada")
    note(site, "rolled_back", served=0, failed=0, last_candidate_s=None)
    await refused(site, dict.fromkeys(ORDERS, "no rollout is under way in"))


async def test_settings_come_from_an_environments_folder_too(site: Site) -> None:
    """As every other command's do."""
    site.under_way(WEIGHT_1)
    folder = site.folder / "settings"
    folder.mkdir()
    site.file.rename(folder / "base.toml")
    (folder / "production.toml").write_text("")
    release = small_release(site.folder / "root" / "releases", "here").name
    more = ["--config-folder", str(folder), "--environment", "production"]
    commands = (["rollout", "status"], ["rollout", "report"], ["rollout", "pause"], ["release", "list"])
    ran = await asyncio.to_thread(assay_each, site.folder, [[*command, *more] for command in commands])
    assert [one.stderr for one in ran if one.returncode] == []
    assert ran[0].stdout.startswith("Rollout 1-new-2: running")
    assert ran[-1].stdout == f"{release}\n"
