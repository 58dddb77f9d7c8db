"""The baselines against statsforecast, and on what it refuses: missing values and short series."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.errors import ConfigError, DataError, TrainingError
from ostinato.evaluate import baselines
from ostinato.evaluate.statistical import Statistical

NAN = float("nan")


def long(**series: list[float]) -> pd.DataFrame:
    return pd.concat(
        [pd.DataFrame({"unique_id": name, "ds": range(len(y)), "y": y}) for name, y in series.items()],
        ignore_index=True,
    ).astype({"y": float})


def walk(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, rows).cumsum() + 20


def ours(name: str, season_length: int) -> baselines.Make:
    return baselines.makers(season_length, 1, extra=False)[name]


THEIRS = {
    "Naive": lambda models, season: models.Naive(),
    "SeasonalNaive": lambda models, season: models.SeasonalNaive(season_length=season),
    "Drift": lambda models, season: models.RandomWalkWithDrift(),
}


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("h", [1, 5, 11])
def test_forecasts_and_intervals_agree_with_statsforecast(name, h, models):
    series = {"a": walk(30, 1), "b": walk(17, 2), "c": walk(50, 3)}
    found = ours(name, 4)(long(**series)).predict(h, level=[80, 95])
    for uid, values in series.items():
        expected = THEIRS[name](models, 4).forecast(y=values, h=h, level=[80, 95])
        mine = found[found["unique_id"] == uid]
        np.testing.assert_allclose(mine["forecast"], expected["mean"], rtol=1e-12)
        for level in (80, 95):
            np.testing.assert_allclose(mine[f"forecast-lo-{level}"], expected[f"lo-{level}"], rtol=1e-9)
            np.testing.assert_allclose(mine[f"forecast-hi-{level}"], expected[f"hi-{level}"], rtol=1e-9)


def test_table_has_the_next_steps_of_every_series():
    found = baselines.Naive("MS").fit(
        pd.DataFrame(
            {"unique_id": "a", "ds": pd.date_range("2020-01-01", periods=3, freq="MS"), "y": [1.0, 2, 3]}
        )
    )
    table = found.predict(2, level=[90])
    assert list(table.columns) == ["unique_id", "ds", "forecast", "forecast-lo-90", "forecast-hi-90"]
    assert list(table["ds"]) == [pd.Timestamp("2020-04-01"), pd.Timestamp("2020-05-01")]


def test_naive_repeats_the_last_real_value():
    found = baselines.Naive(1).fit(long(a=[1, 2, NAN, NAN], b=[NAN, 7, 3])).predict(2)
    assert found["forecast"].tolist() == [2, 2, 3, 3]


def test_seasonal_naive_repeats_the_last_real_value_of_each_place():
    found = baselines.SeasonalNaive(3, 1).fit(long(a=[1, 2, 3, 4, NAN, 6, NAN])).predict(4)
    # places of the 4 steps after row 6: rows 4, 5, 6 of the season before, of which 4 and 6 are missing
    assert found["forecast"].tolist() == [2, 6, 4, 2]


def test_seasonal_naive_of_an_unseen_place_is_the_last_real_value():
    found = baselines.SeasonalNaive(4, 1).fit(long(a=[5, 8])).predict(5)
    assert found["forecast"].tolist() == [8, 8, 5, 8, 8]


def test_drift_goes_on_from_the_last_real_value_in_its_own_time():
    found = baselines.Drift(1).fit(long(a=[NAN, 1, 2, 4, NAN])).predict(2)
    # slope (4 - 1) / 2 from row 3; the first step is row 5
    assert found["forecast"].tolist() == [4 + 1.5 * 2, 4 + 1.5 * 3]


def test_drift_of_one_value_is_level():
    assert baselines.Drift(1).fit(long(a=[3], b=[NAN, 4])).predict(2)["forecast"].tolist() == [3, 3, 4, 4]


@pytest.mark.parametrize("name", THEIRS)
def test_a_series_without_values_has_no_forecast_and_harms_no_other(name):
    found = ours(name, 2)(long(a=[NAN, NAN, NAN], b=[1, 2, 3]))
    forecast = found.predict(2, level=[80])["forecast"]
    assert forecast[:2].isna().all()
    assert forecast[2:].notna().all()


@pytest.mark.parametrize("name", THEIRS)
def test_with_history_is_the_baseline_of_that_history(name):
    make = ours(name, 3)
    moved = make(long(a=walk(20, 1))).with_history(long(a=walk(26, 1)))
    expected = make(long(a=walk(26, 1))).predict(4)
    pd.testing.assert_frame_equal(moved.predict(4), expected)


@pytest.mark.parametrize("name", THEIRS)
def test_thousands_of_series_give_what_each_gives_alone(name):
    random = np.random.default_rng(0)
    series = {f"s{i:04d}": random.normal(size=random.integers(1, 30)) for i in range(1500)}
    together = ours(name, 5)(long(**series)).predict(7)["forecast"].to_numpy().reshape(-1, 7)
    for index in (0, 3, 700, 1499):
        uid = f"s{index:04d}"
        alone = ours(name, 5)(long(**{uid: series[uid]})).predict(7)["forecast"]
        np.testing.assert_array_equal(together[index], alone)


@settings(max_examples=40)
@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(NAN)), min_size=1, max_size=20),
    st.integers(1, 8),
    st.integers(1, 10),
)
def test_any_series_with_a_real_value_has_finite_forecasts(values, season_length, h):
    for name in THEIRS:
        forecast = ours(name, season_length)(long(a=values)).predict(h)["forecast"]
        assert len(forecast) == h
        assert forecast.notna().all() == (not np.isnan(values).all())


@pytest.mark.usefixtures("models")
def test_makers_can_be_pickled():
    made = pickle.loads(pickle.dumps(baselines.makers(12, "MS", extra=True)))
    assert list(made) == ["Naive", "SeasonalNaive", "Drift", "AutoETS", "AutoARIMA", "AutoTheta"]


def test_makers_without_statsforecast_are_the_plain_three(monkeypatch):
    monkeypatch.setattr(baselines.importlib.util, "find_spec", lambda name: None)
    assert list(baselines.makers(12, "MS")) == ["Naive", "SeasonalNaive", "Drift"]
    with pytest.raises(
        ConfigError, match=r"AutoTheta need statsforecast; run: pip install 'ostinato\[baselines\]'"
    ):
        baselines.makers(12, "MS", extra=True)


def test_baselines_are_forecasters_that_can_be_moved():
    for name in THEIRS:
        assert isinstance(ours(name, 2)(long(a=[1, 2, 3])), baselines.MovableForecaster)


def test_importing_the_baselines_imports_neither_torch_nor_statsforecast():
    heavy = "{'torch', 'statsforecast', 'matplotlib'}"
    code = f"import sys, ostinato.evaluate.backtest; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", ["AutoETS", "AutoTheta"])
def test_statistical_models_give_statsforecasts_numbers(name, models):
    values = walk(48, 4) + 3 * np.sin(np.arange(48) * np.pi / 2)
    found = baselines.makers(4, 1, extra=True)[name](long(a=values)).predict(5, level=[80])
    expected = getattr(models, name)(season_length=4).forecast(y=values, h=5, level=[80])
    np.testing.assert_allclose(found["forecast"], expected["mean"], rtol=1e-9)
    np.testing.assert_allclose(found["forecast-lo-80"], expected["lo-80"], rtol=1e-9)


@pytest.mark.usefixtures("models")
def test_statistical_models_see_gaps_drawn_straight():
    values = walk(30, 5)
    gappy, straight = values.copy(), values.copy()
    gappy[10:12] = NAN
    straight[10:12] = np.interp([10, 11], [9, 12], values[[9, 12]])
    found = [Statistical("AutoETS", 1, 1).fit(long(a=part)).predict(3) for part in (gappy, straight)]
    pd.testing.assert_frame_equal(*found)


@pytest.mark.usefixtures("models")
def test_statistical_models_leave_short_constant_and_empty_series_to_naive_with_a_note():
    model = Statistical("AutoETS", 12, 1).fit(long(a=[1, 2, 5], b=[4] * 30, c=[NAN] * 9, d=walk(30, 1)))
    found = model.predict(2, level=[80])
    assert found["forecast"][:4].tolist() == [5, 5, 4, 4]
    assert found["forecast"][4:6].isna().all()
    assert found["forecast"][6:].notna().all()
    assert model.notes == ["AutoETS could not be fitted to a, b, c; their last value is repeated instead"]


def test_a_statistical_model_that_fails_is_replaced_by_naive(monkeypatch, models):
    def fail(self, y):
        raise Exception("no model able to be fitted")

    monkeypatch.setattr(models.AutoETS, "fit", fail)
    model = Statistical("AutoETS", 1, 1).fit(long(a=walk(20, 1)))
    assert model.predict(1)["forecast"].tolist() == [walk(20, 1)[-1]]
    assert "could not be fitted to a" in model.notes[0]


def test_a_moved_statistical_model_keeps_its_parameters(models):
    values = walk(40, 6)
    fitted = Statistical("AutoETS", 1, 1).fit(long(a=values[:30]))
    found = fitted.with_history(long(a=values)).predict(3)["forecast"]
    expected = models.AutoETS(season_length=1).fit(values[:30]).forward(y=values, h=3)["mean"]
    np.testing.assert_allclose(found, expected)


@pytest.mark.usefixtures("models")
def test_a_statistical_model_cannot_be_moved_to_other_series():
    fitted = Statistical("AutoETS", 1, 1).fit(long(a=walk(30, 1)))
    with pytest.raises(TrainingError, match="AutoETS was fitted to other series"):
        fitted.with_history(long(b=walk(30, 1)))


@pytest.mark.parametrize("name", [*THEIRS, "AutoETS"])
def test_horizon_below_one_is_refused(name):
    if name not in THEIRS:
        pytest.importorskip("statsforecast")
    make = baselines.makers(1, 1, extra=name not in THEIRS)[name]
    with pytest.raises(ConfigError, match="horizon is 0; it must be at least 1"):
        make(long(a=[1, 2, 3])).predict(0)


@pytest.mark.parametrize("level", [0, 100, 120])
def test_level_outside_0_and_100_is_refused(level):
    with pytest.raises(ConfigError, match=f"level is {level}; it must lie between 0 and 100 percent"):
        baselines.Naive(1).fit(long(a=[1, 2])).predict(1, level=[level])


def test_season_below_one_is_refused():
    with pytest.raises(ConfigError, match="season_length is 0; it must be at least 1"):
        baselines.SeasonalNaive(0, 1)


def test_frames_that_cannot_be_seen_as_blocks_are_refused():
    with pytest.raises(DataError, match="the frame has no rows"):
        baselines.Naive(1).fit(long(a=[1]).iloc[:0])
    with pytest.raises(
        DataError, match="the rows of series 'a' do not stand together; sort by unique_id, ds"
    ):
        baselines.Naive(1).fit(long(a=[1, 2], b=[3]).iloc[[0, 2, 1]])
