"""The streaming recipe at the end of a history."""

from dataclasses import replace

import numpy as np
import pytest

from ostinato import Forecaster
from ostinato.tasks.forecasting.recipes import RECIPES


@pytest.fixture
def fitted(monkeypatch, several):
    monkeypatch.setitem(RECIPES, "streaming", replace(RECIPES["streaming"], steps=(2, 4), hidden_size=8))
    return Forecaster(h=3, recipe="streaming", random_state=0).fit(several)


def test_every_series_is_forecast_and_judged(fitted):
    assert np.isfinite(fitted.predict(level=80).iloc[:, 2:].to_numpy()).all()
    assert "StreamingLSTM" in set(fitted.leaderboard()["model"])


def test_a_series_alone_is_forecast_as_among_the_others(fitted, several):
    alone = fitted.model_.with_history(several[several["unique_id"] == "b"].reset_index(drop=True))
    together = fitted.predict().query("unique_id == 'b'")["forecast"].to_numpy()
    assert alone.predict(3)["forecast"].to_numpy() == pytest.approx(together, rel=1e-5)


def test_a_new_series_gets_a_scale_of_its_own(fitted, monthly):
    new = monthly.assign(unique_id="new", y=1e6 * monthly["y"])
    forecast = fitted.model_.with_history(new).predict(3)["forecast"]
    assert forecast.between(0.5 * new["y"].min(), 2 * new["y"].max()).all()


def test_a_series_without_any_value_is_unknown(fitted, several):
    empty = several.assign(y=several["y"].where(several["unique_id"] != "c"))
    forecast = fitted.model_.with_history(empty).predict(3)
    assert forecast.query("unique_id == 'c'")["forecast"].isna().all()
    assert forecast.query("unique_id != 'c'")["forecast"].notna().all()
