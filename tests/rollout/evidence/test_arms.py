"""Both arms of a data centre, as the controller sees them."""

from __future__ import annotations

from aiohttp import web

from assay.clock import FakeClock
from assay.rollout.control.parts import Arms
from assay.rollout.evidence.arms import HttpArms, askers
from assay.rollout.options import DataCentreSettings, SlotSettings
from assay.rollout.samples import Arm
from rollout.small_arms import ID, scored, two_arms

METRICS = """process_start_time_seconds 1.5
process_resident_memory_bytes 1e+06
assay_engine_worker_resident_bytes 2e+06
assay_engine_jobs_total{outcome="done"} 3
"""


async def _respond(request: web.Request) -> web.StreamResponse:
    return web.Response(text=METRICS) if request.path == "/metrics" else await scored(request)


async def test_a_controller_asks_arms_and_front_door() -> None:
    async with two_arms(respond=_respond) as (stable, candidate), askers() as (direct, front):
        stable.respond = _respond
        slots = {
            "blue": SlotSettings(tuple(stable.urls)),
            "green": SlotSettings(tuple(candidate.urls[:1]), tuple(candidate.urls[1:])),
        }
        settings = DataCentreSettings("/sock", stable.urls[0], slots)
        old, new = Arm("blue", stable.release), Arm("green", candidate.release)
        arms: Arms = HttpArms("one", settings, old, new, direct, front, FakeClock())

        pair = await arms.ask(ID.format(5))
        assert (pair.data_centre, pair.stable_status, pair.candidate_status) == ("one", 200, 200)
        assert pair.value_faults == ()

        memory = await arms.memory()
        assert {sample.slot for sample in memory} == {"blue", "green"}
        assert len({sample.process for sample in memory}) == len(memory) == 8
        assert {(sample.resident_bytes, sample.jobs_done) for sample in memory} == {
            (10**6, 3),
            (2 * 10**6, 3),
        }

        before = len(stable.asked)
        await arms.ask_front_door(ID.format(6))
        (method, path, headers) = stable.asked[before]
        assert (method, path, headers["X-Assay-Copy"]) == ("GET", ID.format(6), "1")

        assert [pair.target for pair in await arms.synthetic()] == ["/v3/scores/"]


async def test_memory_of_an_arm_that_tells_it_in_part_is_not_seen() -> None:
    """A worker whose address is wrong would else be a worker without a leak."""
    async with two_arms(respond=_respond) as (stable, candidate), askers() as (direct, front):
        stable.respond = _respond
        slots = {
            "blue": SlotSettings(tuple(stable.urls)),
            "green": SlotSettings(tuple(candidate.urls), (f"{candidate.urls[0]}/metrics",)),
        }
        settings = DataCentreSettings("/sock", stable.urls[0], slots)
        old, new = Arm("blue", stable.release), Arm("green", candidate.release)
        arms: Arms = HttpArms("one", settings, old, new, direct, front, FakeClock())
        assert {sample.slot for sample in await arms.memory()} == {"blue"}


async def test_a_release_that_is_not_known_is_not_judged() -> None:
    async with two_arms() as (stable, candidate), askers() as (direct, front):
        slots = {
            slot: SlotSettings(tuple(arm.urls)) for slot, arm in (("blue", stable), ("green", candidate))
        }
        settings = DataCentreSettings("/sock", stable.urls[0], slots)
        for known, faults in (("", 0), ("another", 1)):
            arms = HttpArms("one", settings, Arm("blue", known), Arm("green"), direct, front, FakeClock())
            assert len((await arms.ask(ID.format(5))).value_faults) == faults
