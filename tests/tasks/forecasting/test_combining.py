"""recipe="combined": pretrained and trained networks averaged, by a share that the past decides."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

import ostinato
from ostinato import DataError, Forecaster
from ostinato.tasks.forecasting import combining
from ostinato.tasks.forecasting.combining import CombinedForecaster, learn_share
from ostinato.tasks.forecasting.trained import MakeNetwork
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot, ZeroShotForecaster

H = 4


def noisy_series(count: int, rows: int = 40) -> pd.DataFrame:
    """Series of noise around a level, which nobody can forecast but one who knows the future."""
    times = pd.date_range("2015-01-01", periods=rows, freq="MS")
    values = 100 + np.random.default_rng(0).normal(size=(count, rows))
    parts = [pd.DataFrame({"unique_id": f"s{row}", "ds": times, "y": y}) for row, y in enumerate(values)]
    return pd.concat(parts, ignore_index=True)


@dataclass
class Stub:
    """Stands for `MakeNetwork`: networks that forecast what really came, plus something."""

    frame: pd.DataFrame
    off: float
    h: int = H
    freq: str = "MS"
    pasts: list[pd.DataFrame] = field(default_factory=list)

    def season(self, past):
        return 1

    def train(self, past, *, progress=None):
        self.pasts.append(past)
        return self

    def predict(self, h):
        last = self.frame[self.frame.groupby("unique_id").cumcount(ascending=False) < h]
        return (
            last[["unique_id", "ds"]].reset_index(drop=True).assign(forecast=last["y"].to_numpy() + self.off)
        )


def test_networks_that_forecast_better_count_as_much_as_the_pretrained_ones():
    frame = noisy_series(20)
    assert learn_share(Stub(frame, off=0.0), frame) == 0.5


def test_networks_that_forecast_worse_do_not_count():
    frame = noisy_series(20)
    assert learn_share(Stub(frame, off=50.0), frame) == 0.0


def test_a_gain_within_one_standard_error_is_none():
    gain = np.tile([1.2, -1.0], 50)  # 0.1 on average, with a standard error of 0.11
    errors = 5.0 - np.array([0.0, 1.0, 1.0])[:, None] * gain
    assert combining._smallest(errors) == 0.0
    assert combining._smallest(np.tile(errors, 2)) == 0.25  # twice the series, and it is clear


def test_the_share_is_learned_from_forecasts_that_saw_nothing_of_what_followed():
    frame = noisy_series(20)
    stub = Stub(frame, off=0.0)
    learn_share(stub, frame)
    (past,) = stub.pasts
    expected = frame.groupby("unique_id", sort=False).head(40 - H).reset_index(drop=True)
    pd.testing.assert_frame_equal(past, expected)


def test_too_few_series_to_tell_train_nothing():
    frame = noisy_series(19)
    stub = Stub(frame, off=0.0)
    assert learn_share(stub, frame) == 0.0
    assert not stub.pasts


def test_a_training_that_is_not_possible_counts_nothing(monkeypatch):
    def refuse(*_args, **_words):
        raise DataError("too short")

    frame = noisy_series(20)
    monkeypatch.setattr(Stub, "train", refuse)
    assert learn_share(Stub(frame, off=0.0), frame) == 0.0


@pytest.fixture
def model(quick, several) -> CombinedForecaster:
    make = MakeNetwork(quick, "lstm", H, "MS", 12, 0)
    return CombinedForecaster(several, "MS", 12, make.train(several), 0.25)


def test_the_forecast_is_the_weighted_mean_of_both(model, several):
    known = MakeZeroShot("MS", 12).train(several).predict(H)["forecast"]
    own = model.trained.predict(H)["forecast"]
    np.testing.assert_allclose(model.predict(H)["forecast"], 0.75 * known + 0.25 * own, rtol=1e-12)


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


def test_one_series_is_forecast_as_by_the_pretrained_networks(quick, monthly):
    settings = {"h": 6, "season_length": 12, "random_state": 0}
    found = Forecaster(recipe="combined", **settings).fit(monthly)
    assert isinstance(found.model_, ZeroShotForecaster)
    expected = Forecaster(recipe="pretrained", **settings).fit(monthly).predict()
    pd.testing.assert_frame_equal(found.predict(), expected)


@pytest.fixture
def fitted(quick, several, monkeypatch) -> Forecaster:
    monkeypatch.setattr(combining, "learn_share", lambda *_args, **_words: 0.5)
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
    assert again.model_.share == 0.5
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


def test_progress_is_that_of_both_trainings(quick, several, monkeypatch):
    monkeypatch.setattr(combining, "LEAST_SERIES", 2)
    monkeypatch.setattr(combining, "SHARES", (0.5,))
    seen = []
    make = combining.MakeCombined(MakeNetwork(quick, "lstm", H, "MS", 12, 0))
    make.train(several, progress=lambda done, total: seen.append(done / total))
    assert seen == sorted(seen)
    assert 0 < seen[0] < 0.5
    assert seen[-1] > 0.5


def test_covariates_are_refused_in_a_sentence(monthly):
    with pytest.raises(ostinato.ConfigError, match=r"recipe 'combined' takes no covariates"):
        Forecaster(h=3, recipe="combined", calendar=["yearday"]).fit(monthly)


def test_a_copy_of_some_series_has_their_encodings(model):
    assert model.of([2, 0]).trained.encodings == [model.trained.encodings[row] for row in (2, 0)]


def test_average_columns_averages_forecasts_and_the_quantiles_that_both_have():
    cv = pd.DataFrame({"LSTM": [1.0, 3.0], "Pretrained": [3.0, 4.0], "LSTM-q-10": [0.0, 1.0]})
    averaged = combining.average_columns(cv, "LSTM", "Pretrained", "Combined")
    assert averaged["Combined"].tolist() == [2.0, 3.5]
    assert "Combined-q-10" not in averaged
    both = combining.average_columns(cv.assign(**{"Pretrained-q-10": [2.0, 2.0]}), "LSTM", "Pretrained", "C")
    assert both["C-q-10"].tolist() == [1.0, 1.5]


def test_networks_side_by_side_forecast_the_mean_of_both():
    frame = noisy_series(1)
    trained = Forecaster(h=H, freq="MS", season_length=1, random_state=0).fit(frame).model_
    pretrained = MakeZeroShot("MS", 1)(frame)
    expected = (trained.predict(H)["forecast"] + pretrained.predict(H)["forecast"]) / 2
    found = combining.side_by_side(trained).predict(H)["forecast"]
    np.testing.assert_allclose(found, expected)
