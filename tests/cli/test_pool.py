"""``assay pool`` and ``depool`` as an operator types them, on a real HAProxy."""

from __future__ import annotations

from assay.rollout.journal import read_journal
from assay.rollout.traffic.shares import set_slot_weights
from cli.rolling import done, refused, told
from rollout.small_site import Site


async def test_a_slot_goes_and_comes_back(site: Site) -> None:
    await set_slot_weights(site.balancer("one"), {"blue": 50, "green": 50})
    assert await done(site, "depool one/green --reason 'new disk'") == ["one/green is depooled.\n"]
    servers = await site.balancer("one").servers()
    assert {s.state for s in servers.values() if s.slot == "green"} == {"drain"}
    assert await done(site, "pool one/green") == ["one/green is pooled.\n"]
    servers = await site.balancer("one").servers()
    assert {s.state for s in servers.values()} == {"ready"}
    assert await site.weights() == {"one": (50, 50)}
    entries = read_journal(site.state_dir)
    assert [entry.data["reason"] for entry in entries] == ["new disk", "new disk", "", ""]
    assert all("@" in entry.data["by"] for entry in entries)


async def test_what_cannot_go_stays_and_the_status_says_so(site: Site) -> None:
    (ran,) = await told(site, "depool one/blue")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "Slot 'blue' is the last that takes users' requests" in ran.stderr
    await refused(site, {"pool nowhere": "there is no nowhere: rollout.data_centres has one"})


async def test_a_reason_that_no_journal_can_hold_is_refused_before_anything_is_moved(site: Site) -> None:
    (ran,) = await told(site, "depool one/green --reason \udcff")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "the journal is UTF-8, and this is not" in ran.stderr
    assert not read_journal(site.state_dir)
