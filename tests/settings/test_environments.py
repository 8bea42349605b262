"""Layered files and secrets of environments."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigurationError
from assay.settings import environments_of, load
from settings.folders import write

FILES = {
    "base.toml": '[server]\nport = 1\nhost = "::1"\n[pool]\nprocesses = 7\n',
    "staging.toml": "[server]\nport = 2\n",
    "production.toml": "[server]\nport = 3\n",
    "secrets/production/redis.password": "p@ss\n",
    "secrets/production/redis.sentinel_password": "0801",
    "secrets/production/.hidden": "Kubernetes keeps its own there",
    "README.md": "no environment",
    ".#staging.toml": "an editor's",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "config", FILES)


def test_an_environments_file_stands_over_the_base(folder: Path) -> None:
    for name, port in (("staging", 2), ("production", 3)):
        loaded = load(environment={}, config_folder=folder, environment_name=name)
        assert (loaded.server.port, loaded.server.host, loaded.pool.processes) == (port, "::1", 7)


def test_variables_choose_it_as_well_and_flags_win(folder: Path) -> None:
    variables = {"ASSAY_CONFIG_FOLDER": str(folder), "ASSAY_ENVIRONMENT": "staging"}
    assert load(environment=variables).server.port == 2
    assert load(environment=variables, environment_name="production").server.port == 3
    elsewhere = {**variables, "ASSAY_CONFIG_FOLDER": "/elsewhere"}
    assert load(environment=elsewhere, config_folder=folder).server.port == 2


def test_files_and_variables_stand_over_it(folder: Path, tmp_path: Path) -> None:
    over = write(tmp_path, {"over.toml": "[server]\nport = 4\n"}) / "over.toml"
    own = write(tmp_path, {"own.toml": '[server]\nport = 5\n[log]\nlevel = "debug"\n'}) / "own.toml"
    loaded = load([over], {}, config_folder=folder, environment_name="staging")
    assert loaded.server.port == 4
    variables = {"ASSAY_CONFIG": str(own), "ASSAY_POOL__PROCESSES": "8"}
    loaded = load([], variables, config_folder=folder, environment_name="staging")
    assert (loaded.server.port, loaded.log.level, loaded.pool.processes) == (2, "debug", 8)


def test_secrets_lie_apart_one_value_a_file(folder: Path) -> None:
    loaded = load(environment={}, config_folder=folder, environment_name="production")
    assert (loaded.redis.password, loaded.redis.sentinel_password) == ("p@ss", "0801")
    assert load(environment={}, config_folder=folder, environment_name="staging").redis.password is None


def test_a_secret_that_no_setting_has_is_an_error(folder: Path) -> None:
    write(folder, {"secrets/staging/redis.pasword": "x"})
    with pytest.raises(ConfigurationError, match=r"redis\.pasword: unknown setting .*mean redis\.password\?"):
        load(environment={}, config_folder=folder, environment_name="staging")


@pytest.mark.parametrize("kind", ["folder", "link to nowhere"])
def test_a_secret_that_is_no_file_is_not_passed_over(folder: Path, kind: str) -> None:
    """Docker makes a folder of a file that was not there to be mounted."""
    secret = write(folder, {"secrets/staging/redis.username": "me"}) / "secrets/staging/redis.password"
    if kind == "folder":
        secret.mkdir()
    else:
        secret.symlink_to("/gone")
    with pytest.raises(ConfigurationError, match=r"redis\.password: (Is a directory|No such file)"):
        load(environment={}, config_folder=folder, environment_name="staging")


def test_a_secret_in_two_places_is_an_error(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"redis\.password and ASSAY_REDIS__PASSWORD give different"):
        load(environment={"ASSAY_REDIS__PASSWORD": "o"}, config_folder=folder, environment_name="production")


def test_environments_are_listed(folder: Path) -> None:
    assert environments_of(folder) == ["production", "staging"]


@pytest.mark.parametrize("name", ["prodution", "base", "../config/staging", ".hidden", "", "secrets"])
def test_an_environment_that_is_not_there_is_an_error_that_lists_them(folder: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="there are: production, staging"):
        load(environment={}, config_folder=folder, environment_name=name)


def test_the_half_of_it_is_an_error(folder: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="needs its folder: give --config-folder or ASSAY_CONFIG_FOLDER"
    ):
        load(environment={"ASSAY_ENVIRONMENT": "staging"})
    with pytest.raises(
        ConfigurationError, match="give --environment or ASSAY_ENVIRONMENT; there are: produc"
    ):
        load(environment={}, config_folder=folder)
    for name in ("staging", None):
        with pytest.raises(ConfigurationError, match="there is no folder"):
            load(environment={}, config_folder=folder / "absent", environment_name=name)


def test_there_is_no_environment_without_a_base(folder: Path) -> None:
    (folder / "base.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"base\.toml: No such file"):
        load(environment={}, config_folder=folder, environment_name="staging")
