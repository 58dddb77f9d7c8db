"""The rolling origin: Nixtla's layout, no leak, the same in many processes, and clear refusals."""

import os
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from ostinato.errors import ConfigError, DataError, TrainingError
from ostinato.evaluate import baselines, workers
from ostinato.evaluate.backtest import backtest, choose_windows, describe_windows

PLAIN = baselines.makers(4, 1, extra=False)
NAP = 200
"""Seconds that a worker sleeps unless it is ended; so long that no busy machine takes them for anything else."""


def long(lengths: dict[str, int], seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": np.arange(rows), "y": random.normal(0, 1, rows).cumsum() + 30})
        for name, rows in lengths.items()
    ]
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class MakeLoose:
    """A maker that is not cheap, so that it goes to a worker; it may misbehave there."""

    fault: str = ""

    def __call__(self, past):
        if self.fault == "dies":
            os._exit(7)
        if self.fault == "refuses":
            raise TrainingError("loss became NaN at epoch 3; use a smaller learning rate")
        if self.fault == "interrupts" and past["ds"].max() > 20:
            raise KeyboardInterrupt
        if self.fault == "interrupts":
            time.sleep(NAP)
        return Loose(baselines.Drift(1).fit(past), self.fault)


class Loose:
    """Answers predict and nothing else, with its rows upside down."""

    def __init__(self, inner, fault):
        self.inner, self.fault = inner, fault
        self.notes = [f"seen by process {os.getpid()}"] if fault == "names its process" else []

    def predict(self, h):
        table = self.inner.predict(h).iloc[::-1]
        return table.iloc[1:] if self.fault == "leaves out" else table


@pytest.mark.parametrize(("h", "n_windows", "step_size"), [(4, 3, 4), (5, 4, 2), (3, 2, 7), (1, 6, 1)])
@pytest.mark.usefixtures("models")
def test_layout_and_numbers_are_those_of_nixtla(h, n_windows, step_size):
    from statsforecast import StatsForecast, models

    frame = long({"a": 60, "b": 35, "c": 47})
    theirs = StatsForecast(
        [models.Naive(), models.SeasonalNaive(4), models.RandomWalkWithDrift(alias="Drift")], freq=1
    ).cross_validation(h=h, df=frame, n_windows=n_windows, step_size=step_size)
    ours = backtest(PLAIN, frame, h=h, freq=1, n_windows=n_windows, step_size=step_size)
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)


def test_dates_are_kept_with_their_cutoffs():
    ds = pd.date_range("2019-01-01", periods=30, freq="MS")
    frame = pd.DataFrame({"unique_id": "a", "ds": ds, "y": np.arange(30.0)})
    found = backtest(baselines.makers(12, "MS", extra=False), frame, h=3, freq="MS", n_windows=2)
    assert found["cutoff"].unique().tolist() == [ds[23], ds[26]]
    assert found["ds"].tolist() == list(ds[24:])
    assert found["ds"].dtype == found["cutoff"].dtype == frame["ds"].dtype


def test_nothing_after_a_cutoff_changes_its_forecasts():
    frame = long({"a": 40, "b": 30})
    before = backtest(PLAIN, frame, h=4, freq=1, n_windows=4)
    for cut in range(4):
        changed = frame.copy()
        cutoffs = before.groupby("unique_id")["cutoff"].unique().str[cut]
        later = changed["ds"] > changed["unique_id"].map(cutoffs)
        changed.loc[later, "y"] = 1e9
        after = backtest(PLAIN, changed, h=4, freq=1, n_windows=4)
        same = before["cutoff"] <= before["unique_id"].map(cutoffs)
        assert same.sum() == 2 * 4 * (cut + 1)
        pd.testing.assert_frame_equal(before.loc[same, list(PLAIN)], after.loc[same, list(PLAIN)])


def test_makers_are_given_the_past_and_nothing_else():
    seen = []

    def make(past):
        seen.append(past.copy())
        return baselines.Naive(1).fit(past)

    frame = long({"a": 20, "b": 12})
    backtest({"spy": make}, frame, h=2, freq=1, n_windows=3)
    for past in seen:
        pd.testing.assert_frame_equal(
            past, frame.merge(past[["unique_id", "ds"]], on=["unique_id", "ds"]), check_exact=True
        )
    ends = sorted(tuple(past.groupby("unique_id")["ds"].max()) for past in seen)
    assert ends == [(13, 5), (15, 7), (17, 9)]


