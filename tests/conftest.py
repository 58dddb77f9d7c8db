"""Shared fixtures: paths of the example and of the shared data sets; how numbers are drawn."""

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, register_random, settings

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("OSTINATO_SHARED_DATA", ROOT.parent / "shared" / "data"))


# Before anything imports torch: on a busy machine threads wait for each other many times longer than networks as small
# as these take, and what one thread trains does not depend on the number of processors.
os.environ["OMP_NUM_THREADS"] = "1"

# No test may fail because the machine is busy. Where CI is set, hypothesis draws the same examples every time.
settings.register_profile(
    "patient",
    settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("patient")


class TorchNumbers:
    """Torch's random numbers as hypothesis wants them, so that an example that fails fails again."""

    def seed(self, number):
        if torch := sys.modules.get("torch"):
            torch.manual_seed(number)

    def getstate(self):
        torch = sys.modules.get("torch")
        return torch and torch.get_rng_state()

    def setstate(self, state):
        if state is not None:
            sys.modules["torch"].set_rng_state(state)


TORCH_NUMBERS = TorchNumbers()
register_random(TORCH_NUMBERS)


@pytest.fixture(autouse=True)
def _same_numbers():
    """Every test begins with the same random numbers of torch, whichever ran before it."""
    TORCH_NUMBERS.seed(0)


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
