"""Forecasters kept up to date: the same numbers as on the whole history, whatever way it came."""

import copy
import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ostinato
from ostinato import ConfigError, DataError, Forecaster, ModelFileError
from ostinato.tasks.forecasting.recipes import RECIPES
from ostinato.tasks.streaming.model import StreamingForecaster
from ostinato.tasks.streaming.stream import Stream
from ostinato.train.checkpoint import load_model, save_model

KINDS = ("streaming", "default", "pretrained", "classic")
FITTED = 48
QUICK = {
    "default": {"steps": (2, 4), "members": 2, "hidden_size": 8},
    "streaming": {"steps": (2, 4), "hidden_size": 8},
    "classic": {"epochs": 1, "hidden_size": 4},
}


def series(name, rows, seed=0, *, scale=1.0):
    months = np.arange(rows)
    noise = np.random.default_rng(seed).normal(size=rows)
    values = 100 + 0.5 * months + 20 * np.sin(2 * np.pi * months / 12) + noise
    times = pd.date_range("2015-01-01", periods=rows, freq="MS")
    return pd.DataFrame({"unique_id": name, "ds": times, "y": scale * values})


def panel(rows=90):
    """Two series; the second begins ten steps later."""
    return pd.concat([series("a", rows), series("b", rows, 1, scale=50).iloc[10:]], ignore_index=True)


START = pd.Timestamp("2015-01-01")


def past(frame, steps):
    """The rows up to so many steps after the beginning."""
    return frame[frame["ds"] < START + pd.DateOffset(months=steps)]


def after(frame, steps, until=None):
    """The rows after so many steps, up to others."""
    rest = frame[frame["ds"] >= START + pd.DateOffset(months=steps)]
    return rest if until is None else past(rest, until)


@pytest.fixture(scope="module")
def fitted():
    """A forecaster of each recipe, fitted on the first four years of both series."""
    with pytest.MonkeyPatch.context() as patch:
        for name, changes in QUICK.items():
            patch.setitem(RECIPES, name, replace(RECIPES[name], **changes))
        return {
            kind: Forecaster(h=4, recipe=kind, season_length=12, random_state=0).fit(past(panel(), FITTED))
            for kind in KINDS
        }


def values(forecaster, **options):
    return forecaster.predict(**options)["forecast"].to_numpy()


def on_whole_history(forecaster, frame):
    """The forecast of what was fitted, at the end of a longer history that is read from its beginning."""
    model = forecaster.model_
    whole = frame.sort_values(["unique_id", "ds"]).reset_index(drop=True)
    moved = (
        model.with_history(whole) if isinstance(model, StreamingForecaster) else replace(model, frame=whole)
    )
    return moved.predict(forecaster.h)["forecast"].to_numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_an_update_gives_the_forecast_of_the_whole_history(fitted, kind):
    forecaster = copy.deepcopy(fitted[kind])
    forecaster.update(after(panel(), FITTED))
    assert values(forecaster) == pytest.approx(on_whole_history(forecaster, panel()), rel=1e-5)
    assert forecaster.predict()["ds"].min() == panel()["ds"].max() + pd.DateOffset(months=1)