def test_short_series_are_left_out_with_a_note():
    found = backtest(PLAIN, long({"a": 30, "b": 5, "c": 9}), h=4, freq=1, n_windows=2)
    assert found["unique_id"].unique().tolist() == ["a"]
    assert found.attrs["notes"] == ["the backtest leaves out 2 series with fewer than 10 rows: 'b', 'c'"]


def test_rows_of_any_order_from_a_forecaster_are_put_in_place():
    frame = long({"a": 30, "b": 22})
    found = backtest({"loose": MakeLoose(), **PLAIN}, frame, h=3, freq=1, n_windows=2)
    np.testing.assert_array_equal(found["loose"], found["Drift"])


def test_without_refit_the_model_is_made_once_and_moved_on():
    made = []

    def make(past):
        made.append(len(past))
        return baselines.Naive(1).fit(past)

    frame = long({"a": 30})
    found = backtest({"once": make}, frame, h=3, freq=1, n_windows=4, refit=False)
    assert made == [18]
    np.testing.assert_array_equal(found["once"], backtest(PLAIN, frame, h=3, freq=1, n_windows=4)["Naive"])


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_without_refit_statistical_models_agree_with_nixtla():
    from statsforecast import StatsForecast, models

    frame = long({"a": 60})
    sf = StatsForecast([models.AutoETS(season_length=4)], freq=1)
    theirs = sf.cross_validation(h=4, df=frame, n_windows=3, step_size=4, refit=False)
    make = baselines.makers(4, 1, extra=True)["AutoETS"]
    ours = backtest({"AutoETS": make}, frame, h=4, freq=1, n_windows=3, refit=False)
    np.testing.assert_allclose(ours["AutoETS"], theirs["AutoETS"], rtol=1e-6)


def test_missing_values_stay_missing_in_y():
    frame = long({"a": 20})
    frame.loc[[17, 19], "y"] = np.nan
    found = backtest(PLAIN, frame, h=3, freq=1, n_windows=2)
    assert found["y"].isna().tolist() == [False, False, False, True, False, True]
    assert found["Naive"].notna().all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.usefixtures("models")
def test_worker_processes_give_the_same_table(method, monkeypatch):
    monkeypatch.setattr(workers, "_start_method", lambda: method)
    frame = long({"a": 40, "b": 33})
    models_ = {**PLAIN, "AutoETS": baselines.makers(4, 1, extra=True)["AutoETS"]}
    alone = backtest(models_, frame, h=4, freq=1, n_windows=3)
    shared = backtest(models_, frame, h=4, freq=1, n_windows=3, n_jobs=2)
    pd.testing.assert_frame_equal(alone, shared, check_exact=True)


def test_costly_models_are_fitted_in_other_processes(monkeypatch):
    monkeypatch.setattr(workers, "_start_method", lambda: "fork")
    found = backtest(
        {"loose": MakeLoose("names its process")}, long({"a": 30}), h=2, freq=1, n_windows=3, n_jobs=2
    )
    assert found.attrs["notes"]
    assert f"seen by process {os.getpid()}" not in found.attrs["notes"]


def test_work_that_takes_longest_comes_first():
    makers = {**PLAIN, "loose": MakeLoose()}
    job = workers.Job(makers, long({"a": 30}), 2, 1, (6, 4, 2), True)
    units = workers._units(job)
    assert [(unit.name, unit.origins) for unit in units[:3]] == [
        ("loose", (2,)),
        ("loose", (1,)),
        ("loose", (0,)),
    ]
    assert len(units) == 12


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_counts_the_fits(n_jobs, monkeypatch):
    monkeypatch.setattr(workers, "_start_method", lambda: "fork")
    calls = []
    backtest(
        {"loose": MakeLoose(), "Naive": PLAIN["Naive"]},
        long({"a": 30}),
        h=2,
        freq=1,
        n_windows=3,
        n_jobs=n_jobs,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(done, 6) for done in range(1, 7)]


def test_a_dead_worker_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr(workers, "_start_method", lambda: "fork")
    with pytest.raises(
        TrainingError, match=r"a worker process of the backtest died, .* run it again with n_jobs=1"
    ):
        backtest({"loose": MakeLoose("dies")}, long({"a": 30}), h=2, freq=1, n_windows=3, n_jobs=2)


def test_an_error_in_a_worker_comes_back_as_it_is(monkeypatch):
    monkeypatch.setattr(workers, "_start_method", lambda: "fork")
    with pytest.raises(TrainingError, match="loss became NaN at epoch 3"):
        backtest({"loose": MakeLoose("refuses")}, long({"a": 30}), h=2, freq=1, n_windows=3, n_jobs=2)


