"""Shared fixtures: paths of the example and of the shared data sets; how hypothesis draws."""

import os
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("OSTINATO_SHARED_DATA", ROOT.parent / "shared" / "data"))


# No test may fail because the machine is busy. Where CI is set, hypothesis draws the same examples every time.
settings.register_profile(
    "patient",
    settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def milk_csv() -> Path:
    return ROOT / "examples" / "monthly_milk_production.csv"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared data sets are not here; set OSTINATO_SHARED_DATA")
    return SHARED


@pytest.fixture(scope="session")
def losses() -> ModuleType:
    """The losses of utilsforecast; without it only the comparisons with it are skipped."""
    return pytest.importorskip("utilsforecast.losses")


@pytest.fixture(scope="session")
def models() -> ModuleType:
    """The models of statsforecast; without it only the comparisons with it are skipped."""
    return pytest.importorskip("statsforecast.models")
