"""Pins are compared purely; an environment is made once, shared, and never half."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ReleaseError
from assay.releases import environment
from assay.releases.root import Root
from assay.releases.tree import discard
from releases.small_release import PINS
from shared_data import ROOT

HASH = f"--hash=sha256:{'0' * 64}"
BREAKS_OFF = f"#!/bin/sh\necho {Path(orjson.__file__).parents[1]}\nexit 1\n"
"""In place of an interpreter: it tells where packages lie, and fails then."""
VERSIONS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "1.0", "2"]))


@given(VERSIONS, VERSIONS)
def test_differences_name_exactly_the_unmet_pins(pins: dict[str, str], found: dict[str, str]) -> None:
    told = environment.differences(pins, found)
    assert len(told) == sum(found.get(name) != version for name, version in pins.items())
    assert bool(told) == (not pins.items() <= found.items())


def test_a_version_that_is_only_similar_is_a_difference() -> None:
    assert environment.differences({"a": "1.0"}, {"a": "1.0.0"}) == ["a is 1.0.0, and 1.0 is pinned"]
    assert environment.differences({"a": "1"}, {}) == ["a is not installed, and 1 is pinned"]


def test_pins_are_read_as_pip_compile_writes_them() -> None:
    text = f"""# a comment
Some_Package==1.2 \\
    {HASH} \\
    --hash=sha256:{"1" * 64}
    # via another
other[extra]==2.0 ; python_version >= "3" {HASH}
old==1 ; python_version < "3" {HASH}
"""
    assert environment.parse_pins(text.encode()) == {"some-package": "1.2", "other": "2.0"}


def test_more_than_any_project_pins_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "MAX_REQUIREMENTS_BYTES", len(PINS))
    assert environment.parse_pins(PINS)
    with pytest.raises(ReleaseError, match="have more than"):
        environment.parse_pins(PINS + b"\n")


def test_of_a_package_that_is_there_twice_the_one_that_is_imported_counts(tmp_path: Path) -> None:
    for folder, version in (("first", "1"), ("second", "2")):
        info = tmp_path / folder / f"Some_Package-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: Some_Package\nVersion: {version}\n")
    places = [str(tmp_path / "first"), str(tmp_path / "second")]
    assert environment.installed(places) == {"some-package": "1"}
    assert environment.installed(reversed(places)) == {"some-package": "2"}


def test_the_projects_own_pins_are_met_here() -> None:
    pins = environment.parse_pins((ROOT / "requirements.txt").read_bytes())
    assert len(pins) > 50
    assert environment.differences(pins, environment.installed()) == []


@pytest.mark.parametrize(
    "line",
    [
        "orjson==3.13.0",
        f"orjson>=3 {HASH}",
        f"orjson==3.* {HASH}",
        f"orjson {HASH}",
        f"orjson @ https://example.org/orjson.whl {HASH}",
        "-e .",
        "-r other.txt",
        "--index-url https://example.org/",
        f"or json==1 {HASH}",
        f"orjson==1 # {HASH}",
        f'orjson==1 ; python_version < "3 {HASH}',
        "",
        "# nothing",
    ],
)
def test_what_is_no_pin_is_refused(line: str) -> None:
    with pytest.raises(ReleaseError, match=r"pin|understood"):
        environment.parse_pins(f"{line}\n".encode())


def test_the_running_interpreter_is_used_when_it_is_right(root: Root) -> None:
    assert environment.ensure(root, PINS) == Path(sys.executable)
    (folder,) = root.environments.iterdir()
    assert folder.name == hashlib.sha256(PINS).hexdigest()[:16]
    assert (folder / "python").read_text().strip() == sys.executable
    assert environment.ensure(root, PINS) == Path(sys.executable)


@pytest.mark.parametrize("content", ["", BREAKS_OFF, "#!/nowhere/python\n"])
@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_an_interpreter_that_does_not_run_has_nothing_that_is_pinned(
    root: Root, tmp_path: Path, content: str, mode: int
) -> None:
    python = tmp_path / "python"
    python.write_text(content)
    python.chmod(mode)
    pins = environment.parse_pins(PINS)
    assert environment.faults(python, PINS) == environment.differences(pins, {})
    folder = root.environments / hashlib.sha256(PINS).hexdigest()[:16]
    folder.mkdir(parents=True)
    (folder / "python").write_text(f"{python}\n")
    assert environment.ensure(root, PINS) == Path(sys.executable)  # another one is found


@pytest.fixture
def other_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Of a package that is nowhere installed, and that pip finds in a folder; no index is asked."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "assay-nowhere"\nversion = "1.5"\n'
        '[tool.hatch.build.targets.wheel]\nonly-include = ["assay_nowhere.py"]\n'
    )
    (source / "assay_nowhere.py").write_text("here = True\n")
    links = tmp_path / "links"
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(links), str(source)], check=True, capture_output=True)
    (built,) = links.iterdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    return f"assay-nowhere==1.5 --hash=sha256:{digest}\n".encode()


def test_an_environment_is_made_from_the_pins(root: Root, other_pins: bytes) -> None:
    python = environment.ensure(root, other_pins)
    assert python.is_relative_to(root.environments)
    done = subprocess.run(
        [python, "-c", "import assay_nowhere; print(assay_nowhere.here)"], capture_output=True
    )
    assert done.stdout == b"True\n"
    made_at = (python.parent.parent / "ready").stat().st_mtime_ns
    assert environment.ensure(root, other_pins) == python
    assert (python.parent.parent / "ready").stat().st_mtime_ns == made_at
    assert environment.faults(python, other_pins) == []


def test_what_was_left_half_is_made_anew(root: Root, other_pins: bytes) -> None:
    folder = root.environments / hashlib.sha256(other_pins).hexdigest()[:16]
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("half")
    assert environment.faults(environment.ensure(root, other_pins), other_pins) == []
    assert (folder / "ready").exists()


def test_another_file_than_the_pinned_one_is_not_installed(root: Root, other_pins: bytes) -> None:
    wrong = other_pins.replace(other_pins[-11:-1], b"0" * 10)
    with pytest.raises(ReleaseError, match=r"packages cannot be installed.*Expected sha256"):
        environment.ensure(root, wrong)
    assert list(root.environments.iterdir()) == []  # hundreds of megabytes, on a disk that may be full


def test_packages_that_went_elsewhere_are_told_at_once(
    root: Root, other_pins: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip's own settings may have it; an environment without them was marked as ready."""
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    with pytest.raises(ReleaseError, match="installed, but not where they belong: assay-nowhere is not"):
        environment.ensure(root, other_pins)
    assert list(root.environments.iterdir()) == []
    monkeypatch.undo()


