"""``assay rollout start``, ``run``, ``abort``, ``back`` and ``page``, with real HAProxies and small arms."""

from __future__ import annotations

import asyncio

import pytest

from assay.releases.folder_store import FolderStore
from assay.releases.transfer import publish
from assay.rollout.control.orders import take
from assay.rollout.journal import Journal, read_journal
from assay.rollout.traffic.shares import set_slot_weights
from cli.rolling import LAST, WEIGHT_1, done, refused, told
from cli.running import ASSAY, environment
from releases.small_release import small_release
from rollout.small_site import Site
from servers.processes import Process, running, status
from waiting import until_async


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
