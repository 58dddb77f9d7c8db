"""Covariates of a Forecaster: they help where the series depends on them, and are checked where they do not fit."""

import numpy as np
import pandas as pd
import pytest

import ostinato
from ostinato import ConfigError, DataError, Forecaster, audit_leakage

ROWS = 120


def make_frame(rows: int = ROWS) -> pd.DataFrame:
    """Three daily series that follow a price at once and a lead two days later, with gaps in all of them."""
    parts = []
    for number, name in enumerate(["a", "b", "c"]):
        draws = np.random.default_rng(number)
        price, lead = draws.normal(size=rows), draws.normal(size=rows)
        y = 100 + 8 * price + 5 * np.roll(lead, 2) + 0.3 * draws.normal(size=rows)
        times = pd.date_range("2024-01-01", periods=rows, freq="D")
        parts.append(pd.DataFrame({"unique_id": name, "ds": times, "y": y, "price": price, "lead": lead}))
    frame = pd.concat(parts, ignore_index=True)
    frame.loc[[7, 150], "y"] = np.nan
    frame.loc[[9, 160], "price"] = np.nan
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame()


STATIC = pd.DataFrame({"unique_id": ["a", "b", "c"], "area": [1.0, 2.0, 9.0], "kind": ["x", "x", "y"]})


def error_of(frame: pd.DataFrame, h: int = 6, **settings: object) -> float:
    past = frame.groupby("unique_id").head(ROWS - h)
    future = frame.groupby("unique_id").tail(h)
    fitted = Forecaster(h=h, season_length=1, random_state=0, **settings).fit(past)
    known = future.drop(columns="y") if "futr_exog_list" in settings else None
    forecast = fitted.predict(futr_df=known)["forecast"].to_numpy()
    return float(np.abs(forecast - future["y"].to_numpy()).mean())


@pytest.mark.slow
def test_a_covariate_known_ahead_helps_where_the_series_depends_on_it(frame):
    followed = frame.groupby("unique_id")["lead"].transform(lambda lead: np.roll(lead, 2))
    depends = frame.assign(y=frame["y"] - 5 * followed)
    assert error_of(depends, futr_exog_list=["price"]) < 0.5 * error_of(depends)


@pytest.mark.slow
def test_a_covariate_of_the_past_helps_where_the_series_follows_it(frame):
    follows = frame.assign(y=frame["y"] - 8 * frame["price"].fillna(0.0))
    assert error_of(follows, h=2, hist_exog_list=["lead"]) < 0.5 * error_of(follows, h=2)


@pytest.fixture
def fitted(quick, frame) -> Forecaster:
    forecaster = Forecaster(
        h=4,
        random_state=0,
        futr_exog_list=["price"],
        hist_exog_list=["lead"],
        stat_exog_list=["area", "kind"],
        calendar=["weekday"],
        holidays=["2024-05-01"],
    )
    return forecaster.fit(frame, static_df=STATIC)


def ahead(frame: pd.DataFrame, h: int = 4) -> pd.DataFrame:
    times = pd.date_range(frame["ds"].max(), periods=h + 1, freq="D")[1:]
    return pd.DataFrame({"ds": times, "price": np.arange(h, dtype=float)})


def test_everything_together_gives_finite_forecasts_and_intervals(fitted, frame):
    forecast = fitted.predict(level=80, futr_df=ahead(frame))
    assert np.isfinite(forecast.drop(columns=["unique_id", "ds"])).all(axis=None)
    assert len(fitted.sample_paths(3, futr_df=ahead(frame))) == 3 * 3 * 4


def test_the_channels_are_those_that_were_named(fitted):
    channels = fitted.model_.plan.channels
    assert channels.known == ("price", "calendar.weekday.sin", "calendar.weekday.cos", "calendar.holiday")
    assert (channels.past, channels.static) == (("lead",), 3)


def test_more_steps_than_trained_need_more_steps_ahead(fitted, frame):
    assert np.isfinite(fitted.predict(h=9, futr_df=ahead(frame, 9))["forecast"]).all()
    with pytest.raises(
        DataError, match="futr_df has no row for series 'a' at 2024-05-04, 2024-05-05, 2024-05-06 and 2 more"
    ):
        fitted.predict(h=9, futr_df=ahead(frame))


def test_the_steps_ahead_must_be_given(fitted):
    with pytest.raises(
        ConfigError, match="price must be known ahead; give their next 4 steps of every series"
    ):
        fitted.predict()


def test_the_calendar_alone_needs_nothing(quick, frame):
    fitted = Forecaster(h=3, random_state=0, calendar="weekday").fit(frame)
    assert np.isfinite(fitted.predict()["forecast"]).all()


def test_a_saved_forecaster_gives_the_same_forecast(fitted, frame, tmp_path):
    fitted.save(tmp_path / "m.zip")
    found = ostinato.load(tmp_path / "m.zip").predict(futr_df=ahead(frame))
    pd.testing.assert_frame_equal(found, fitted.predict(futr_df=ahead(frame)), check_dtype=False)


@pytest.mark.slow
def test_the_audit_finds_no_leak_through_covariates(quick, frame):
    forecaster = Forecaster(h=3, season_length=1, futr_exog_list=["price"], hist_exog_list=["lead"])
    audit = audit_leakage(forecaster, frame[frame["unique_id"] == "a"].head(40))
    assert audit.clean, audit.text


def test_a_covariate_of_the_past_is_not_read_ahead_of_the_origin(fitted, frame):
    later = frame.groupby("unique_id").cumcount() >= ROWS - 4
    changed = frame.assign(lead=frame["lead"].where(~later, 1e3))
    settings = {"n_windows": 1, "static_df": STATIC}
    before, after = (fitted.cross_validation(table, **settings)["LSTM"] for table in (frame, changed))
    assert before.equals(after)


def test_baselines_are_given_no_covariates(quick, frame):
    with_them = Forecaster(h=3, random_state=0, futr_exog_list=["price"]).cross_validation(frame, n_windows=2)
    without = Forecaster(h=3, random_state=0).cross_validation(frame, n_windows=2)
    assert with_them["SeasonalNaive"].equals(without["SeasonalNaive"])


@pytest.mark.parametrize(
    ("settings", "static", "message"),
    [
        ({"stat_exog_list": ["area"]}, None, r"stat_exog_list names area; give fit\(static_df=...\) as well"),
        ({}, STATIC, "static_df is given but stat_exog_list names no column"),
        (
            {"futr_exog_list": ["price"], "hist_exog_list": ["price"]},
            None,
            "'price' is in futr_exog_list and in hist",
        ),
        ({"recipe": "classic", "calendar": ["hour"]}, None, "recipe 'classic' takes no covariates"),
        (
            {"recipe": "pretrained", "hist_exog_list": ["lead"]},
            None,
            "recipe 'pretrained' takes no covariates",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(quick, frame, settings, static, message):
    with pytest.raises(ConfigError, match=message):
        Forecaster(h=3, **settings).fit(frame, static_df=static)
