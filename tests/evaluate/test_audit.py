"""The leak audit: planted leaks are found, and honest models are not accused."""

import random

import numpy as np
import pandas as pd
import pytest

from ostinato import audit_leakage
from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.baselines import SeasonalNaive
from ostinato.evaluate.tampering import APPENDED, CHANGES


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draws = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": pd.date_range("2020-01-01", periods=rows, freq="D"),
                "y": 50 + 10 * np.sin(2 * np.pi * np.arange(rows) / 7) + draws.normal(size=rows),
                "price": draws.random(rows),
            }
        )
        for name, rows in (("a", 60), ("b", 48))
    ]
    return pd.concat(parts, ignore_index=True)


def last_rows(frame: pd.DataFrame, h: int) -> pd.DataFrame:
    return frame.groupby("unique_id").tail(h)[["unique_id", "ds"]].reset_index(drop=True)


def naive(past: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(naive=rows["unique_id"].map(past.groupby("unique_id")["y"].last()))


def honest(frame, h):
    rows = last_rows(frame, h)
    past = frame.drop(frame.groupby("unique_id").tail(h).index)
    return naive(past, rows)


def scaled_on_everything(frame, h):
    top = frame["y"].max()
    past = frame.drop(frame.groupby("unique_id").tail(h).index)
    return naive(past.assign(y=past["y"] / top), last_rows(frame, h))


def smoothed_by_a_centred_filter(frame, h):
    middle = frame.groupby("unique_id")["y"].transform(
        lambda y: y.rolling(5, center=True, min_periods=1).mean()
    )
    past = frame.assign(y=middle).drop(frame.groupby("unique_id").tail(h).index)
    return naive(past, last_rows(frame, h))


def season_of_everything(frame, h):
    known = frame["y"].fillna(0.0)
    power = np.abs(np.fft.rfft(known - known.mean()))
    season = round(len(known) / max(int(power.argmax()), 1))
    past = frame.drop(frame.groupby("unique_id").tail(h).index)
    return naive(past, last_rows(frame, h)).assign(naive=lambda table: table["naive"] + season)


def windows_across_the_cutoff(frame, h):
    steps = frame.groupby("unique_id")["y"].diff().mean()  # a drift that is learned from the test as well
    past = frame.drop(frame.groupby("unique_id").tail(h).index)
    return naive(past, last_rows(frame, h)).assign(naive=lambda table: table["naive"] + steps)


def covariate_of_the_future(frame, h):
    price = frame.groupby("unique_id").tail(h)["price"].to_numpy()
    return honest(frame, h).assign(naive=lambda table: table["naive"] + price)


def others_of_the_future(frame, h):
    return honest(frame, h).assign(naive=lambda table: table["naive"] + frame["unique_id"].nunique())


@pytest.mark.parametrize(
    "leak",
    [
        scaled_on_everything,
        smoothed_by_a_centred_filter,
        season_of_everything,
        windows_across_the_cutoff,
        covariate_of_the_future,
        others_of_the_future,
    ],
)
def test_a_planted_leak_in_a_function_is_found(frame, leak):
    audit = audit_leakage(leak, frame, h=5)
    assert not audit.clean
    assert audit.text.startswith("leak: the forecast of series '")


def test_an_honest_function_is_not_accused(frame):
    audit = audit_leakage(honest, frame, h=5)
    assert audit.clean
    assert str(audit) == (
        "no leak: 10 forecasts made from the past stayed as they were when everything after it was changed in 7 ways "
        "(the function)"
    )
    assert set(audit.changes) == {*CHANGES, APPENDED}


def test_a_covariate_that_is_declared_known_may_be_used(frame):
    assert audit_leakage(covariate_of_the_future, frame, h=5, known=["price"]).clean


class HoldOut:
    """Keeps the last rows for its test; the scaler is fitted on all rows, or on the past alone."""

    def __init__(self, leaky: bool) -> None:
        self.leaky = leaky

    def fit(self, df):
        self.rows_ = last_rows(df, 6)
        self.past_ = df.drop(df.groupby("unique_id").tail(6).index)
        self.scale_ = float((df if self.leaky else self.past_)["y"].std())

    def predict(self):
        return naive(self.past_, self.rows_).assign(naive=lambda table: table["naive"] + self.scale_)


@pytest.mark.parametrize("leaky", [True, False])
def test_a_test_share_inside_the_estimator_is_watched(frame, leaky):
    audit = audit_leakage(HoldOut(leaky), frame, h=3)
    assert audit.ways == ("fit and predict",)
    assert audit.clean is not leaky


class Remembering:
    """Fits its scaler only the first time."""

    def fit(self, df):
        if not hasattr(self, "scale_"):
            self.scale_ = df["y"].std()
        self.past_ = df

    def predict(self, h):
        last = self.past_["ds"].max()
        return pd.DataFrame({"unique_id": "a", "ds": pd.date_range(last, periods=h + 1)[1:], "model": 1.0})


def test_a_scaler_that_outlives_a_second_fit_is_named(frame):
    audit = audit_leakage(Remembering(), frame, h=3)
    assert {leak.what for leak in audit.leaks} == {"scale_"}
    assert audit.text.startswith("leak: the fitted scale_ kept something of the future and moved by")


class CrossValidated:
    """Nixtla's form, with the scale of the last origin used at all of them, or not."""

    def __init__(self, leaky: bool) -> None:
        self.leaky = leaky

    def cross_validation(self, df, h, n_windows, step_size):
        parts = []
        for window in range(n_windows):
            left = df.groupby("unique_id").cumcount(ascending=False)
            end = h + step_size * (n_windows - 1 - window)
            past, rows = df[left >= end], df[(left < end) & (left >= end - h)]
            level = past["y"] if not self.leaky else df[left >= h]["y"]
            cutoff = rows["unique_id"].map(past.groupby("unique_id")["ds"].max())
            parts.append(
                rows.assign(cutoff=cutoff, model=level.mean())[["unique_id", "ds", "cutoff", "y", "model"]]
            )
        return pd.concat(parts)


@pytest.mark.parametrize("leaky", [True, False])
def test_the_first_origin_of_a_cross_validation_is_watched(frame, leaky):
    audit = audit_leakage(CrossValidated(leaky), frame, h=4)
    assert audit.ways == ("cross_validation",)
    assert audit.clean is not leaky


def test_a_baseline_does_not_leak(frame):
    assert audit_leakage(SeasonalNaive(7, "D"), frame, h=5).clean


@pytest.mark.filterwarnings("ignore")
def test_a_library_of_nixtlas_form_is_audited(frame, models):
    from statsforecast import StatsForecast

    library = StatsForecast(models=[models.SeasonalNaive(7)], freq="D")
    assert audit_leakage(library, frame[["unique_id", "ds", "y"]], h=5).clean


def test_columns_of_other_names_and_polars_are_understood(frame):
    import polars as pl

    def pipeline(table, h):
        past = table.iloc[:-h]
        return table.tail(h)[["day"]].assign(guess=past["sales"].iloc[-1])

    one = frame[frame["unique_id"] == "a"][["ds", "y"]].rename(columns={"ds": "day", "y": "sales"})
    audit = audit_leakage(pipeline, pl.from_pandas(one), h=4)
    assert audit.clean
    assert APPENDED not in audit.changes


def test_a_refused_change_is_counted_and_kept(frame):
    def refusing(table, h):
        if table["y"].isna().any():
            raise ValueError("no missing values, please")
        return honest(table, h)

    audit = audit_leakage(refusing, frame, h=5)
    assert audit.refused == ("missing values (the function): no missing values, please",)
    assert "in 6 ways (the function); 1 more changes were refused by the model" in audit.text


def test_a_model_that_answers_at_random_is_refused(frame):
    state = np.random.default_rng(1)
    with pytest.raises(ConfigError, match=r"two answers about the same data, up to .* give it a seed"):
        audit_leakage(lambda table, h: honest(table, h).assign(naive=state.random()), frame, h=5)


def test_the_random_numbers_of_others_are_left_alone(frame):
    random.seed(1)
    np.random.seed(1)
    expected = random.Random(1).random(), np.random.RandomState(1).random()
    audit_leakage(honest, frame, h=5)
    assert (random.random(), np.random.random()) == expected


def test_what_cannot_be_asked_is_refused(frame):
    with pytest.raises(ConfigError, match="a str cannot be audited; give an object with fit and predict"):
        audit_leakage("model", frame)


def test_series_that_end_before_the_cutoff_are_refused(frame):
    with pytest.raises(
        DataError, match="the shortest series has 48 rows but 47 of them come after the cut-off"
    ):
        audit_leakage(honest, frame, h=47)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (pd.DataFrame({"unique_id": ["a"], "guess": [1.0]}), "returned no column 'ds'"),
        (pd.DataFrame({"unique_id": ["a"], "ds": [1]}), "returned no column of forecasts"),
    ],
)
def test_an_answer_without_forecasts_is_refused(frame, answer, message):
    with pytest.raises(ConfigError, match=message):
        audit_leakage(lambda table, h: answer, frame, h=2)


def test_a_horizon_below_one_is_refused(frame):
    with pytest.raises(ConfigError, match="h is 0; use a horizon of at least 1 step"):
        audit_leakage(honest, frame, h=0)
