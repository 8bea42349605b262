"""Rollouts begun and carried out from the settings, with real HAProxies and arms over real HTTP."""

from __future__ import annotations

import asyncio
import os
import shutil

import pytest

from assay.compose.rollout import begin, begin_return, control
from assay.errors import AssayError, ConfigurationError, JournalHeld, ReleaseError, ReleaseNotFound
from assay.releases.folder_store import FolderStore
from assay.releases.manifest import MANIFEST, ReleaseManifest, make_manifest
from assay.releases.root import Root, read_manifest
from assay.releases.transfer import publish
from assay.rollout.control.orders import Order, give
from assay.rollout.journal import Journal, read_journal
from assay.rollout.plan import make_plan
from assay.rollout.state import Rollout, fold
from assay.rollout.traffic.shares import set_slot_weights
from releases.small_release import small_release
from rollout.small_site import Site
from servers.redis import free_port
from waiting import until_async


def published(site: Site, name: str) -> str:
    """A release that lies in the store alone; its id."""
    folder = small_release(site.folder / "built", name)
    return publish(folder, FolderStore(site.folder / "store"))


def serving(site: Site, release: str) -> None:
    """All stable arms say that they are this release."""
    for blue, _ in site.arms.values():
        blue.release = release


def swapped(site: Site, release: str) -> ReleaseManifest:
    """Published: the same release, but with another model under the same version."""
    folder = site.folder / "built" / release
    manifest = read_manifest(folder)
    other = manifest.bundles["testwiki"]["revid"].model_copy(update={"digest": "0" * 64})
    made = make_manifest("swapped", manifest.code, {"testwiki": {"revid": other}}, manifest.files)
    copy = site.folder / "built" / made.id
    shutil.copytree(folder, copy)
    (copy / MANIFEST).write_bytes(made.to_bytes())
    publish(copy, FolderStore(site.folder / "store"))
    return made


async def begun(site: Site, release: str, *, now: bool = False) -> Rollout:
    with Journal(site.state_dir) as journal:
        await begin(site.settings(), journal, release, by="ada", now=now)
        state = fold(journal.entries)
    assert state is not None
    return state


async def refused(
    site: Site, release: str, sentence: str, error: type[AssayError] = ConfigurationError
) -> None:
    """Neither way to begin is taken, and the journal is as it was."""
    before = site.kinds()
    with Journal(site.state_dir) as journal, pytest.raises(error, match=sentence):
        await begin(site.settings(), journal, release, by="ada")
    assert site.kinds() == before


async def return_refused(site: Site, sentence: str) -> None:
    before = site.kinds()
    with Journal(site.state_dir) as journal, pytest.raises(ConfigurationError, match=sentence):
        await begin_return(site.settings(), journal, by="ada")
    assert site.kinds() == before


# -- begun -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stable_slot", ["blue", "green"])
async def test_arms_are_found_from_weights_and_answers(two: Site, stable_slot: str) -> None:
    """Who has the users is what HAProxy says, not what the settings call first."""
    if stable_slot == "green":
        for name in two.fronts:
            await set_slot_weights(two.balancer(name), {"blue": 0, "green": 100})
    release = published(two, "next")
    state = await begun(two, release)
    old = "old-1" if stable_slot == "blue" else "new-2"
    assert (state.stable.slot, state.stable.release) == (stable_slot, old)
    assert (state.candidate.slot, state.candidate.release) == (
        {"blue": "green", "green": "blue"}[stable_slot],
        release,
    )
    assert (state.id, state.is_emergency, state.status) == (f"1-{release}", False, "running")
    assert state.plan == make_plan(two.settings().rollout)
    assert list(dict.fromkeys(stage.data_centre for stage in state.plan.stages)) == ["standby", "main"]
    assert read_journal(two.state_dir)[0].data["by"] == "ada"
    assert Root(two.folder / "root").ids() == (release,)  # fetched, and proved


async def test_what_is_fetched_can_be_read_by_the_services_of_this_machine(site: Site) -> None:
    """Which may be a node, too: its own activation finds the release there. Other files are as they were."""
    before = os.umask(0o077)
    try:
        await begun(site, published(site, "next"))
    finally:
        assert os.umask(before) == 0o077
    root = site.folder / "root"
    closed = {path for path in (root, *root.rglob("*")) if path.stat().st_mode & 0o044 != 0o044}
    closed |= {
        path for path in (root, *root.rglob("*")) if path.is_dir() and path.stat().st_mode & 0o011 != 0o011
    }
    assert not closed


