"""``assay rollout``, ``pool`` and ``depool`` as operators type them, with real HAProxies and small arms."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from assay.releases.folder_store import FolderStore
from assay.releases.transfer import publish
from assay.rollout.journal import Journal, read_journal
from assay.rollout.orders import take
from assay.rollout.shares import set_slot_weights
from cli.running import ASSAY, Ran, assay_each, environment
from releases.small_release import small_release
from rollout.small_site import Site
from servers.processes import Process, running, status
from waiting import until_async

WEIGHT_1, LAST = 3, 7
"""The stage of the first weight, after preflight, synthetic and shadow."""
ORDERS = ("rollout pause", "rollout resume", "rollout promote", "rollout abort")


async def told(site: Site, *commands: str) -> list[Ran]:
    """Each command, as a shell reads it, while HAProxy and the arms go on."""
    site.settings()
    words = [[*shlex.split(command), "-c", str(site.file)] for command in commands]
    return await asyncio.to_thread(assay_each, site.folder, words)


async def done(site: Site, *commands: str) -> list[str]:
    """Their outputs, when all succeeded."""
    ran = await told(site, *commands)
    assert [(one.returncode, one.stderr) for one in ran if one.returncode] == []
    return [one.stdout for one in ran]


async def refused(site: Site, sayings: Mapping[str, str]) -> None:
    """By command, what it says when it does not do it. Nothing is changed."""
    before = site.kinds()
    for ran, saying in zip(await told(site, *sayings), sayings.values(), strict=True):
        assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
        assert saying in ran.stderr
        assert "Traceback" not in ran.stderr
    assert site.kinds() == before
    assert list(take(site.state_dir, ())) == []


def note(site: Site, kind: str, **data: Any) -> None:
    with Journal(site.state_dir) as journal:
        journal.append(kind, data)


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


async def test_a_running_controller_obeys(site: Site) -> None:
    """And keeps a second one, and hands on the balancer, out."""
    site.under_way(WEIGHT_1 - 1)  # shadow, which waits for users who never come
    command = [*ASSAY, "rollout", "run", "-c", str(site.file)]
    process = Process("controller", command, site.folder, environment(site.folder))
    with running(process):

        async def after(kind: str, order: str) -> None:
            before = site.kinds().count(kind)
            await done(site, order)
            await until_async(lambda: site.kinds().count(kind) > before)

        await until_async(lambda: "verdict" in site.kinds(), 60)
        await after("paused", "rollout pause --reason lunch")
        paused = next(e for e in read_journal(site.state_dir) if e.kind == "paused")
        assert paused.data["reason"] == "lunch"
        for ran in await told(site, "rollout run", "rollout back", "depool one/green"):
            assert (ran.returncode, ran.stdout) == (1, "")
            assert f"another controller holds {site.state_dir}" in ran.stderr
            assert f"process {process.pid}" in ran.stderr
        await after("resumed", "rollout resume")
        before = site.kinds().count("weights")
        await after("stage", "rollout promote")
        await until_async(lambda: site.kinds().count("weights") > before)
        assert await site.weights() == {"one": (99, 1)}
        assert await done(site, "rollout abort --reason enough") == ["The running controller rolls back.\n"]
        assert await asyncio.to_thread(process.wait) == 3
        assert "new-2 was rolled back: enough" in process.text()
    assert await site.weights() == {"one": (100, 0)}
    assert site.stopped() == {"green"}
    assert site.kinds()[-1] == "rolled_back"


async def test_abort_rolls_back_when_no_controller_runs(two: Site) -> None:
    """As after a kill in the middle, with users at the candidate in both data centres."""
    two.under_way(2 + 8, now=False)
    for name, percent in (("standby", 100), ("main", 1)):
        await set_slot_weights(two.balancer(name), {"blue": 100 - percent, "green": percent})
    told = await done(two, "rollout abort --reason 'bad dreams'")
    assert told == ["new-2 was rolled back: bad dreams\n"]
    assert await two.weights() == {"standby": (100, 0), "main": (100, 0)}
    assert two.kinds()[-1] == "rolled_back"
    aborted = next(entry for entry in read_journal(two.state_dir) if entry.kind == "aborted")
    assert aborted.data["reason"] == "bad dreams"
    assert "@" in aborted.data["by"]
    assert two.stopped() == {"green"}
    assert list(take(two.state_dir, ())) == []
    await refused(two, {"rollout abort": "no rollout is under way"})


async def test_abort_does_not_count_on_a_controller_that_ends_just_then(site: Site) -> None:
    """It takes no order any more, and holds the journal for a moment still."""
    site.under_way(LAST)
    with Journal(site.state_dir) as journal:
        aborting = asyncio.create_task(told(site, "rollout abort"))
        await until_async(lambda: list((site.state_dir / "orders").glob("*.json")))
        journal.append("done", {"served": 9, "failed": 0})
        await asyncio.wait([aborting], timeout=2)
    (ran,) = await aborting
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "new-2 answered all users before the order came" in ran.stderr


# -- the controller ----------------------------------------------------------------------------------


async def test_back_gives_all_users_back(site: Site) -> None:
    assert await done(site, "rollout back") == ["new-2 answers all users.\n"]
    assert await site.weights() == {"one": (0, 100)}
    assert site.kinds()[-1] == "done"


async def test_a_release_that_goes_back_by_itself_is_told_by_the_exit_status(site: Site) -> None:
    """Its node's command fails (`false`)."""
    release = publish(small_release(site.folder / "built", "next"), FolderStore(site.folder / "store"))
    (ran,) = await told(site, f"rollout start {release}")
    assert ran.returncode == 3, ran.stderr
    assert f"{release} was rolled back: preflight: Node one: exit status 1" in ran.stderr
    assert await site.weights() == {"one": (100, 0)}
    assert (site.kinds()[0], site.kinds()[-1]) == ("started", "rolled_back")