@pytest.mark.parametrize("kind", ["streaming", "default"])
@settings(max_examples=6)
@given(
    cuts=st.lists(st.integers(FITTED, 90), max_size=5).map(sorted),
    gaps=st.sets(st.integers(FITTED, 88), max_size=4),
)
def test_any_split_of_the_rows_gives_the_same_state_and_forecast(fitted, kind, cuts, gaps):
    frame = panel()
    step = (
        frame.groupby("unique_id")["ds"].rank().astype(int) - 1 + np.where(frame["unique_id"] == "b", 10, 0)
    )
    frame = frame[~((frame["unique_id"] == "a") & step.isin(gaps))]  # some rows of one series are never given
    whole, parts = copy.deepcopy(fitted[kind]), copy.deepcopy(fitted[kind])
    whole.update(after(frame, FITTED))
    times = [START + pd.DateOffset(months=cut) for cut in [FITTED, *cuts, 90]]
    for begin, end in pairwise(times):
        part = frame[(frame["ds"] >= begin) & (frame["ds"] < end)]
        if len(part):
            parts.update(part)
    # one row or two in a product of matrices: the sums are rounded differently
    assert values(whole) == pytest.approx(values(parts), rel=1e-5)
    for name, array in whole.stream_.tracker.arrays.items():
        assert parts.stream_.tracker.arrays[name] == pytest.approx(array, rel=1e-4, abs=1e-4, nan_ok=True), (
            name
        )
    assert np.array_equal(whole.stream_.last, parts.stream_.last)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_in_a_file_goes_on_where_it_was(fitted, kind, tmp_path):
    forecaster = copy.deepcopy(fitted[kind])
    with pytest.MonkeyPatch.context() as patch:
        for name, changes in QUICK.items():
            patch.setitem(RECIPES, name, replace(RECIPES[name], **changes))
        forecaster.update(after(panel(), FITTED, 60))
        forecaster.save(tmp_path / "model.zip")
        again = ostinato.load(tmp_path / "model.zip")
    assert values(again) == pytest.approx(values(forecaster), rel=1e-6)
    for each in (forecaster, again):
        each.update(after(panel(), 60))
    assert values(again) == pytest.approx(values(forecaster), rel=1e-6)
    assert again.updated_.coverage == pytest.approx(forecaster.updated_.coverage, nan_ok=True)


@pytest.mark.parametrize("kind", ["streaming", "default"])
def test_what_is_kept_does_not_grow_with_the_rows(fitted, kind):
    forecaster = copy.deepcopy(fitted[kind])
    long = pd.concat([series("a", 400), series("b", 400, 1, scale=50).iloc[10:]], ignore_index=True)
    sizes = []
    for begin, end in ((FITTED, 60), (60, 400)):
        forecaster.update(after(long, begin, end))
        engine = forecaster.stream_.engine
        kept = [engine.values] if kind == "default" else [*engine.running.arrays.values(), *engine.state]
        sizes.append(sum(array.nbytes for array in [*kept, *forecaster.stream_.tracker.arrays.values()]))
    assert sizes[0] == sizes[1]
    assert values(forecaster) == pytest.approx(on_whole_history(forecaster, long), rel=1e-5)


def test_one_series_may_get_ahead_of_the_other(fitted):
    frame = panel()
    later = after(frame, FITTED)
    apart, together = copy.deepcopy(fitted["streaming"]), copy.deepcopy(fitted["streaming"])
    apart.update(later[later["unique_id"] == "a"])
    assert apart.predict().groupby("unique_id")["ds"].min()["b"] == pd.Timestamp("2019-01-01")
    apart.update(later[later["unique_id"] == "b"])
    together.update(later)
    assert values(apart) == pytest.approx(values(together), rel=1e-5)


def test_what_the_update_brought_is_told(fitted):
    forecaster = copy.deepcopy(fitted["streaming"])
    rows = after(panel(), FITTED, 60)
    forecaster.update(rows.drop(rows.index[[2, 3]]))
    news = forecaster.updated_
    assert (news.rows, news.missing) == (len(rows) - 2, 2)
    assert news.until == rows["ds"].max()
    assert list(news.coverage) == [80.0, 95.0]


def test_intervals_come_from_the_errors_on_the_way(fitted):
    forecaster = copy.deepcopy(fitted["streaming"])
    forecaster.update(after(panel(), FITTED))
    assert forecaster.backtest_ is None
    forecast = forecaster.predict(level=[80, 95], quantiles=[0.5, 0.9])
    assert forecaster.backtest_ is None  # no backtest was needed
    names = ["forecast-lo-95", "forecast-lo-80", "forecast", "forecast-hi-80", "forecast-hi-95"]
    assert (np.diff(forecast[names].to_numpy(), axis=1) > 0).all()
    assert np.array_equal(forecast["forecast-q-50"], forecast["forecast"])
    assert np.array_equal(forecast["forecast-q-90"], forecast["forecast-hi-80"])


