"""recipe="combined": pretrained and trained networks averaged, of which the trained ones move the others a little."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import ostinato
from ostinato import DataError, Forecaster
from ostinato.evaluate.scores import level_columns
from ostinato.tasks.forecasting import combining
from ostinato.tasks.forecasting.combining import CombinedForecaster
from ostinato.tasks.forecasting.trained import MakeNetwork
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot, ZeroShotForecaster

H = 4


@dataclass
class Fixed:
    """Stands for networks: the same forecast of every step, with quantiles that lie one apart where `levels`."""

    forecast: float
    levels: bool = True

    def columns(self, name: str) -> dict[str, float]:
        found = {column: self.forecast + place - 4 for place, column in enumerate(level_columns(name))}
        return {name: self.forecast, **(found if self.levels else {})}


def averaged(pretrained: float, trained: float, *, levels: bool = True) -> dict[str, float]:
    """The average of two forecasts; the 80 % interval of the pretrained one is 8 wide."""
    columns = Fixed(pretrained).columns("Pretrained") | Fixed(trained, levels).columns("LSTM")
    found = combining.average_columns(pd.DataFrame([columns]), "LSTM", "Pretrained", "C").iloc[0]
    return {name: found[name] for name in ("C", "C-q-10", "C-q-90")}


def test_forecasts_that_lie_near_each_other_are_averaged_by_halves():
    assert averaged(10.5, 11.3) == pytest.approx({"C": 10.9, "C-q-10": 6.9, "C-q-90": 14.9})


@pytest.mark.parametrize(("trained", "expected"), [(11.5, 11.0), (100.0, 11.0), (-100.0, 10.0)])
def test_a_forecast_that_lies_far_off_moves_the_other_by_no_more_than_half_the_reach(trained, expected):
    # the reach is a quarter of half the interval, 1
    found = averaged(10.5, trained)
    assert found == pytest.approx({"C": expected, "C-q-10": expected - 4, "C-q-90": expected + 4})


def test_networks_without_quantiles_move_those_of_the_others():
    assert averaged(10.5, 11.1, levels=False) == pytest.approx({"C": 10.8, "C-q-10": 6.8, "C-q-90": 14.8})


def test_an_unknown_forecast_leaves_the_other_as_it_is():
    assert averaged(10.5, np.nan)["C"] == 10.5
    assert np.isnan(averaged(np.nan, 10.5)["C"])


def test_forecasts_of_counts_stay_whole():
    assert averaged(10.0, 10.9)["C"] == 10.0
    assert averaged(10.0, 14.0)["C-q-90"] == 14.5  # quantiles are made whole when they are shown


def test_a_training_that_is_not_possible_counts_nothing(monkeypatch, monthly):
    def refuse(*_args, **_words):
        raise DataError("too short")

    monkeypatch.setattr(MakeNetwork, "train", refuse)
    found = Forecaster(h=6, season_length=12, recipe="combined").fit(monthly)
    assert isinstance(found.model_, ZeroShotForecaster)
    expected = Forecaster(h=6, season_length=12, recipe="pretrained").fit(monthly).predict()
    pd.testing.assert_frame_equal(found.predict(), expected)


@pytest.fixture
def model(quick, several) -> CombinedForecaster:
    make = MakeNetwork(quick, "lstm", H, "MS", 12, 0)
    return combining.side_by_side(make.train(several))


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
    np.testing.assert_allclose(moved, expected, rtol=0.05)  # seasons are not estimated anew by an update


def test_fine_tuning_trains_on_the_networks_of_the_series(fitted, several):
    tuned = fitted.finetune(several).model_
    assert isinstance(tuned, CombinedForecaster)
    assert all("error_after" in member.history for member in tuned.trained.members)


def test_progress_is_that_of_the_training(quick, several):
    seen = []
    make = combining.MakeCombined(MakeNetwork(quick, "lstm", H, "MS", 12, 0))
    make.train(several, progress=lambda done, total: seen.append(done / total))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_covariates_are_refused_in_a_sentence(monthly):
    with pytest.raises(ostinato.ConfigError, match=r"recipe 'combined' takes no covariates"):
        Forecaster(h=3, recipe="combined", calendar=["yearday"]).fit(monthly)


def test_a_copy_of_some_series_has_their_encodings(model):
    assert model.of([2, 0]).trained.encodings == [model.trained.encodings[row] for row in (2, 0)]
