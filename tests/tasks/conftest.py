"""Series and a quick recipe for the tests of the tasks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ostinato.tasks.forecasting.recipes import RECIPES, Recipe

QUICK = replace(RECIPES["default"], steps=(4, 8), members=2, hidden_size=8, batch_size=64)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The default recipe with a few training steps, in the place of the real one."""
    monkeypatch.setitem(RECIPES, "default", QUICK)
    return QUICK


@pytest.fixture(scope="session")
def monthly() -> pd.DataFrame:
    """One monthly series with trend and season, 72 rows."""
    return make_series("milk", 72)


@pytest.fixture(scope="session")
def several() -> pd.DataFrame:
    """Three monthly series of different lengths and scales."""
    parts = [make_series("a", 72), make_series("b", 60, scale=1000), make_series("c", 50, scale=0.01)]
    return pd.concat(parts, ignore_index=True)


def make_series(name: str, rows: int, *, scale: float = 1.0) -> pd.DataFrame:
    months = np.arange(rows)
    noise = np.random.default_rng(rows).normal(size=rows)
    values = 100 + 0.5 * months + 20 * np.sin(2 * np.pi * months / 12) + noise
    times = pd.date_range("2015-01-01", periods=rows, freq="MS")
    return pd.DataFrame({"unique_id": name, "ds": times, "y": scale * values})
