"""What holds for the whole suite."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Machines differ in speed and some share their cores: slowness is measured by bench/, never asserted here.
settings.register_profile("assay", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("assay")
