"""The pretrained recipe: a Forecaster like any other, without training and without torch."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ostinato
from ostinato import DataError, Forecaster
from ostinato.tasks.forecasting.recipes import RECIPES
from ostinato.tasks.forecasting.trained import MakeNetwork
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot

QUICK = replace(RECIPES["default"], steps=(2, 2), members=1, hidden_size=4)


def test_it_forecasts_every_series_beside_the_baselines(several):
    forecaster = Forecaster(h=6, recipe="pretrained").fit(several)
    forecast = forecaster.predict(level=[80])
    assert len(forecast) == 18
    assert (forecast["forecast-lo-80"] <= forecast["forecast"]).all()
    assert set(forecaster.leaderboard()["model"]) == {"Pretrained", "Naive", "SeasonalNaive", "Drift"}


def test_it_knows_a_season_and_a_trend_it_was_never_trained_on(monthly):
    past, future = monthly.iloc[:-12], monthly.iloc[-12:]
    forecast = Forecaster(h=12, recipe="pretrained").fit(past).predict()["forecast"].to_numpy()
    error = np.abs(forecast - future["y"].to_numpy()).mean()
    last_year = np.abs(past["y"].to_numpy()[-12:] - future["y"].to_numpy()).mean()
    assert error < 0.7 * last_year


@pytest.mark.parametrize("name", ["model", "model.zip"])
def test_a_model_file_brings_its_own_weights(several, tmp_path, monkeypatch, name):
    fitted = Forecaster(h=6, recipe="pretrained").fit(several)
    expected = fitted.predict()
    fitted.save(tmp_path / name)
    monkeypatch.setattr(
        "ostinato.tasks.pretrained.network.load_members", lambda: pytest.fail("read the package")
    )
    found = ostinato.load(tmp_path / name).predict()
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)  # a file keeps times, not their unit


def test_two_rows_are_enough(monthly):
    forecast = (
        Forecaster(h=3, recipe="pretrained", freq="MS", season_length=12).fit(monthly.head(2)).predict()
    )
    assert np.isfinite(forecast["forecast"]).all()


@pytest.mark.parametrize("recipe", ["pretrained", "default"])
@pytest.mark.usefixtures("quick")
def test_a_series_that_begins_late_is_unknown_before(several, recipe):
    empty = (several["unique_id"] == "b") & (several["ds"] <= "2019-06-01")
    forecaster = Forecaster(h=4, recipe=recipe, random_state=0)
    cv = forecaster.cross_validation(several.assign(y=several["y"].mask(empty)), n_windows=3)
    first = cv["cutoff"] < "2019-06-01"
    assert cv.loc[first & (cv["unique_id"] == "b"), forecaster.name].isna().all()
    assert np.isfinite(cv.loc[cv["unique_id"] == "a", forecaster.name]).all()


@pytest.mark.parametrize("make", [MakeZeroShot("MS", 12), MakeNetwork(QUICK, "lstm", 3, "MS", 12, 0)])
def test_a_past_without_any_value_is_refused(monthly, make):
    with pytest.raises(
        DataError, match=r"series 'milk' has no value up to 2020-12-01.*; start the history later"
    ):
        make(monthly.assign(y=np.nan))


def test_changing_the_future_changes_no_forecast_made_before_it(several):
    forecaster = Forecaster(h=4, recipe="pretrained")
    before = forecaster.cross_validation(several, n_windows=2)
    cutoffs = before.groupby("unique_id")["cutoff"].min()
    later = several["ds"] > several["unique_id"].map(cutoffs)
    changed = several.assign(y=several["y"].where(~later, 1e6))
    after = forecaster.cross_validation(changed, n_windows=2)
    first = before["cutoff"] == before["unique_id"].map(cutoffs)
    assert before.loc[first, "Pretrained"].tolist() == after.loc[first, "Pretrained"].tolist()


def test_the_command_does_not_import_torch(milk_csv, tmp_path):
    words = ["forecast", str(milk_csv), "--recipe", "pretrained", "--no-report", "--out", str(tmp_path)]
    code = (
        f"import sys\nfrom ostinato.cli import main\ncode = main({words!r})\n"
        "print(code, 'torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["0", "False"]
