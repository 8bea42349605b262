"""Who needs Celery, and who does not."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("module", "has_celery"), [("assay.cli", False), ("assay.compose.worker", True)])
def test_celery_is_imported_by_workers_alone(module: str, has_celery: bool) -> None:
    program = f"import sys, {module}; print('celery' in sys.modules, 'kombu' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(has_celery)] * 2
