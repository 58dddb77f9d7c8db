"""A quick recipe for the tests of the command line."""

from dataclasses import replace

import pytest

from ostinato.tasks.forecasting.recipes import RECIPES


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both recipes with a few training steps."""
    default = replace(RECIPES["default"], steps=(2, 4), members=1, hidden_size=4)
    classic = replace(RECIPES["classic"], hidden_size=4, epochs=2)
    monkeypatch.setitem(RECIPES, "default", default)
    monkeypatch.setitem(RECIPES, "classic", classic)
