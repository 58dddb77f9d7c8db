"""Forecaster: frames in and out, honesty, scikit-learn's contract, saving."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

import ostinato
from ostinato import ConfigError, DataError, Forecaster, ModelFileError, audit_leakage
from ostinato.evaluate.scores import level_columns
from ostinato.tasks.forecasting.judging import origins_for_intervals
from ostinato.train.checkpoint import load_model, save_model

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def fitted(quick, several):
    return Forecaster(h=6, random_state=0).fit(several)


def test_predict_gives_the_next_steps_of_every_series(fitted, several):
    forecast = fitted.predict()
    assert list(forecast.columns) == ["unique_id", "ds", "forecast"]
    last = several.groupby("unique_id")["ds"].max()
    for name, rows in forecast.groupby("unique_id"):
        assert rows["ds"].tolist() == list(pd.date_range(last[name], periods=7, freq="MS")[1:])
    assert np.isfinite(forecast["forecast"]).all()


def test_freq_and_season_are_found(fitted):
    assert (fitted.freq_, fitted.season_length_) == ("MS", 12)


@pytest.mark.parametrize("h", [1, 6, 17])
def test_any_horizon_can_be_asked_for(fitted, h):
    assert len(fitted.predict(h=h)) == 3 * h


def test_a_longer_horizon_begins_with_the_shorter_one(fitted):
    longer = fitted.predict(h=9).groupby("unique_id").head(6)["forecast"]
    assert longer.to_numpy() == pytest.approx(fitted.predict(h=6)["forecast"].to_numpy())


def test_levels_give_nested_intervals(fitted):
    forecast = fitted.predict(level=[80, 95])
    names = ["forecast-lo-95", "forecast-lo-80", "forecast", "forecast-hi-80", "forecast-hi-95"]
    assert (np.diff(forecast[names].to_numpy(), axis=1) >= 0).all()


@pytest.mark.parametrize("level", [0, 100, -5, 180])
def test_a_level_outside_0_and_100_is_refused(fitted, level):
    with pytest.raises(ConfigError, match=f"level is {level}; use percentages between 0 and 100"):
        fitted.predict(level=[level])


def test_quantiles_rise_and_agree_with_the_levels(fitted):
    wanted = np.linspace(0.05, 0.95, 19)
    forecast = fitted.predict(level=80, quantiles=wanted)
    names = [f"forecast-q-{100 * quantile:g}" for quantile in wanted]
    assert (np.diff(forecast[names].to_numpy(), axis=1) >= 0).all()
    assert forecast["forecast-q-10"].equals(forecast["forecast-lo-80"].rename("forecast-q-10"))
    assert forecast["forecast-q-90"].equals(forecast["forecast-hi-80"].rename("forecast-q-90"))
    assert forecast["forecast-q-50"].tolist() == forecast["forecast"].tolist()


@pytest.mark.parametrize("quantile", [0, 1.0, -0.1, 90])
def test_a_quantile_outside_0_and_1_is_refused(fitted, quantile):
    with pytest.raises(
        ConfigError, match=f"quantile is {quantile:g}; use numbers between 0 and 1, such as 0.9"
    ):
        fitted.predict(quantiles=[quantile])


def test_counts_have_whole_quantiles_that_are_not_negative(monthly):
    counts = monthly.assign(y=np.random.default_rng(0).poisson(1.0, len(monthly)))
    fitted = Forecaster(h=4, random_state=0).fit(counts)
    forecast = fitted.predict(quantiles=[0.05, 0.5, 0.95]).filter(like="-q-")
    assert (forecast == np.rint(forecast)).all(axis=None)
    assert (forecast >= 0).all(axis=None)
    paths = fitted.sample_paths(20)["forecast"]
    assert paths.equals(paths.round().clip(lower=0))


def test_sample_paths_are_rows_by_series_sample_and_time(fitted):
    paths = fitted.sample_paths(5, h=4, seed=1)
    assert list(paths.columns) == ["unique_id", "sample", "ds", "forecast"]
    assert paths.groupby(["unique_id", "sample"]).size().tolist() == [4] * 15
    assert paths["sample"].head(8).tolist() == [0] * 4 + [1] * 4
    forecast = fitted.predict(h=4)
    assert paths[paths["sample"] == 3]["ds"].tolist() == forecast["ds"].tolist()
    assert paths.equals(fitted.sample_paths(5, h=4, seed=1))
    assert not paths.equals(fitted.sample_paths(5, h=4, seed=2))


def test_the_middle_of_many_paths_is_the_forecast_in_every_unit(fitted):
    paths = fitted.sample_paths(2000)
    middle = paths.groupby(["unique_id", "ds"], sort=False)["forecast"].median().to_numpy()
    forecast = fitted.predict(level=50)
    width = (forecast["forecast-hi-50"] - forecast["forecast-lo-50"]).to_numpy()
    assert (np.abs(middle - forecast["forecast"]) < 0.15 * width).all()


def test_fewer_than_one_path_is_refused(fitted):
    with pytest.raises(ConfigError, match="n is 0; draw at least 1 path"):
        fitted.sample_paths(0)


def test_one_level_needs_no_list(fitted):
    assert fitted.predict(level=80).equals(fitted.predict(level=[80]))


def test_a_level_that_is_no_number_is_refused(fitted):
    with pytest.raises(ConfigError, match="level is 80 %; use percentages between 0 and 100"):
        fitted.predict(level="80 %")


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1"])
def test_a_seed_that_no_generator_takes_is_refused(monthly, seed):
    with pytest.raises(ConfigError, match=r"the seed is .*; use a whole number from 0 to 4294967295"):
        Forecaster(h=2, random_state=seed).fit(monthly)


def test_a_season_of_no_steps_is_refused(monthly):
    with pytest.raises(
        ConfigError, match="season_length is 0; use 1 for no season, or the steps in a season"
    ):
        Forecaster(h=2, season_length=0).fit(monthly)


@pytest.mark.parametrize("h", [0, -1, 2.5, "12", True])
def test_a_horizon_that_is_no_count_of_steps_is_refused(monthly, h):
    with pytest.raises(ConfigError, match=r"horizon h is .*use a whole number of steps, at least 1"):
        Forecaster(h=h).fit(monthly)


def test_predict_before_fit_says_so():
    with pytest.raises(ConfigError, match="not fitted yet; call fit first"):
        Forecaster().predict()


@pytest.mark.parametrize(("name", "value"), [("cell", "lstmm"), ("recipe", "magic")])
def test_an_unknown_name_lists_the_known_ones(monthly, name, value):
    with pytest.raises(ConfigError, match=f"{name} is '{value}', which is not known; use one of:"):
        Forecaster(**{name: value}).fit(monthly)


def test_a_short_series_says_which_horizon_would_work(monthly):
    with pytest.raises(
        DataError, match="has 12 rows and the default recipe needs 17; use a horizon of at most 7"
    ):
        Forecaster(h=12, season_length=1).fit(monthly.head(12))
    Forecaster(h=7, season_length=1).fit(monthly.head(12))


def test_polars_comes_back_as_polars_with_the_same_numbers(several):
    pandas = Forecaster(h=3, random_state=0).fit(several).predict(level=[80])
    polars = Forecaster(h=3, random_state=0).fit(pl.from_pandas(several)).predict(level=[80])
    assert isinstance(polars, pl.DataFrame)
    assert polars["forecast-lo-80"].to_list() == pandas["forecast-lo-80"].tolist()


def test_a_wide_frame_and_a_single_series_are_understood(several):
    wide = several.pivot(index="ds", columns="unique_id", values="y").reset_index()
    wide = wide.dropna().reset_index(drop=True)
    forecast = Forecaster(h=2).fit(wide, target_col=["a", "b", "c"]).predict()
    assert forecast["unique_id"].unique().tolist() == ["a", "b", "c"]
    single = several[several["unique_id"] == "a"][["ds", "y"]].rename(columns={"ds": "Month", "y": "Milk"})
    assert len(Forecaster(h=2).fit(single).predict()) == 2


def test_integer_times_are_understood(monthly):
    frame = monthly.assign(ds=np.arange(len(monthly)))
    forecast = Forecaster(h=3, freq=1, season_length=12).fit(frame).predict()
    assert forecast["ds"].tolist() == [72, 73, 74]


def test_missing_values_are_handled(monthly):
    frame = monthly.copy()
    frame.loc[[5, 30, 70, 71], "y"] = np.nan
    assert np.isfinite(Forecaster(h=3).fit(frame).predict()["forecast"]).all()


def test_a_constant_series_is_forecast_by_its_value(several):
    flat = several[several["unique_id"] == "a"].assign(unique_id="flat", y=7.0)
    forecast = Forecaster(h=3, random_state=0).fit(pd.concat([several, flat])).predict()
    assert forecast.query("unique_id == 'flat'")["forecast"].tolist() == [7.0] * 3


def test_only_constant_series_are_forecast_by_their_values(monthly):
    assert Forecaster(h=3).fit(monthly.assign(y=7.0)).predict()["forecast"].tolist() == [7.0] * 3


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_cell_trains(monthly, cell):
    cv = Forecaster(h=3, cell=cell, random_state=0).cross_validation(monthly, n_windows=2)
    assert list(cv.columns) == [
        "unique_id",
        "ds",
        "cutoff",
        "y",
        cell.upper(),
        "Naive",
        "SeasonalNaive",
        "Drift",
    ]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(several):
    first, again, other = (
        Forecaster(h=4, random_state=seed).fit(several).predict()["forecast"].tolist() for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_the_level_of_a_series_does_not_matter(monthly):
    low = Forecaster(h=4, random_state=0).fit(monthly).predict()["forecast"]
    high = Forecaster(h=4, random_state=0).fit(monthly.assign(y=8 * monthly["y"])).predict()["forecast"]
    assert high.to_numpy() == pytest.approx(8 * low.to_numpy(), rel=1e-4)


def test_changing_the_future_changes_no_forecast_made_before_it(several):
    settings = {"n_windows": 3, "step_size": 4}
    before = Forecaster(h=4, random_state=0).cross_validation(several, **settings)
    cutoffs = before.groupby("unique_id")["cutoff"].min()
    changed = several.copy()
    later = changed["ds"] > changed["unique_id"].map(cutoffs)
    changed.loc[later, "y"] = changed.loc[later, "y"] ** 2 + 1e6
    after = Forecaster(h=4, random_state=0).cross_validation(changed, **settings)
    first = before["cutoff"] == before["unique_id"].map(cutoffs)
    models = ["LSTM", "Naive", "SeasonalNaive", "Drift"]
    pd.testing.assert_frame_equal(before.loc[first, models], after.loc[first, models])
    assert not np.allclose(before.loc[~first, "LSTM"], after.loc[~first, "LSTM"])


def test_the_audit_finds_no_leak(monthly):
    audit = audit_leakage(Forecaster(h=3), monthly)
    assert audit.ways == ("cross_validation", "fit on everything, then on the past, and predict")
    assert audit.clean, audit.text


def test_the_audit_finds_a_scale_of_everything(monthly, monkeypatch):
    from ostinato.evaluate import workers

    real = workers._past

    def scaled(view, offset):
        past = real(view, offset)
        return past.assign(y=past["y"] + np.nanmax(view.values))

    monkeypatch.setattr(workers, "_past", scaled)
    assert not audit_leakage(Forecaster(h=3), monthly).clean


def test_cross_validation_without_refit_trains_once(several, monkeypatch):
    from ostinato.tasks.forecasting import trained

    calls = []
    real = trained.fit_members
    monkeypatch.setattr(trained, "fit_members", lambda *a, **k: calls.append(1) or real(*a, **k))
    Forecaster(h=3, random_state=0).cross_validation(several, n_windows=3, refit=False)
    assert len(calls) == 1


def test_utilsforecast_evaluates_our_cross_validation_untouched(several, losses):
    from utilsforecast.evaluation import evaluate

    forecaster = Forecaster(h=3, random_state=0)
    cv = forecaster.cross_validation(several, n_windows=2)
    theirs = evaluate(cv.drop(columns="cutoff"), metrics=[losses.mae, losses.rmse]).query("metric == 'mae'")
    ours = forecaster.leaderboard().set_index("model")
    assert ours.loc["LSTM", "mae"] == pytest.approx(theirs["LSTM"].mean())


@pytest.mark.filterwarnings("ignore")
def test_utilsforecast_plots_our_forecast_untouched(fitted, several):
    import matplotlib

    matplotlib.use("Agg")
    plotting = pytest.importorskip("utilsforecast.plotting")
    figure = plotting.plot_series(several, fitted.predict(level=[80]), level=[80])
    assert figure.axes


def test_leaderboard_runs_a_backtest_if_there_was_none(fitted):
    assert set(fitted.leaderboard()["model"]) == {"LSTM", "Naive", "SeasonalNaive", "Drift"}


def test_scikit_learn_can_clone_it():
    forecaster = Forecaster(h=3, freq="MS", cell="gru", random_state=5)
    copy = clone(forecaster)
    assert copy is not forecaster
    assert copy.get_params() == forecaster.get_params()
    assert clone(copy.set_params(h=9)).h == 9


def test_an_unknown_parameter_is_refused():
    with pytest.raises(ConfigError, match="has no parameter 'horizon'; it has: h, freq"):
        Forecaster().set_params(horizon=3)


def test_repr_shows_what_differs_from_the_defaults():
    assert repr(Forecaster(h=3, cell="gru")) == "Forecaster(h=3, cell='gru')"


@pytest.mark.parametrize("name", ["model", "model.zip"])
def test_a_saved_forecaster_gives_the_same_forecast(fitted, tmp_path, name):
    expected = fitted.predict(level=[80])
    fitted.save(tmp_path / name)
    again = ostinato.load(tmp_path / name)
    found = again.predict(level=[80])
    assert again.errors_ == fitted.errors_
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)  # a file keeps times, not their unit
    assert again.get_params() == fitted.get_params()


def test_integer_ids_and_times_survive_a_model_file(monthly, tmp_path):
    frame = monthly.assign(ds=np.arange(72), unique_id=3)
    fitted = Forecaster(h=2, freq=1, season_length=12, random_state=0).fit(frame)
    fitted.save(tmp_path / "m")
    pd.testing.assert_frame_equal(ostinato.load(tmp_path / "m").predict(), fitted.predict())


def test_a_model_of_another_task_is_refused(tmp_path):
    save_model(tmp_path / "m", config={"task": "dance"}, weights={"w": np.zeros(1)}, history={})
    with pytest.raises(
        ModelFileError, match="holds a model for the task 'dance'; this version knows forecast"
    ):
        ostinato.load(tmp_path / "m")


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"h": 6, "wrong": 1}},
        {"encodings": []},
        {"starts": ["x", "y", "z"]},
        {"context": 7, "horizon": 3},
        {"series": None},
        {"members": [0, 1, 2]},
    ],
)
def test_a_model_file_whose_parts_do_not_fit_is_refused(fitted, tmp_path, change):
    fitted.save(tmp_path / "m")
    file = load_model(tmp_path / "m")
    save_model(tmp_path / "m", config={**file.config, **change}, weights=file.weights, history=file.history)
    with pytest.raises(ModelFileError, match="does not fit together"):
        ostinato.load(tmp_path / "m")


def test_an_interrupted_fit_goes_on_to_the_same_result(several, tmp_path):
    whole = Forecaster(h=4, random_state=0).fit(several).predict()

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Forecaster(h=4, random_state=0).fit(several, checkpoint=tmp_path / "c", progress=stop)
    seen = []
    resumed = Forecaster(h=4, random_state=0).fit(
        several, checkpoint=tmp_path / "c", progress=lambda done, total: seen.append(done)
    )
    pd.testing.assert_frame_equal(resumed.predict(), whole)
    assert min(seen) > 1  # the epochs before the interruption were not trained again


def test_a_checkpoint_of_other_data_is_not_taken_up(several, tmp_path):
    other = several.assign(y=several["y"] ** 2)
    Forecaster(h=4, random_state=0).fit(other, checkpoint=tmp_path)
    fresh = Forecaster(h=4, random_state=0).fit(several)
    pd.testing.assert_frame_equal(
        Forecaster(h=4, random_state=0).fit(several, checkpoint=tmp_path).predict(), fresh.predict()
    )


def test_irregular_times_are_refused_with_a_way_out(monthly):
    days = np.cumsum(np.random.default_rng(0).integers(3, 40, len(monthly)))
    frame = monthly.assign(ds=pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D"))
    with pytest.raises(
        DataError, match=r"the times are irregular: only .* resample the file to a regular frequency"
    ):
        Forecaster(h=3).fit(frame)


def test_importing_ostinato_does_not_import_torch():
    code = "import sys, ostinato; dir(ostinato); print('torch' in sys.modules, 'pandas' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_history_is_kept_in_the_model_file(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    history = json.loads((tmp_path / "m" / "history.json").read_text())
    assert len(history["member0"]["train"]) >= 1


def test_the_networks_of_the_default_recipe_answer_quantiles_that_never_cross(fitted):
    table = fitted.model_.predict_levels(6)
    columns = level_columns("forecast")
    assert (np.diff(table[columns].to_numpy(), axis=1) >= 0).all()
    assert table["forecast-q-50"].equals(table["forecast"].rename("forecast-q-50"))
    assert table["forecast"].equals(fitted.model_.predict(6)["forecast"])


def test_beyond_the_trained_horizon_quantiles_spread_on(fitted):
    table = fitted.model_.predict_levels(18)
    width = (table["forecast-q-90"] - table["forecast-q-10"]).to_numpy()
    assert (np.diff(table[level_columns("forecast")].to_numpy(), axis=1) >= 0).all()
    assert width[6] > width[5]
    assert width[12] > width[11]


def test_quantiles_come_back_from_a_file(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    found = ostinato.load(tmp_path / "model").model_.predict_levels(9)
    expected = fitted.model_.predict_levels(9)
    columns = level_columns("forecast")
    assert found[columns].to_numpy() == pytest.approx(expected[columns].to_numpy(), rel=1e-5)


def test_a_backtest_has_no_columns_of_quantiles_in_public(fitted):
    table = fitted.cross_validation(n_windows=1, refit=False)
    assert list(table.columns)[:5] == ["unique_id", "ds", "cutoff", "y", "LSTM"]
    assert not [name for name in table.columns if "-q-" in name]


def test_networks_that_tell_how_wide_intervals_are_have_seen_half_of_the_history():
    frame = pd.DataFrame({"unique_id": np.repeat(np.arange(30), 63), "y": 1.0})
    frame["ds"] = frame.groupby("unique_id").cumcount()

    def origins(recipe: str, series: int) -> int:
        maker = Forecaster(h=8, freq=1, season_length=1, recipe=recipe).maker(1, 0)
        return origins_for_intervals(frame[frame["unique_id"] < series], maker, 8)

    assert origins("default", 30) == 3  # the first has 39 rows before it; a fourth would leave 31
    assert origins("pretrained", 30) == 7  # nothing is trained
    assert origins("default", 1) == 6  # the errors of one series are few


def test_many_short_series_need_few_origins_for_intervals():
    lengths = np.r_[np.full(40, 30), np.full(160, 90)]
    frame = pd.DataFrame({"unique_id": np.repeat(np.arange(200), lengths), "y": 1.0})
    frame["ds"] = frame.groupby("unique_id").cumcount()
    maker = Forecaster(h=6, freq=1, season_length=1, recipe="pretrained").maker(1, 0)
    assert origins_for_intervals(frame, maker, 6) == 4  # as 30 rows have room for
    assert origins_for_intervals(frame[frame["unique_id"] == 100], maker, 6) == 8