async def test_what_cannot_begin_has_not_begun(site: Site) -> None:
    (site.folder / "store").mkdir()
    site.centre("one")["haproxy"] = nowhere = str(site.folder / "nowhere.sock")
    await refused(
        site,
        {
            "rollout start next": "is no release's id",
            "rollout start next-0123456789ab": nowhere,
            "rollout back": nowhere,
        },
    )
    (ran,) = await told(site, "rollout start")
    assert ran.returncode == 2
    assert "RELEASE" in ran.stderr


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


# -- pooling -----------------------------------------------------------------------------------------


async def test_a_slot_goes_and_comes_back(site: Site) -> None:
    await set_slot_weights(site.balancer("one"), {"blue": 50, "green": 50})
    assert await done(site, "depool one/green --reason 'new disk'") == ["one/green is depooled.\n"]
    servers = await site.balancer("one").servers()
    assert {s.state for s in servers.values() if s.slot == "green"} == {"drain"}
    assert await done(site, "pool one/green") == ["one/green is pooled.\n"]
    servers = await site.balancer("one").servers()
    assert {s.state for s in servers.values()} == {"ready"}
    assert await site.weights() == {"one": (50, 50)}
    assert site.texts() == [
        f"{what} one/green {end}" for what in ("depool", "pool") for end in ("begins", "is done")
    ]
    first = read_journal(site.state_dir)[0]
    assert (first.data["place"], first.data["reason"]) == ("one/green", "new disk")
    assert "@" in first.data["by"]


async def test_a_data_centre_goes_and_comes_back(two: Site) -> None:
    async def weight_of_remote() -> int:
        return (await two.balancer("standby").servers())["remote"].weight

    assert await done(two, "depool standby") == ["standby is depooled.\n"]
    servers = await two.balancer("standby").servers()
    assert {s.state for s in servers.values() if s.name != "remote"} == {"drain"}
    assert await weight_of_remote() == 100
    ran, pooled = await told(two, "depool main", "pool standby")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "the last data centre" in ran.stderr
    assert (pooled.returncode, pooled.stdout) == (0, "standby is pooled.\n")
    assert await weight_of_remote() == 0
    begun, failed = "depool main begins", "depool main failed: This is the last data centre"
    assert [text[: len(failed)] for text in two.texts()] == [
        "depool standby begins",
        "depool standby is done",
        begun,
        failed,
        "pool standby begins",
        "pool standby is done",
    ]


async def test_the_last_slot_stays(site: Site) -> None:
    (ran,) = await told(site, "depool one/blue")
    assert ran.returncode == 1
    assert "Slot 'blue' is the last that takes users' requests" in ran.stderr
    assert {server.state for server in (await site.balancer("one").servers()).values()} == {"ready"}
    assert site.texts()[-1].startswith("depool one/blue failed: Slot 'blue' is the last")


async def test_places_that_are_none(two: Site) -> None:
    """A slash with nothing after it, as a shell's unset variable leaves it, is no whole data centre."""
    known = "rollout.data_centres has standby, standby/blue, standby/green, main, main/blue, main/green"
    places = ("nowhere", "main/red", "main/", "/blue", "main/blue/1")
    sayings = {f"{do} {at}": f"there is no {at}: {known}" for at in places for do in ("pool", "depool")}
    await refused(two, sayings)
    assert await two.weights() == {"standby": (100, 0), "main": (100, 0)}


# -- the page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_setting", [True, False])
async def test_the_page_answers_until_it_is_told_to_end(site: Site, by_setting: bool) -> None:
    site.under_way(WEIGHT_1)
    place = ["-c", str(site.file)] if by_setting else ["--state-dir", str(site.state_dir)]
    command = [*ASSAY, "rollout", "page", "--port", "0", *place]
    process = Process("page", command, site.folder, environment(site.folder))
    told = f"The page of rollouts in {site.state_dir} is on http://127.0.0.1:"
    with running(process):
        await asyncio.to_thread(process.until, lambda: told in process.text(), 60)
        port = int(process.text().partition(told)[2].partition("/")[0])
        await asyncio.to_thread(process.until, lambda: status(port, "/livez") == 200, 60)
        assert status(port, "/api/verdict?release=new-2") == 200
        process.terminate()
        assert await asyncio.to_thread(process.wait) in (0, -15)
    assert site.kinds() == ["started", *["stage"] * WEIGHT_1]


async def test_the_page_is_not_opened_to_strangers(site: Site) -> None:
    (ran,) = await told(site, "rollout page --host 0.0.0.0 --port 0")
    assert ran.returncode == 1
    assert "token" in ran.stderr
