import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ostinato.errors import ConfigError, DataError
from ostinato.tasks.pretrained import forecaster as pretrained
from ostinato.tasks.pretrained import values as pretrained_values


def run(values, h=5, season_length=1, long_season=0):
    values = np.asarray(values, dtype=float)
    starts, ends = np.array([0]), np.array([len(values)])
    return pretrained_values.forecast_values(
        values, starts, ends, h, season_length=season_length, long_season=long_season
    )[0]


def frame_of(*series, freq="MS"):
    parts = []
    for number, values in enumerate(series):
        times = pd.date_range("2015-01-31", periods=len(values), freq=freq)
        parts.append(
            pd.DataFrame({"unique_id": f"s{number}", "ds": times, "y": np.asarray(values, dtype=float)})
        )
    return pd.concat(parts, ignore_index=True)


def seasonal(length=60, seed=0):
    time = np.arange(length)
    noise = np.random.default_rng(seed).standard_normal(length)
    return 100 + time / 2 + 10 * np.sin(2 * np.pi * time / 12) + noise


def monthly(frame, h=6, **keywords):
    return pretrained.forecast(frame, h, season_length=12, freq="MS", **keywords)


def test_the_frame_has_the_next_steps_of_every_series():
    found = monthly(frame_of(seasonal(40), seasonal(60)), 3)
    assert found.columns.tolist() == ["unique_id", "ds", "forecast"]
    assert found["unique_id"].tolist() == ["s0"] * 3 + ["s1"] * 3
    assert found["ds"].iloc[0] == pd.Timestamp("2018-06-01")
    assert found["ds"].iloc[3] == pd.Timestamp("2020-02-01")


def test_integer_times_go_on_by_their_step():
    frame = pd.DataFrame({"unique_id": "a", "ds": np.arange(0, 40, 2), "y": np.arange(20.0)})
    found = pretrained.forecast(frame, 2, season_length=1, freq=2)
    assert found["ds"].tolist() == [40, 42]


def test_intervals_hold_the_forecast_and_widen_with_the_level():
    found = monthly(frame_of(seasonal()), level=(50, 80, 95))
    for inner, outer in ((50, 80), (80, 95)):
        assert (found[f"forecast-lo-{outer}"] <= found[f"forecast-lo-{inner}"]).all()
        assert (found[f"forecast-hi-{inner}"] <= found[f"forecast-hi-{outer}"]).all()
    assert (found["forecast-lo-50"] <= found["forecast"]).all()
    assert (found["forecast"] <= found["forecast-hi-50"]).all()


def test_the_eighty_percent_interval_is_the_outer_quantiles():
    found = monthly(frame_of(seasonal()), level=(80,), quantiles=(0.1, 0.5))
    np.testing.assert_allclose(found["forecast-lo-80"], found["forecast-q-10"])
    np.testing.assert_allclose(found["forecast"], found["forecast-q-50"])


def test_many_series_at_once_give_what_each_gives_alone():
    series = [seasonal(length, seed) for seed, length in enumerate((14, 30, 60, 70, 150, 300, 700))]
    together = monthly(frame_of(*series), 4)["forecast"].to_numpy().reshape(-1, 4)
    alone = np.stack([run(values, 4, 12)[:, 4] for values in series])
    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test_the_forecaster_answers_predict_and_moves_to_another_past():
    past = frame_of(seasonal())
    made = pretrained.maker(12, "MS")(past)
    pd.testing.assert_frame_equal(made.predict(6), monthly(past))
    later = frame_of(seasonal(70))
    pd.testing.assert_frame_equal(made.with_history(later).predict(6), monthly(later))


def test_the_maker_can_be_pickled():
    make = pickle.loads(pickle.dumps(pretrained.maker(12, "MS")))
    assert len(make(frame_of(seasonal())).predict(2, level=(80,)).columns) == 5


def test_a_year_of_weeks_and_a_week_of_hours_are_looked_for_unasked():
    weekly = frame_of(seasonal(200), freq="W")
    usual = pretrained.forecast(weekly, 8, season_length=1, freq="W")
    told = pretrained.forecast(weekly, 8, season_length=1, freq="W", long_season=52)
    pd.testing.assert_frame_equal(usual, told)
    hourly = frame_of(seasonal(600), freq="h")
    usual = pretrained.forecast(hourly, 8, season_length=24, freq="h")
    told = pretrained.forecast(hourly, 8, season_length=24, freq="h", long_season=168)
    pd.testing.assert_frame_equal(usual, told)


def test_the_input_is_not_changed():
    past = frame_of(seasonal())
    before = past.copy()
    monthly(past)
    pd.testing.assert_frame_equal(past, before)


@pytest.mark.parametrize(("h", "season"), [(0, 12), (3, 0)])
def test_a_horizon_or_season_below_one_is_an_error(h, season):
    with pytest.raises(ConfigError, match=f"h is {h}, season_length {season} and long_season 0; use an h"):
        pretrained.forecast(frame_of(seasonal()), h, season_length=season, freq="MS")


def test_a_level_of_a_hundred_percent_is_an_error():
    with pytest.raises(ConfigError, match="level is 100; it must lie between 0 and 100 percent"):
        monthly(frame_of(seasonal()), level=(100,))


def test_a_quantile_of_one_is_an_error():
    with pytest.raises(ConfigError, match=r"quantile 1\.5 is not between 0 and 1; use one such as 0\.9"):
        monthly(frame_of(seasonal()), quantiles=(1.5,))


def test_a_series_without_values_is_an_error():
    with pytest.raises(DataError, match="series 's1' has no values; remove it or give at least one"):
        monthly(frame_of(seasonal(), [np.nan] * 5))


def test_an_infinite_value_is_an_error():
    with pytest.raises(
        DataError, match=r"series 's0' is inf at 2015-02-01 00:00:00, beyond 1e\+30; mend that"
    ):
        monthly(frame_of([np.inf, 1.0, 2.0]))


def test_an_empty_frame_is_an_error():
    with pytest.raises(DataError, match="the frame has no rows; give at least one series with one value"):
        monthly(frame_of(seasonal()).iloc[:0])


def test_rows_out_of_order_are_an_error():
    mixed = frame_of(seasonal(20), seasonal(20)).sort_values("ds", kind="stable")
    with pytest.raises(DataError, match="the rows of a series do not follow one another; sort the frame"):
        monthly(mixed)


@pytest.mark.slow
def test_torch_is_not_imported():
    code = "import sys; from ostinato.tasks.pretrained import forecaster, network; network.load_members()"
    check = f"{code}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)
