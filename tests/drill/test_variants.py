"""Every seeded defect changes the code that is there today, into code that still can be read."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from assay.drill.defects import DEFECTS, STABLE, Defect
from assay.drill.variants import DRIFTING, PACKAGE, changed_bundle, source_changes
from assay.errors import ConfigurationError
from assay.models.bundle import load_bundle
from assay.models.library import shipped_folder
from shared_data import ROOT

BY_NAME = {defect.name: defect for defect in DEFECTS}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_changes_something(defect: Defect, tmp_path: Path) -> None:
    changes = source_changes(defect, ROOT, "stable-0123456789ab")
    for path, content in changes.items():
        assert content != (ROOT / path).read_bytes()
        assert STABLE not in content.decode()
        ast.parse(content)
    bundle = changed_bundle(defect, shipped_folder(), tmp_path)
    assert changes or bundle or defect.is_stale


def test_a_function_that_is_gone_is_told() -> None:
    gone = replace(BY_NAME["crash"], functions={"scoring/score.py": ("compute_all",)})
    with pytest.raises(
        ConfigurationError, match=r"'crash' does not fit .* scoring/score.py has no compute_all"
    ):
        source_changes(gone, ROOT, "stable")


def test_a_word_that_is_gone_is_told() -> None:
    gone = replace(BY_NAME["renamed"], renamed={"no_such_word_anywhere_": "x"})
    with pytest.raises(ConfigurationError, match="nothing is called no_such_word_anywhere_"):
        source_changes(gone, ROOT, "stable")


def test_a_renamed_key_is_renamed_everywhere_but_in_the_drill() -> None:
    changes = source_changes(BY_NAME["renamed"], ROOT, "stable")
    assert len(changes) > 1
    assert not any("/drill/" in path for path in changes)
    for content in changes.values():
        assert b"heartbeat_s" not in content


def test_a_module_that_is_renamed_in_keeps_the_lines_at_its_end() -> None:
    """Else a defect of several parts would quietly be one of fewer."""
    module = "scoring/queue/engine.py"
    both = replace(BY_NAME["renamed"], appended={module: f"\n# heartbeat_s beside {STABLE}\n"})
    changed = source_changes(both, ROOT, "stable")[f"{PACKAGE}/{module}"]
    assert changed.endswith(b"\n# sign_of_life_s beside stable\n")
    assert b"heartbeat_s" not in changed


@pytest.mark.parametrize("name", ["swapped", "retrained"])
def test_a_changed_bundle_is_sound_and_another(name: str, tmp_path: Path) -> None:
    original = load_bundle(shipped_folder() / DRIFTING, {})
    folder = changed_bundle(BY_NAME[name], shipped_folder(), tmp_path)
    assert folder is not None
    changed = load_bundle(folder, {})
    assert changed.digest != original.digest
    assert (changed.version == original.version) == (name == "swapped")