def test_intervals_begin_with_those_of_a_backtest(fitted):
    forecaster = copy.deepcopy(fitted["streaming"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "streaming", replace(RECIPES["streaming"], **QUICK["streaming"]))
        before = forecaster.predict(level=95)
    forecaster.update(after(panel(), FITTED, FITTED + 1))
    now = forecaster.predict(level=95)
    widths = [frame["forecast-hi-95"] - frame["forecast-lo-95"] for frame in (before, now)]
    assert (widths[1] / widths[0]).between(0.5, 2).all()


def test_errors_that_grow_raise_an_alarm(fitted):
    forecaster = copy.deepcopy(fitted["streaming"])
    long = pd.concat([series("a", 250), series("b", 250, 1, scale=50).iloc[10:]], ignore_index=True)
    calm = after(long, FITTED, 180)
    forecaster.update(calm)
    assert forecaster.updated_.alarms == ()
    wild = after(long, 180).copy()
    at = wild["unique_id"] == "b"
    wild.loc[at, "y"] += 3000 * np.random.default_rng(0).normal(size=at.sum())
    forecaster.update(wild)
    assert {name for name, _ in forecaster.updated_.alarms} == {"b"}
    assert all(time > calm["ds"].max() for _, time in forecaster.updated_.alarms)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            lambda f: after(f, FITTED - 1),
            r"the row of series 'a' at 2018-12-01 is not after its last row, 2018-12-01; ",
        ),
        (lambda f: past(f, 1), "is not after its last row, 2018-12-01; give later rows only, each once"),
        (
            lambda f: after(f, FITTED, FITTED + 1).iloc[:1].assign(unique_id="z"),
            "series 'z' is not one of the model's 2 series; fit again to add it",
        ),
        (lambda f: pd.concat([after(f, FITTED, FITTED + 1)] * 2), "series 'a' has 2019-01-01 twice"),
        (
            lambda f: f.iloc[:2].assign(ds=pd.to_datetime(["2019-02-03", "2019-02-20"])),
            "the row of series 'a' at 2019-02-20 is of the same step of 'MS' as the one before; keep one of them",
        ),
        (
            lambda f: f.iloc[:1].assign(ds=pd.Timestamp("2260-01-01")),
            "series 'a' goes on at 2260-01-01, 2,893 steps after its last row; check that time, or fit again",
        ),
        (lambda f: after(f, FITTED).assign(y=np.inf), "infinite"),
        (
            lambda f: pd.DataFrame({"unique_id": "a", "ds": [50, 51], "y": 1.0}),
            "the times of the new rows are whole numbers but those of the model are dates; use the same",
        ),
    ],
)
def test_rows_that_do_not_go_on_are_refused_and_none_is_taken(fitted, rows, message):
    forecaster = copy.deepcopy(fitted["streaming"])
    before = values(forecaster)
    with pytest.raises(DataError, match=message):
        forecaster.update(rows(panel()))
    assert np.array_equal(values(forecaster), before)


def test_an_update_before_fit_says_so():
    with pytest.raises(ConfigError, match="not fitted yet; call fit first"):
        Forecaster().update(panel())


def test_a_single_series_may_come_under_another_name(quick, monthly):
    forecaster = Forecaster(h=2, random_state=0).fit(monthly.head(60))
    rows = monthly.iloc[60:][["ds", "y"]].rename(columns={"ds": "Month", "y": "Litres"})
    forecaster.update(rows)
    assert forecaster.predict()["unique_id"].unique().tolist() == ["milk"]


def test_polars_and_wide_frames_are_taken(fitted):
    forecaster, other = copy.deepcopy(fitted["streaming"]), copy.deepcopy(fitted["streaming"])
    rows = after(panel(), FITTED)
    forecaster.update(pl.from_pandas(rows))
    wide = rows.pivot(index="ds", columns="unique_id", values="y").reset_index()
    other.update(wide, target_col=["a", "b"])
    assert np.array_equal(values(forecaster), values(other))


def test_a_cell_that_is_not_carried_is_refused(monthly):
    message = "cell is 'slstm', whose state the streaming recipe cannot carry; use one of: lstm, gru, rnn"
    with pytest.raises(ConfigError, match=message):
        Forecaster(h=2, recipe="streaming", cell="slstm").fit(monthly)