async def test_an_emergency_is_one_in_the_journal(site: Site) -> None:
    state = await begun(site, published(site, "hotfix"), now=True)
    assert state.is_emergency
    assert [stage.name for stage in state.plan.stages] == ["one preflight", "one synthetic", "one 100 %"]


async def test_a_data_centre_with_its_requests_led_elsewhere_still_has_a_stable_slot(two: Site) -> None:
    """Its servers keep their weights while another data centre answers."""
    await two.balancer("standby").set_weights({"remote": 100})
    assert (await begun(two, published(two, "next"))).stable.slot == "blue"


# -- refused -----------------------------------------------------------------------------------------


async def test_data_centres_that_disagree(two: Site) -> None:
    await set_slot_weights(two.balancer("main"), {"blue": 0, "green": 100})
    sentence = r"do not agree on the slot that answers users \(main: green, standby: blue\)"
    await refused(two, published(two, "next"), sentence)
    await return_refused(two, sentence)


async def test_users_in_both_slots_or_in_none(site: Site) -> None:
    release = published(site, "next")
    for weights, told in (((50, 50), "blue and green"), ((0, 0), "no slot")):
        await site.balancer("one").set_weights(
            {f"{slot}-{n}": w for slot, w in zip(("blue", "green"), weights, strict=True) for n in (1, 2)}
        )
        sentence = f"in one, users' requests go to {told}; they must go to one slot"
        await refused(site, release, sentence)
        await return_refused(site, sentence)


async def test_a_slot_with_mixed_releases(two: Site) -> None:
    two.arms["main"][0].release = "other-3"
    await refused(
        two, published(two, "next"), "slot blue runs several releases .*old-1.*other-3.*: activate one"
    )
    two.arms["main"][0].release = "old-1"
    two.arms["main"][1].release = "other-3"
    await return_refused(two, "slot green runs several releases .*new-2.*other-3")


async def test_a_silent_slot(site: Site) -> None:
    silent = f"http://127.0.0.1:{free_port()}"
    slots = site.centre("one")["slots"]
    for slot in ("green", "blue"):
        slots[slot]["urls"][1] = silent
        await return_refused(site, f"no release answers at {silent}: is slot {slot} running")
    await refused(site, published(site, "next"), f"no release answers at {silent}: is slot blue running")


async def test_what_serves_already(site: Site) -> None:
    release = published(site, "now")
    serving(site, release)
    await refused(site, release, f"{release} answers all users already")


async def test_going_back_to_the_same_release(site: Site) -> None:
    site.arms["one"][1].release = "old-1"
    await return_refused(site, "both slots run old-1: there is no other release")


@pytest.mark.parametrize("is_here", [True, False])
async def test_a_swapped_model_under_its_version(site: Site, is_here: bool) -> None:
    """Also when the release that serves lies in the store alone."""
    stable = published(site, "stable")
    serving(site, stable)
    if is_here:
        shutil.copytree(site.folder / "built" / stable, site.folder / "root" / "releases" / stable)
    made = swapped(site, stable)
    version = made.bundles["testwiki"]["revid"].version
    sentence = rf"{made.id} has other models under .* \(testwiki/revid {version}\): raise their versions"
    await refused(site, made.id, sentence, ReleaseError)


async def test_the_same_models_are_not_swapped(site: Site) -> None:
    serving(site, published(site, "stable"))
    assert (await begun(site, published(site, "next"))).status == "running"


async def test_models_that_nobody_knows_are_not_taken_for_the_same(site: Site) -> None:
    serving(site, "lost-0123456789ab")
    await refused(
        site,
        published(site, "next"),
        "models cannot be compared with those that serve: .*lost-0123456789ab",
        ReleaseNotFound,
    )


async def test_a_rollout_that_is_not_over(site: Site) -> None:
    site.under_way(3)
    # As it is then: users in both slots.
    await set_slot_weights(site.balancer("one"), {"blue": 99, "green": 1})
    sentence = r"the rollout of new-2 is not over \(running\): go on with `assay rollout run`"
    await refused(site, published(site, "next"), sentence)
    await return_refused(site, sentence)