def test_packages_of_another_python_are_told(root: Root, other_pins: bytes) -> None:
    """As after an upgrade of the system's: the link leads to a newer one, which reads another folder."""
    python = environment.ensure(root, other_pins)
    (packages,) = python.parent.parent.glob("lib/python3*")
    packages.rename(packages.with_name("python3.0"))
    with pytest.raises(ReleaseError, match=r"interpreter is gone.* remove the folder"):
        environment.ensure(root, other_pins)


def test_an_environment_is_on_disk_before_it_counts(
    root: Root, other_pins: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut its packages would be there by name, and empty."""
    ready_then: list[bool] = []
    monkeypatch.setattr("os.sync", lambda: ready_then.append(bool(list(root.environments.glob("*/ready")))))
    environment.ensure(root, other_pins)
    assert ready_then == [False]


def test_packages_that_were_changed_are_told(root: Root, other_pins: bytes) -> None:
    python = environment.ensure(root, other_pins)
    (info,) = python.parent.parent.glob("lib/python3*/site-packages/assay_nowhere-1.5.dist-info")
    text = (info / "METADATA").read_text().replace("Version: 1.5", "Version: 1.6")
    (info / "METADATA").write_text(text)
    assert metadata.Distribution.at(info).version == "1.6"
    assert environment.faults(python, other_pins) == ["assay-nowhere is 1.6, and 1.5 is pinned"]
    with pytest.raises(ReleaseError, match="were changed after they were installed"):
        environment.ensure(root, other_pins)


def test_packages_without_an_interpreter_are_told(root: Root, other_pins: bytes) -> None:
    """As after an upgrade of the system's Python: the link to it leads nowhere."""
    python = environment.ensure(root, other_pins)
    python.unlink()
    python.symlink_to("/nowhere/python3")
    with pytest.raises(ReleaseError, match=r"interpreter is gone.* remove the folder"):
        environment.ensure(root, other_pins)
    discard(python.parent.parent)
    assert environment.faults(environment.ensure(root, other_pins), other_pins) == []
