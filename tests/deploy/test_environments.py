"""The sample environments: each is good, none goes without a password, the canary is production."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assay.compose.bundles import faults
from assay.settings import Resolved, differences, environment_of, environments_of, given_in, resolve
from deploy.files import DEPLOY
from settings.folders import write

FOLDER = DEPLOY / "environments"
NAMES = ("beta", "canary", "experimental", "local", "production", "staging")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy with a password for each."""
    copied = tmp_path / "environments"
    shutil.copytree(FOLDER, copied, ignore=shutil.ignore_patterns("secrets"))
    return write(copied, {f"secrets/{name}/redis.password": f"of {name}" for name in NAMES})


def _resolved(folder: Path, name: str) -> Resolved:
    return resolve(given_in(environment_of(folder, name)))


def test_there_are_six() -> None:
    assert tuple(environments_of(FOLDER)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_is_good(folder: Path, name: str) -> None:
    settings = _resolved(folder, name).right()
    assert faults(settings) == []
    assert settings.redis.password == f"of {name}"


@pytest.mark.parametrize("name", NAMES)
def test_none_goes_without_a_password(folder: Path, name: str) -> None:
    (folder / "secrets" / name / "redis.password").unlink()
    (fault,) = _resolved(folder, name).faults
    assert fault.startswith("redis.password: must be set in every environment")


def test_the_canary_is_production_in_all_but_tracing(folder: Path) -> None:
    found = differences(_resolved(folder, "canary"), _resolved(folder, "production"))
    assert [difference.name for difference in found] == ["redis.password", "tracing.share"]


def test_every_environment_has_the_same_secrets(folder: Path) -> None:
    """A secret that only some have hides its faults from the others."""
    for name in NAMES:
        for difference in differences(_resolved(folder, "local"), _resolved(folder, name)):
            assert "not set" not in (
                difference.left.value,
                difference.right.value,
            ) or not difference.name.endswith("password"), difference


def test_no_secret_lies_in_the_folder() -> None:
    assert "secrets/" in (FOLDER / ".gitignore").read_text().splitlines()
    text = "".join(path.read_text() for path in FOLDER.glob("*.toml"))
    assert "password =" not in text
    for name in NAMES:
        assert f"`{name}.toml`" in (FOLDER / "README.md").read_text()