async def test_releases_that_are_not_there_or_none(site: Site) -> None:
    altered = published(site, "next")
    await refused(site, "next-0123456789ab", "next-0123456789ab", ReleaseNotFound)
    await refused(site, "../../etc", "is no release's id")
    shutil.copytree(site.folder / "built" / altered, site.folder / "root" / "releases" / altered)
    (site.folder / "root" / "releases" / altered / "golden.jsonl").write_text("other")
    await refused(site, altered, "is damaged", ReleaseError)


async def test_settings_without_the_same_two_slots(two: Site) -> None:
    slots = two.centre("main")["slots"]
    green = slots.pop("green")
    sentence = "every data centre needs the same two slots"
    await refused(two, published(two, "next"), sentence)
    await return_refused(two, sentence)
    slots["red"] = green
    await return_refused(two, sentence)


async def test_no_data_centre_at_all(site: Site) -> None:
    site.document["rollout"]["data_centres"] = {}
    await refused(site, published(site, "next"), "rollout.data_centres is empty")
    await return_refused(site, "rollout.data_centres is empty")


# -- carried out -------------------------------------------------------------------------------------


async def test_the_way_back_moves_all_users_and_nothing_else(two: Site) -> None:
    with Journal(two.state_dir) as journal:
        await begin_return(two.settings(), journal, by="ada")
        assert await two.weights() == {"standby": (100, 0), "main": (100, 0)}
        state = await control(two.settings(), journal)
    assert (state.status, state.candidate.release, state.is_emergency) == ("done", "new-2", True)
    assert [(stage.name, stage.number) for stage in state.plan.stages] == [
        ("standby 100 %", 0),
        ("main 100 %", 1),
    ]
    assert await two.weights() == {"standby": (0, 100), "main": (0, 100)}
    assert two.kinds()[-1] == "done"
    assert two.stopped() == set()  # the other release goes on running

    with Journal(two.state_dir) as journal:  # and back again
        await begin_return(two.settings(), journal, by="ada")
        state = await control(two.settings(), journal)
    assert (state.id, state.status, state.candidate.release) == ("2-old-1", "done", "old-1")
    assert await two.weights() == {"standby": (100, 0), "main": (100, 0)}


async def test_an_order_for_the_last_rollout_is_none_for_the_next(site: Site) -> None:
    """It came when that one was over; a new one that is aborted by it would be a riddle."""
    give(site.state_dir, Order("abort", "eve", rollout="0-before"))
    with Journal(site.state_dir) as journal:
        await begin_return(site.settings(), journal, by="ada")
        assert (await control(site.settings(), journal)).status == "done"
    assert "eve ordered abort of 0-before, which is over" in site.texts()


async def test_a_release_that_a_node_cannot_start_goes_back(site: Site) -> None:
    """Its node's command fails (`false`): no user meets it, and what may run of it is ended."""
    with Journal(site.state_dir) as journal:
        await begin(site.settings(), journal, published(site, "next"), by="ada")
        state = await control(site.settings(), journal)
    assert (state.status, await site.weights(), site.stopped()) == (
        "rolled_back",
        {"one": (100, 0)},
        {"green"},
    )
    assert "exit status 1" in state.reason


async def test_a_second_controller_is_refused_while_one_runs(site: Site) -> None:
    site.under_way(2)  # shadow, which waits for users
    with Journal(site.state_dir) as journal:
        running = asyncio.create_task(control(site.settings(), journal))
        await until_async(lambda: "weights" in site.kinds())
        with (
            pytest.raises(JournalHeld, match=r"another controller holds .*: process \d+"),
            Journal(site.state_dir),
        ):
            pass
        give(site.state_dir, Order("abort", "ada"))
        assert (await running).status == "rolled_back"


async def test_nothing_to_control(site: Site) -> None:
    with Journal(site.state_dir) as journal, pytest.raises(ConfigurationError, match="tells of no rollout"):
        await control(site.settings(), journal)


async def test_settings_that_lost_a_place_of_the_rollout(two: Site) -> None:
    two.under_way(3)
    centres, before = two.document["rollout"]["data_centres"], two.kinds()
    standby = centres.pop("standby")
    with Journal(two.state_dir) as journal:
        with pytest.raises(
            ConfigurationError, match=r"about slot blue in standby, which rollout.data_centres lacks"
        ):
            await control(two.settings(), journal)
        centres["standby"] = standby
        standby["slots"]["red"] = standby["slots"].pop("green")
        with pytest.raises(
            ConfigurationError, match=r"about slot green in standby, which rollout.data_centres lacks"
        ):
            await control(two.settings(), journal)
    assert two.kinds() == before
