"""The beginning of a rollout: what is refused before anything has happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from assay.compose import rollout
from assay.errors import ConfigurationError, ReleaseError, ReleaseNotFound
from assay.releases.folder_store import FolderStore
from assay.releases.options import ReleaseOptions
from assay.releases.transfer import publish
from assay.rollout.journal import Journal, read_journal
from assay.rollout.options import DataCentreSettings, RolloutOptions, SlotSettings
from assay.rollout.traffic.haproxy import FakeBalancer, Server
from assay.settings import Settings
from releases.small_release import small_release
from rollout.fake_world import MAIN, World
from rollout.small_arms import Arm


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def settings(tmp_path: Path, store: FolderStore) -> Settings:
    """Of a controller that never had a release on its machine."""
    return Settings(
        releases=ReleaseOptions(root=str(tmp_path / "root"), store=str(store.folder)),
        rollout=RolloutOptions(state_dir=str(tmp_path / "journal"), log_address="127.0.0.1:0"),
    )


@pytest.fixture
def stable(tmp_path: Path) -> Path:
    return small_release(tmp_path, "stable")


@pytest.fixture
async def serving(
    settings: Settings, stable: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Settings]:
    """One data centre whose users the blue slot answers with the stable release."""
    servers = [Server("blue-1", "UP", weight=100), Server("green-1", "UP")]
    monkeypatch.setattr(rollout, "balancers", lambda _: {"eqiad": FakeBalancer(servers)})
    async with Arm(stable.name).serving(1) as arm:
        slots = {"blue": SlotSettings(tuple(arm.urls)), "green": SlotSettings(("http://127.0.0.1:9",))}
        centres = {"eqiad": DataCentreSettings("/run/haproxy.sock", "http://127.0.0.1:9", slots)}
        yield replace(settings, rollout=replace(settings.rollout, data_centres=centres))


async def begun(settings: Settings, release: str) -> None:
    with Journal(Path(settings.rollout.state_dir)) as journal:
        await rollout.begin(settings, journal, release, by="a test")


async def test_a_model_swapped_under_its_version_is_refused_where_the_present_one_never_was(
    serving: Settings, store: FolderStore, stable: Path, tmp_path: Path
) -> None:
    publish(stable, store)
    release = publish(small_release(tmp_path, "swapped", description="Another."), store)
    with pytest.raises(ReleaseError, match=r"other models .*testwiki/revid 0\.0\.0"):
        await begun(serving, release)
    assert read_journal(tmp_path / "journal") == ()


async def test_what_cannot_be_compared_with_the_present_release_is_refused(
    serving: Settings, store: FolderStore, tmp_path: Path
) -> None:
    release = publish(small_release(tmp_path, "next"), store)
    with pytest.raises(ReleaseNotFound, match=r"cannot be compared .* was stable-\w+ published"):
        await begun(serving, release)


async def test_a_release_with_the_same_models_begins(
    serving: Settings, store: FolderStore, stable: Path, tmp_path: Path
) -> None:
    publish(stable, store)
    release = publish(small_release(tmp_path, "next"), store)
    await begun(serving, release)
    (entry,) = read_journal(tmp_path / "journal")
    assert entry.data["stable"] == {"slot": "blue", "release": stable.name}
    assert entry.data["candidate"] == {"slot": "green", "release": release}


@pytest.mark.parametrize("name", ["next", "../../x-0123456789ab", "x-0123456789ab/.."])
async def test_what_is_no_release_is_told(settings: Settings, name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no release's id"):
        await begun(settings, name)
    assert not (tmp_path / "root").exists()


async def test_other_settings_than_those_it_began_with_are_told(settings: Settings, tmp_path: Path) -> None:
    world = World(tmp_path / "journal")
    centres = dict(world.options.data_centres)
    del centres[MAIN]
    with Journal(tmp_path / "journal") as journal:
        world.start(journal)
        lost = replace(settings, rollout=replace(settings.rollout, data_centres=centres))
        with pytest.raises(ConfigurationError, match=r"slot blue in main.*--config"):
            await rollout.control(lost, journal)
