"""``assay rollout``, ``pool`` and ``depool`` as an operator types them, with real HAProxies and small arms."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from assay.releases.folder_store import FolderStore
from assay.releases.transfer import publish
from assay.rollout.haproxy import set_slot_weights
from assay.rollout.journal import Journal, read_journal
from assay.rollout.orders import take
from cli.running import ASSAY, assay, environment
from releases.small_release import small_release
from rollout.small_arms import until
from rollout.small_site import Site, small_site
from servers.processes import Process, running, status
from servers.redis import free_port

WEIGHT_1 = 3
"""The stage of the first weight, after preflight, synthetic and shadow."""
ORDERS = ("pause", "resume", "promote", "abort")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with small_site(tmp_path, "one") as site:
        yield site


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Site]:
    async with small_site(tmp_path, "standby", "main") as site:
        yield site


async def told(site: Site, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command, while HAProxy and the arms go on."""
    site.settings()
    return await asyncio.to_thread(assay, site.folder, *arguments, "-c", str(site.file), **more)


async def done(site: Site, *arguments: str) -> str:
    """Its output, when it succeeded."""
    ran = await told(site, *arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def refusal(site: Site, *arguments: str) -> str:
    """What it says when it does not do it, and changes nothing."""
    before = site.kinds()
    ran = await told(site, *arguments)
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
    assert "Traceback" not in ran.stderr
    assert site.kinds() == before
    assert list(take(site.state_dir)) == []
    return ran.stderr


def note(site: Site, kind: str, **data: Any) -> None:
    with Journal(site.state_dir) as journal:
        journal.append(kind, data)


def verdict(site: Site, sentence: str) -> None:
    check = {
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
    text = await done(site, "rollout", "status")
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

    found = orjson.loads(await done(site, "rollout", "status", "--json"))
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
    assert orjson.loads(await done(site, "rollout", "status", "--json"))["verdict"] is not None
    site.under_way(0)
    found = orjson.loads(await done(site, "rollout", "status", "--json"))
    assert (found["status"], found["verdict"]) == ("running", None)
    assert "of the first" not in await done(site, "rollout", "status")


async def test_report_tells_the_story_of_the_one_that_is_asked_for(site: Site) -> None:
    site.under_way(WEIGHT_1)
    note(site, "aborted", reason="too slow for me", by="ada")
    note(site, "rolled_back", served=7, failed=2, last_candidate_s=None)
    story = await done(site, "rollout", "report")
    assert story.startswith("# Rollout 1-new-2\n\n**Rolled back")
    assert "- requests served by the candidate: 7\n- of these failed: 2" in story
    assert "abort: too slow for me" in story
    assert await done(site, "rollout", "report", "--rollout", "1-new-2") == story
    assert "no rollout 9-none; it has 1-new-2" in await refusal(
        site, "rollout", "report", "--rollout", "9-none"
    )


async def test_without_a_rollout_every_command_says_so(site: Site) -> None:
    assert "no rollout was started in" in await refusal(site, "rollout", "status")
    assert "the journal tells of no rollout" in await refusal(site, "rollout", "report")
    assert "assay rollout start RELEASE" in await refusal(site, "rollout", "run")
    for order in ORDERS:
        assert "no rollout is under way in" in await refusal(site, "rollout", order)


# -- orders ------------------------------------------------------------------------------------------


async def test_orders_lie_there_until_a_controller_takes_them(site: Site) -> None:
    site.under_way(WEIGHT_1)
    for kind in ("pause", "resume", "promote"):
        text = await done(site, "rollout", kind, "--reason", f"to {kind}")
        assert "The order is given" in text
    orders = list(take(site.state_dir))
    assert [(o.kind, o.reason) for o in orders if not isinstance(o, str)] == [
        (kind, f"to {kind}") for kind in ("pause", "resume", "promote")
    ]
    assert all("@" in order.by for order in orders if not isinstance(order, str))
    assert "say less" in await refusal(site, "rollout", "pause", "--reason", "x" * 20_000)


async def test_orders_after_the_end_are_refused(site: Site) -> None:
    site.under_way(WEIGHT_1)
    note(site, "aborted", reason="no", by="ada")
    note(site, "rolled_back", served=0, failed=0, last_candidate_s=None)
    for kind in ORDERS:
        assert "no rollout is under way in" in await refusal(site, "rollout", kind)


async def test_a_running_controller_obeys(site: Site) -> None:
    """And keeps a second one, and hands on the balancer, out."""
    site.under_way(WEIGHT_1 - 1)  # shadow, which waits for users who never come
    command = [*ASSAY, "rollout", "run", "-c", str(site.file)]
    process = Process("controller", command, site.folder, environment(site.folder))
    with running(process):

        async def after(kind: str, *order: str) -> None:
            before = site.kinds().count(kind)
            await done(site, "rollout", *order)
            await until(lambda: site.kinds().count(kind) > before)

        await until(lambda: "verdict" in site.kinds(), 60)
        await after("paused", "pause", "--reason", "lunch")
        paused = next(e for e in read_journal(site.state_dir) if e.kind == "paused")
        assert paused.data["reason"] == "lunch"
        for second in (["rollout", "run"], ["rollout", "back"], ["depool", "one/green"]):
            ran = await told(site, *second)
            assert (ran.returncode, ran.stdout) == (1, "")
            assert f"another controller holds {site.state_dir}" in ran.stderr
            assert f"process {process.pid}" in ran.stderr
        await after("resumed", "resume")
        before = site.kinds().count("weights")
        await after("stage", "promote")
        await until(lambda: site.kinds().count("weights") > before)
        assert await site.weights() == {"one": (99, 1)}
        assert (
            await done(site, "rollout", "abort", "--reason", "enough")
            == "The running controller rolls back.\n"
        )
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
    assert (
        await done(two, "rollout", "abort", "--reason", "bad dreams") == "new-2 was rolled back: bad dreams\n"
    )
    assert await two.weights() == {"standby": (100, 0), "main": (100, 0)}
    assert two.kinds()[-1] == "rolled_back"
    aborted = next(entry for entry in read_journal(two.state_dir) if entry.kind == "aborted")
    assert aborted.data["reason"] == "bad dreams"
    assert "@" in aborted.data["by"]
    assert two.stopped() == {"green"}
    assert list(take(two.state_dir)) == []
    assert "no rollout is under way" in await refusal(two, "rollout", "abort")


# -- the controller ----------------------------------------------------------------------------------


async def test_back_gives_all_users_back(site: Site) -> None:
    assert await done(site, "rollout", "back") == "new-2 answers all users.\n"
    assert await site.weights() == {"one": (0, 100)}
    assert site.kinds()[-1] == "done"


async def test_a_release_that_goes_back_by_itself_is_told_by_the_exit_status(site: Site) -> None:
    """Its node's command fails (`false`)."""
    release = publish(small_release(site.folder / "built", "next"), FolderStore(site.folder / "store"))
    ran = await told(site, "rollout", "start", release)
    assert ran.returncode == 3, ran.stderr
    assert f"{release} was rolled back: preflight: Node one: exit status 1" in ran.stderr
    assert await site.weights() == {"one": (100, 0)}
    assert (site.kinds()[0], site.kinds()[-1]) == ("started", "rolled_back")


async def test_what_cannot_begin_has_not_begun(site: Site) -> None:
    (site.folder / "store").mkdir()
    assert "is no release's id" in await refusal(site, "rollout", "start", "next")
    assert "next-0123456789ab" in await refusal(site, "rollout", "start", "next-0123456789ab")
    site.centre("one")["haproxy"] = str(site.folder / "nowhere.sock")
    assert "nowhere.sock" in await refusal(site, "rollout", "back")
    ran = await told(site, "rollout", "start")
    assert ran.returncode == 2
    assert "RELEASE" in ran.stderr


async def test_settings_come_from_an_environments_folder_too(site: Site) -> None:
    """As every other command's do."""
    site.under_way(WEIGHT_1)
    folder = site.folder / "settings"
    folder.mkdir()
    site.file.rename(folder / "base.toml")
    (folder / "production.toml").write_text("")
    more = ("--config-folder", str(folder), "--environment", "production")
    for command in (["rollout", "status"], ["rollout", "report"], ["rollout", "pause"]):
        ran = await asyncio.to_thread(assay, site.folder, *command, *more)
        assert ran.returncode == 0, ran.stderr
    release = small_release(site.folder / "root" / "releases", "here").name
    ran = await asyncio.to_thread(assay, site.folder, "release", "list", *more)
    assert ran.stdout == f"{release}\n", ran.stderr


# -- pooling -----------------------------------------------------------------------------------------


async def test_a_slot_goes_and_comes_back(site: Site) -> None:
    await set_slot_weights(site.balancer("one"), {"blue": 50, "green": 50})
    assert await done(site, "depool", "one/green", "--reason", "new disk") == "one/green is depooled.\n"
    servers = await site.balancer("one").servers()
    assert {s.state for s in servers.values() if s.slot == "green"} == {"drain"}
    assert await done(site, "pool", "one/green") == "one/green is pooled.\n"
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

    assert await done(two, "depool", "standby") == "standby is depooled.\n"
    servers = await two.balancer("standby").servers()
    assert {s.state for s in servers.values() if s.name != "remote"} == {"drain"}
    assert await weight_of_remote() == 100
    ran = await told(two, "depool", "main")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "the last data centre" in ran.stderr
    assert await done(two, "pool", "standby") == "standby is pooled.\n"
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
    ran = await told(site, "depool", "one/blue")
    assert ran.returncode == 1
    assert "Slot 'blue' is the last that takes users' requests" in ran.stderr
    assert {server.state for server in (await site.balancer("one").servers()).values()} == {"ready"}
    assert site.texts()[-1].startswith("depool one/blue failed: Slot 'blue' is the last")


async def test_places_that_are_none(two: Site) -> None:
    """A slash with nothing after it, as a shell's unset variable leaves it, is no whole data centre."""
    known = "rollout.data_centres has standby, standby/blue, standby/green, main, main/blue, main/green"
    for place in ("nowhere", "main/red", "main/", "/blue", "main/blue/1"):
        for command in ("pool", "depool"):
            assert f"there is no {place}: {known}" in await refusal(two, command, place)
    assert await two.weights() == {"standby": (100, 0), "main": (100, 0)}


# -- the page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_setting", [True, False])
async def test_the_page_answers_until_it_is_told_to_end(site: Site, by_setting: bool) -> None:
    site.under_way(WEIGHT_1)
    port = free_port()
    place = ["-c", str(site.file)] if by_setting else ["--state-dir", str(site.state_dir)]
    command = [*ASSAY, "rollout", "page", "--port", str(port), *place]
    process = Process("page", command, site.folder, environment(site.folder))
    with running(process):
        await asyncio.to_thread(process.until, lambda: status(port, "/livez") == 200, 60)
        assert status(port, "/api/verdict?release=new-2") == 200
        assert f"The page of rollouts in {site.state_dir} is on http://127.0.0.1:{port}/" in process.text()
        process.terminate()
        assert await asyncio.to_thread(process.wait) in (0, -15)
    assert site.kinds() == ["started", *["stage"] * WEIGHT_1]


async def test_the_page_is_not_opened_to_strangers(site: Site) -> None:
    ran = await told(site, "rollout", "page", "--host", "0.0.0.0", "--port", "0")
    assert ran.returncode == 1
    assert "token" in ran.stderr
