"""recipe="combined": the pretrained networks and a trained one averaged; it moves their forecast a little only."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ostinato
from ostinato import DataError, Forecaster
from ostinato.evaluate.scores import level_columns
from ostinato.tasks.forecasting import combining
from ostinato.tasks.forecasting.combining import CombinedForecaster
from ostinato.tasks.forecasting.recipes import Recipe, find_recipe
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot, ZeroShotForecaster
from ostinato.tasks.streaming.model import MakeStreaming

H = 4


def averaged(pretrained: float, trained: float) -> dict[str, float]:
    """The average of two forecasts; the quantiles of the pretrained one lie 1 apart, its 80 % interval is 8 wide."""
    levels = {column: pretrained + place - 4 for place, column in enumerate(level_columns("forecast"))}
    known = pd.DataFrame([{"unique_id": "a", "ds": 1, "forecast": pretrained, **levels}])
    found = combining.average(known, np.array([trained])).iloc[0]
    return {name: found[name] for name in ("forecast", "forecast-q-10", "forecast-q-90")}


def expected(forecast: float) -> dict[str, float]:
    return pytest.approx({"forecast": forecast, "forecast-q-10": forecast - 4, "forecast-q-90": forecast + 4})


def test_forecasts_that_lie_near_each_other_are_averaged_by_halves():
    assert averaged(10.5, 11.3) == expected(10.9)


@pytest.mark.parametrize(("trained", "middle"), [(11.5, 11.0), (100.0, 11.0), (-100.0, 10.0)])
def test_a_forecast_that_lies_far_off_moves_the_other_by_no_more_than_half_the_reach(trained, middle):
    assert averaged(10.5, trained) == expected(middle)  # the reach is a quarter of half the interval, 1


def test_an_unknown_forecast_leaves_the_other_as_it_is():
    assert averaged(10.5, np.nan) == expected(10.5)
    assert np.isnan(averaged(np.nan, 10.5)["forecast"])


def test_forecasts_of_counts_stay_whole():
    assert averaged(10.0, 10.9)["forecast"] == 10.0
    assert averaged(10.0, 14.0)["forecast-q-90"] == 14.5  # quantiles are made whole when they are shown


def test_a_training_that_is_not_possible_counts_nothing(monkeypatch, monthly):
    def refuse(*_args, **_words):
        raise DataError("too short")

    monkeypatch.setattr(MakeStreaming, "train", refuse)
    found = Forecaster(h=6, season_length=12, recipe="combined").fit(monthly)
    assert isinstance(found.model_, ZeroShotForecaster)
    expected = Forecaster(h=6, season_length=12, recipe="pretrained").fit(monthly).predict()
    pd.testing.assert_frame_equal(found.predict(), expected)


def maker(recipe) -> combining.MakeCombined:
    return combining.MakeCombined(MakeStreaming(recipe, "lstm", H, "MS", 12, 0))


@pytest.fixture
def model(brief, several) -> CombinedForecaster:
    return maker(brief).train(several)


@pytest.fixture
def brief() -> Recipe:
    return replace(find_recipe("streaming"), hidden_size=8, steps=(2, 4))


def test_the_forecast_is_the_mean_of_both_within_reach(model, several):
    known = MakeZeroShot("MS", 12).train(several).predict_levels(H)
    reach = 0.25 * (known["forecast-q-90"] - known["forecast-q-10"]) / 2
    low, high = known["forecast"] - reach, known["forecast"] + reach
    own = model.trained.predict(H)["forecast"].clip(low, high)
    np.testing.assert_allclose(model.predict(H)["forecast"], (known["forecast"] + own) / 2, rtol=1e-12)


def test_quantiles_do_not_cross_and_their_middle_is_the_forecast(model):
    found = model.predict_levels(H)
    levels = found[[f"forecast-q-{percent}" for percent in range(10, 100, 10)]].to_numpy()
    assert (np.diff(levels, axis=1) >= 0).all()
    np.testing.assert_allclose(levels[:, 4], found["forecast"], rtol=1e-9)
    np.testing.assert_allclose(found["forecast"], model.predict(H)["forecast"], rtol=1e-12)


def test_a_series_without_a_value_is_unknown_and_the_others_are_not(model, several):
    empty = several.assign(y=several["y"].mask(several["unique_id"] == "b"))
    found = model.with_history(empty).predict(H).set_index("unique_id")["forecast"]
    assert found.loc["b"].isna().all()
    assert np.isfinite(found.loc[["a", "c"]]).all()


@pytest.fixture
def fitted(several) -> Forecaster:
    return Forecaster(h=H, recipe="combined", season_length=12, random_state=0).fit(several)


def test_a_forecaster_of_the_recipe_comes_back_from_a_file(fitted, tmp_path, monkeypatch):
    assert isinstance(fitted.model_, CombinedForecaster)
    assert fitted.name == "Combined"
    expected = fitted.predict()
    fitted.save(tmp_path / "m")
    monkeypatch.setattr(
        "ostinato.tasks.pretrained.network.load_members", lambda: pytest.fail("read the package")
    )
    again = ostinato.load(tmp_path / "m")
    assert isinstance(again.model_, CombinedForecaster)
    pd.testing.assert_frame_equal(again.predict(), expected, check_dtype=False)


def test_it_has_intervals_and_goes_on_with_new_rows(fitted, several):
    found = fitted.predict(level=80)
    assert (found["forecast-lo-80"] <= found["forecast"]).all()
    ends = several.groupby("unique_id", sort=False).tail(1)
    news = ends.assign(ds=ends["ds"] + pd.DateOffset(months=1))
    longer = pd.concat([several, news]).sort_values(["unique_id", "ds"], ignore_index=True)
    expected = fitted.model_.with_history(longer).predict(H)["forecast"].to_numpy()
    moved = fitted.update(news).predict()["forecast"].to_numpy()
    np.testing.assert_allclose(moved, expected, rtol=1e-6)


def test_it_goes_on_with_rows_of_some_series_after_a_file(fitted, several, tmp_path):
    ends = several.groupby("unique_id", sort=False).tail(1)
    news = ends.assign(ds=ends["ds"] + pd.DateOffset(months=1)).head(1)
    fitted.update(news)
    fitted.save(tmp_path / "m")
    again = ostinato.load(tmp_path / "m")
    pd.testing.assert_frame_equal(again.predict(), fitted.predict(), check_dtype=False)
    later = news.assign(ds=news["ds"] + pd.DateOffset(months=1))
    pd.testing.assert_frame_equal(
        again.update(later).predict(), fitted.update(later).predict(), check_dtype=False
    )


def test_fine_tuning_trains_on_the_pretrained_networks_and_moves_the_other(fitted, several):
    longer = pd.concat([several, several.groupby("unique_id").tail(1).assign(ds=pd.Timestamp("2040-01-01"))])
    before = fitted.model_
    tuned = fitted.finetune(longer.sort_values(["unique_id", "ds"], ignore_index=True)).model_
    assert isinstance(tuned, CombinedForecaster)
    assert tuned.members is not None
    assert tuned.trained.weights is before.trained.weights
    assert len(tuned.trained.frame) == len(tuned.frame) > len(several)


def test_progress_is_that_of_the_training(brief, several):
    seen = []
    maker(brief).train(several, progress=lambda done, total: seen.append(done / total))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_covariates_are_refused_in_a_sentence(monthly):
    with pytest.raises(ostinato.ConfigError, match=r"recipe 'combined' takes no covariates"):
        Forecaster(h=3, recipe="combined", calendar=["yearday"]).fit(monthly)
