"""The script that runs a release says all that it must know, whatever its folder is called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.errors import ConfigurationError, ReleaseError
from assay.releases.launcher import LAUNCHER, NODE_SETTINGS, clean_environment, launcher_text, run_release
from assay.releases.manifest import CONFIGURATION

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/:\0"), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..")
)
TELLS_ENVIRONMENT = "#!/bin/sh\nexec env -0\n"


def script(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o755)
    return path


def environment_of(launcher: Path) -> dict[str, str]:
    given_ = {"PATH": "/usr/bin:/bin", "PYTHONHOME": "/nowhere", "PYTHONSTARTUP": "/nowhere/start.py"}
    told = subprocess.run([str(launcher)], env=given_, capture_output=True, check=True).stdout
    return dict(line.split("=", 1) for line in told.decode().split("\0") if line)


@settings(max_examples=30)
@given(NAMES)
@example('it\'s $HOME `id` "x" \\ \n y')
def test_a_folder_of_any_name_is_told_as_it_is(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    place = tmp_path_factory.mktemp("launcher")
    python = script(place / "python", TELLS_ENVIRONMENT)
    folder = place / name / "2026-11-27-abc"
    told = environment_of(script(place / "assay", launcher_text(folder, "2026-11-27-abc", python)))
    assert told["ASSAY_CONFIG"] == str(folder / CONFIGURATION)
    assert told["PYTHONPATH"] == str(folder / "code")
    assert json.loads(told["ASSAY_BUNDLE_DIRECTORIES"]) == [str(folder / "bundles")]
    assert (told["ASSAY_RELEASE"], told["ASSAY_SHIPPED_BUNDLES"]) == ("2026-11-27-abc", "false")
    assert not {"PYTHONHOME", "PYTHONSTARTUP"} & told.keys()
    for name in ("PYTHONSAFEPATH", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE"):
        assert told[name] == "1"


def test_in_a_root_what_the_machine_alone_knows_comes_last(tmp_path: Path) -> None:
    python = script(tmp_path / "python", TELLS_ENVIRONMENT)
    folder = tmp_path / "releases" / "new"
    launcher = script(tmp_path / "assay", launcher_text(folder, "new", python))
    own = str(folder / CONFIGURATION)
    assert environment_of(launcher)["ASSAY_CONFIG"] == own
    (tmp_path / NODE_SETTINGS).touch()
    assert environment_of(launcher)["ASSAY_CONFIG"] == f"{own}:{tmp_path / NODE_SETTINGS}"


def test_outside_of_a_root_there_is_no_such_machine(tmp_path: Path) -> None:
    python = script(tmp_path / "python", TELLS_ENVIRONMENT)
    folder = tmp_path / "built" / "new"
    (tmp_path / NODE_SETTINGS).touch()
    launcher = script(tmp_path / "assay", launcher_text(folder, "new", python))
    assert environment_of(launcher)["ASSAY_CONFIG"] == str(folder / CONFIGURATION)


def test_a_colon_would_part_the_path() -> None:
    with pytest.raises(ConfigurationError, match="choose another folder"):
        launcher_text(Path("/srv/a:b"), "new", Path(sys.executable))


def test_a_release_inherits_no_settings_of_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASSAY_PORT", "ASSAY_RELEASE", "PYTHONPATH", "ASSAY_CACHE_DIR", "HOME"):
        monkeypatch.setenv(name, "given")
    kept = clean_environment()
    assert {"ASSAY_CACHE_DIR", "HOME"} <= kept.keys()
    assert not {"ASSAY_PORT", "ASSAY_RELEASE", "PYTHONPATH"} & kept.keys()
    script(tmp_path / LAUNCHER, TELLS_ENVIRONMENT)
    told = run_release(tmp_path, ["golden"]).split(b"\0")
    assert b"ASSAY_CACHE_DIR=given" in told
    assert b"ASSAY_PORT=given" not in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("echo 'assay: the disk is full' >&2; exit 3", r"failed \(status 3\): the disk is full$"),
        ("exit 1", r"failed \(status 1\): it said nothing$"),
        ("exec sleep 600", "did not end within 0.2 s"),
    ],
)
def test_what_went_wrong_is_told_in_the_releases_own_words(tmp_path: Path, text: str, told: str) -> None:
    script(tmp_path / LAUNCHER, f"#!/bin/sh\n{text}\n")
    limit_s = 0.2 if "sleep" in text else 60.0
    with pytest.raises(ReleaseError, match=told):
        run_release(tmp_path, ["golden", "--output", "x"], limit_s=limit_s)


def test_what_a_release_warns_of_is_passed_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script(tmp_path / LAUNCHER, "#!/bin/sh\necho done\necho 'assay: an old name' >&2\n")
    assert run_release(tmp_path, ["config", "check"]) == b"done\n"
    assert capfd.readouterr() == ("", "assay: an old name\n")


def test_a_release_that_was_not_installed_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"`assay golden` of the release in .* cannot be started"):
        run_release(tmp_path, ["golden"])
