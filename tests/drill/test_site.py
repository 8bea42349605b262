"""The drill's place, as it lies on disk before anything runs; that it runs is shown by `test_drill`."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from threading import Event

import pytest

from assay.compose.data_centre import as_settings
from assay.drill.defects import DEFECTS
from assay.drill.site import BOUNDS, MAIN, STAGES, STANDBY, Site, make_site, until_answers
from assay.errors import ConfigurationError, ReleaseError
from assay.models.library import search, shipped_folder
from assay.settings import load
from servers.faulty_http import content, faulty_server
from servers.haproxy import program
from servers.redis import missing
from shared_data import ROOT


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    program()
    if shutil.which("redis-server") is None:
        missing("redis-server")
    with tempfile.TemporaryDirectory(prefix="assay-site-") as name:  # short: a socket's path has a limit
        yield make_site(Path(name) / "site", ROOT)


def test_settings_come_back_from_the_file_as_they_were(site: Site) -> None:
    settings = load([site.configuration], environment={})
    assert settings.rollout.data_centres == {
        name: as_settings(options) for name, options in site.data_centres.items()
    }
    assert settings.rollout.log_address == next(iter(site.data_centres.values())).log_address


def test_a_nodes_settings_load_and_stay_its_own(site: Site) -> None:
    for name, options in site.data_centres.items():
        file = options.root / "node.toml"
        settings = load([file], environment={})
        assert settings.redis.password == (options.folder / "redis-password").read_text().strip()
        assert settings.redis.url in (options.folder / "supervisord.conf").read_text()
        assert file.stat().st_mode & 0o077 == 0, name


def test_a_rollout_takes_minutes_and_the_drill_s_bounds(site: Site) -> None:
    settings = load([site.configuration], environment={})
    assert settings.rollout.stages == STAGES
    assert {name: getattr(settings.rollout.guards, name) for name in BOUNDS} == BOUNDS
    assert settings.rollout.state_dir == str(site.state_dir)


def test_all_take_releases_from_the_store_that_the_controller_publishes_to(site: Site) -> None:
    controller = load([site.configuration], environment={})
    nodes = [load([options.root / "node.toml"], environment={}) for options in site.data_centres.values()]
    stores = {settings.releases.store for settings in (controller, *nodes)}
    assert stores == {site.store.address}
    assert controller.releases.root == str(site.builder.path)
    assert {node.cache_dir for node in nodes} == {str(site.folder / "cache")}


def test_a_key_that_a_defect_renames_is_set_on_every_node(site: Site) -> None:
    """Else nothing would be missed."""
    words = {old for defect in DEFECTS for old in defect.renamed}
    assert words
    for options in site.data_centres.values():
        told = (options.root / "node.toml").read_text()
        assert all(word in told for word in words)


def test_each_data_centre_is_the_other_s_refuge_and_users_ask_the_active_one(site: Site) -> None:
    standby, main = site.data_centres[STANDBY], site.data_centres[MAIN]
    assert (f"http://{standby.remote}", f"http://{main.remote}") == (
        site.front_url(MAIN),
        site.front_url(STANDBY),
    )
    assert (standby.is_active, main.is_active) == (False, True)
    assert standby.log_address == main.log_address


def test_no_two_processes_have_one_port(site: Site) -> None:
    ports = [options.port for options in site.data_centres.values()]
    for options in site.data_centres.values():
        for slot in options.slots.values():
            assert (len(slot.web), len(slot.metrics)) == (2, 2)
            ports += [*slot.web, *slot.metrics]
    assert len(set(ports)) == len(ports) == 2 * (1 + 2 * 4)


def test_the_models_and_the_wiki_are_the_shipped_ones(site: Site) -> None:
    found = {it.manifest.id: it.manifest.digest for it in search(site.bundles)}
    shipped = {it.manifest.id: it.manifest.digest for it in search(shipped_folder())}
    assert set(found) == {"enwiki/damaging", "enwiki/goodfaith", "testwiki/revid"}
    assert found.items() <= shipped.items()
    assert site.sample.read_bytes() == (ROOT / "src/assay/sample/samplewiki.xml").read_bytes()


def test_a_folder_that_is_no_source_tree_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    with pytest.raises(ConfigurationError, match="is no source tree of Assay: name one with --source"):
        make_site(folder, tmp_path)
    assert not folder.exists()


def test_a_path_that_sockets_cannot_have_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 70)
    with pytest.raises(ConfigurationError, match="name a shorter --folder"):
        make_site(folder, ROOT)
    assert not folder.exists()


def at(site: Site, url: str) -> Site:
    """The same place, whose front doors are both at `url`."""
    port = int(url.rpartition(":")[2])
    return replace(
        site, data_centres={name: replace(it, port=port) for name, it in site.data_centres.items()}
    )


def test_a_front_door_that_is_not_ready_yet_is_asked_again(site: Site) -> None:
    told = chain(["503 Service Unavailable", "503 Service Unavailable"], repeat("200 OK"))
    asked: list[str] = []

    def answer(connection: socket.socket, ended: Event) -> None:
        asked.append(next(told))
        content(b"", asked[-1])(connection, ended)

    with faulty_server(answer) as url:
        until_answers(at(site, url))
    assert [status[:3] for status in asked] == ["503", "503", "200", "200"]


def test_one_that_never_answers_is_named_with_the_place_of_its_logs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.drill.site._START_LIMIT_S", 0.0)
    logs = site.data_centres[STANDBY].folder / "logs"
    with pytest.raises(
        ReleaseError, match=f"the data centre {STANDBY} did not come up: see the logs in {logs}"
    ):
        until_answers(site)