def test_an_interrupt_ends_the_other_workers_at_once(monkeypatch):
    monkeypatch.setattr(workers, "_start_method", lambda: "fork")
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        backtest({"loose": MakeLoose("interrupts")}, long({"a": 30}), h=4, freq=1, n_windows=3, n_jobs=2)
    assert time.monotonic() - began < NAP


def test_makers_that_cannot_be_sent_are_refused():
    make = lambda past: baselines.Naive(1).fit(past)  # noqa: E731
    with pytest.raises(
        ConfigError, match=r"the models cannot be sent to worker processes .* or use n_jobs=1"
    ):
        backtest({"local": make}, long({"a": 30}), h=2, freq=1, n_windows=3, n_jobs=2)


def test_missing_forecasts_are_refused():
    with pytest.raises(TrainingError, match="model 'loose' gave no forecast for series 'a' at 29"):
        backtest({"loose": MakeLoose("leaves out")}, long({"a": 30}), h=2, freq=1, n_windows=1)


def test_a_forecaster_that_cannot_be_moved_needs_refit():
    with pytest.raises(ConfigError, match=r"model 'loose' has no with_history .* use refit=True"):
        backtest({"loose": MakeLoose()}, long({"a": 30}), h=2, freq=1, n_windows=2, refit=False)


def test_series_too_short_for_any_backtest_are_refused_with_advice():
    message = (
        "horizon is 24 but series 'milk' has 20 rows, and a backtest of 2 origins needs 50; "
        "use a horizon of at most 9"
    )
    with pytest.raises(DataError, match=message):
        backtest(PLAIN, long({"milk": 20}), h=24, freq=1, n_windows=2)
    with pytest.raises(DataError, match="use fewer origins or a longer history"):
        backtest(PLAIN, long({"milk": 5}), h=2, freq=1, n_windows=8)


def test_the_advised_horizon_works():
    assert len(backtest(PLAIN, long({"milk": 20}), h=9, freq=1, n_windows=2)) == 18


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"h": 0}, "horizon is 0; it must be at least 1"),
        ({"step_size": 0}, "step_size is 0; it must be at least 1"),
        ({"n_windows": -1}, "n_windows is -1; it must be at least 1"),
        ({"n_jobs": 0}, "n_jobs is 0; it must be at least 1"),
    ],
)
def test_numbers_below_one_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        backtest(PLAIN, long({"a": 30}), **({"h": 2, "freq": 1} | changes))


@pytest.mark.parametrize(
    ("makers", "message"), [({}, "there are no models"), ({"y": PLAIN["Naive"]}, "a model is called 'y'")]
)
def test_makers_without_usable_names_are_refused(makers, message):
    with pytest.raises(ConfigError, match=message):
        backtest(makers, long({"a": 30}), h=2, freq=1)


def test_a_frame_without_values_is_refused():
    with pytest.raises(DataError, match="the frame has no column 'y'"):
        backtest(PLAIN, long({"a": 30}).drop(columns="y"), h=2, freq=1)


def test_eight_origins_where_the_history_allows():
    assert choose_windows(168, 12, 12) == 8
    assert choose_windows(10_000, 24, 24) == 8


@pytest.mark.parametrize(
    ("length", "h", "season_length", "min_train", "expected"),
    [
        (60, 12, 12, None, 3),
        (60, 12, 12, 36, 2),
        (20, 12, 12, None, 0),
        (3, 1, 1, None, 0),
        (16, 1, 1, None, 8),
    ],
)
def test_fewer_origins_for_a_short_history(length, h, season_length, min_train, expected):
    assert choose_windows(length, h, season_length, min_train) == expected


def test_choosing_windows_for_no_steps_is_refused():
    with pytest.raises(ConfigError, match="horizon is 0"):
        choose_windows(10, 0)


def test_fewer_origins_are_told_in_a_plain_word():
    assert describe_windows(8, 168, 12) == ""
    assert describe_windows(1, 30, 12).startswith(
        "the history of 30 rows allows 1 origin of 12 steps instead of 8"
    )
    assert "too short for a backtest of 12 steps" in describe_windows(0, 20, 12)


def test_the_number_of_origins_is_chosen_when_not_given():
    found = backtest(PLAIN, long({"a": 30}), h=6, freq=1)
    assert found["cutoff"].nunique() == choose_windows(30, 6, 1, 6) == 4