def test_a_horizon_that_the_history_is_too_short_for_is_refused(monthly):
    with pytest.raises(
        DataError, match="horizon is 12 but the longest series has 10 rows and the streaming recipe needs 17"
    ):
        Forecaster(h=12, recipe="streaming", season_length=1).fit(monthly.head(10))


def test_a_constant_series_has_nothing_to_learn_from(monthly):
    with pytest.raises(
        DataError, match="no series has 8 rows with values that change, which a horizon of 3 needs"
    ):
        Forecaster(h=3, recipe="streaming").fit(monthly.assign(y=5.0))


def test_forecasters_with_covariates_are_not_updated(quick, monthly):
    frame = monthly.assign(price=np.arange(len(monthly)) % 5 * 1.0)
    forecaster = Forecaster(h=2, hist_exog_list=["price"], random_state=0).fit(frame.head(60))
    with pytest.raises(
        ConfigError, match=r"fitted with covariates \(price\) and cannot be updated; fit it again"
    ):
        forecaster.update(monthly.iloc[60:])


def test_a_longer_horizon_than_trained_begins_with_the_trained_one(fitted):
    forecaster = copy.deepcopy(fitted["streaming"])
    forecaster.update(after(panel(), FITTED))
    longer = forecaster.predict(h=11).groupby("unique_id").head(4)["forecast"]
    assert np.array_equal(longer, values(forecaster))
    assert np.isfinite(values(forecaster, h=11)).all()
    assert np.array_equal(values(forecaster), values(forecaster))  # looking further ahead moved nothing


@pytest.mark.parametrize("lost", ["stream.last", "stream.running.level", "stream.errors.scores"])
def test_a_damaged_stream_in_a_file_is_refused(fitted, lost, tmp_path):
    forecaster = copy.deepcopy(fitted["streaming"])
    forecaster.update(after(panel(), FITTED))
    forecaster.save(tmp_path / "model")
    file = load_model(tmp_path / "model")
    weights = {name: array for name, array in file.weights.items() if name != lost}
    save_model(tmp_path / "model", config=file.config, weights=weights, history=file.history)
    with pytest.raises(ModelFileError, match=r"does not fit together|lack"):
        ostinato.load(tmp_path / "model")


def test_a_saved_streaming_forecaster_forecasts_and_updates_without_torch(fitted, tmp_path):
    fitted["streaming"].save(tmp_path / "model.zip")
    after(panel(), FITTED).to_csv(tmp_path / "new.csv", index=False)
    code = (
        "import sys, json, pandas, ostinato; from pathlib import Path; folder = Path(sys.argv[1]); "
        "model = ostinato.load(folder / 'model.zip'); model.predict(); "
        "model.update(pandas.read_csv(folder / 'new.csv')); "
        "print(json.dumps([model.predict()['forecast'].tolist(), 'torch' in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    )
    forecast, torch_is_loaded = json.loads(done.stdout)
    assert not torch_is_loaded
    expected = copy.deepcopy(fitted["streaming"])
    expected.update(after(panel(), FITTED))
    assert forecast == pytest.approx(values(expected), rel=1e-5)


def test_integer_times_go_on_too(monthly):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "streaming", replace(RECIPES["streaming"], **QUICK["streaming"]))
        frame = monthly.assign(ds=np.arange(len(monthly)) * 5)
        forecaster = Forecaster(h=2, recipe="streaming", freq=5, random_state=0).fit(frame.head(60))
    with pytest.raises(
        DataError, match="the row of series 'milk' at 303 is off the grid of 5; correct its time"
    ):
        forecaster.update(frame.iloc[60:].assign(ds=lambda rows: rows["ds"] + 3))
    forecaster.update(frame.iloc[60:])
    assert forecaster.predict()["ds"].tolist() == [360, 365]
    assert forecaster.updated_.until == 355


def test_a_stream_steps_on_arrays(fitted):
    forecaster = copy.deepcopy(fitted["streaming"])
    stream = Stream.begin(forecaster.model_, 4, None)
    rows = after(panel(), FITTED)
    for _, step in rows.groupby("ds", sort=True):
        stream.step(step["y"].to_numpy())
    forecaster.update(rows)
    assert np.array_equal(stream.engine.ahead(4), forecaster.stream_.engine.ahead(4))
