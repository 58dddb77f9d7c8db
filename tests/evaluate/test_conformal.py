"""Conformal intervals: their coverage where the truth is drawn, and what must always hold."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ostinato.errors import ConfigError, DataError, ModelFileError
from ostinato.evaluate import baselines
from ostinato.evaluate.backtest import backtest
from ostinato.evaluate.conformal import Conformal


def errors_of(kind: str, cells: int, h: int, random: np.random.Generator) -> np.ndarray:
    noise = random.normal(size=(cells, h))
    if kind == "walk":
        return noise.cumsum(axis=1)
    if kind == "heavy":
        return random.standard_t(3, size=(cells, h)).cumsum(axis=1)
    if kind == "autoregressive":
        for step in range(1, h):
            noise[:, step] = 0.9 * noise[:, step - 1] + np.sqrt(1 - 0.81) * noise[:, step]
    if kind == "level":
        noise = noise[:, :1] + 0.01 * noise
    return noise


@pytest.mark.parametrize("kind", ["walk", "independent", "autoregressive", "level", "heavy"])
@pytest.mark.parametrize("cells", [5, 8, 20, 80])
def test_coverage_is_near_the_level(kind, cells):
    random = np.random.default_rng(1)
    held = []
    for _ in range(150):
        errors = errors_of(kind, cells + 20, 12, random)
        low, high = Conformal.fit(errors[:cells]).interval(np.zeros(12), (80, 95))
        inside = (low[:, None] <= errors[cells:]) & (errors[cells:] <= high[:, None])  # (levels, 20, h)
        held.append(inside.mean(axis=(1, 2)))
    found = np.mean(held, axis=0)
    # Few origins make each interval uncertain; on average they may be a little wide, seldom narrow.
    assert 0.76 <= found[0] <= 0.91
    assert 0.91 <= found[1] <= 0.985


def test_one_step_of_many_errors_is_the_plain_split_conformal_quantile():
    errors = np.random.default_rng(0).normal(size=(99, 1))
    width = Conformal.fit(errors).widths(1, [80])[0, 0]
    assert width == pytest.approx(np.sort(np.abs(errors.ravel()))[79], rel=0.02)  # the 0.8 * 100-th


def test_a_level_that_few_errors_cannot_reach_is_wider_than_the_largest():
    errors = np.array([[1.0], [2.0], [3.0]])
    widths = Conformal.fit(errors).widths(1, [70, 75, 95])
    assert widths[1, 0] == pytest.approx(3.0)  # 0.75 * (3 + 1) = the third of three
    assert widths[0, 0] < 3.0 < widths[2, 0]


def test_widths_grow_with_the_step_where_errors_do():
    errors = errors_of("walk", 8, 12, np.random.default_rng(2))
    widths = Conformal.fit(errors).widths(12, [80])[0]
    assert (np.diff(widths) > 0).all()
    assert widths[0] < 0.7 * widths[-1]


@settings(max_examples=60)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 70), st.integers(1, 5)), elements=st.floats(-1e6, 1e6)),
    st.lists(st.floats(1, 99.9), min_size=1, max_size=5),
)
def test_intervals_hold_the_forecast_and_those_of_lower_levels(errors, levels):
    levels = sorted(levels)
    forecast = np.arange(errors.shape[1], dtype=float)
    low, high = Conformal.fit(errors).interval(forecast, levels)
    assert np.isfinite(low).all()
    assert (low <= forecast).all()
    assert (forecast <= high).all()
    slack = 1e-9 * (1 + np.abs(high))
    assert (np.diff(low, axis=0) <= slack[1:]).all()
    assert (np.diff(high, axis=0) >= -slack[1:]).all()


def test_errors_of_zero_give_intervals_of_no_width():
    low, high = Conformal.fit(np.zeros((8, 3))).interval([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(low, high)


def test_missing_errors_are_passed_over():
    errors = errors_of("walk", 8, 4, np.random.default_rng(3))
    errors[2, 1:] = np.nan
    assert np.isfinite(Conformal.fit(errors).widths(4)).all()


def test_scaling_the_errors_scales_the_widths():
    errors = errors_of("walk", 8, 6, np.random.default_rng(4))
    np.testing.assert_allclose(Conformal.fit(1000 * errors).widths(6), 1000 * Conformal.fit(errors).widths(6))


def test_dictionary_survives_json():
    fitted = Conformal.fit(errors_of("walk", 8, 6, np.random.default_rng(5)), {"a": 2.0})
    assert Conformal.from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False))) == fitted


def test_many_errors_are_kept_as_few_numbers():
    errors = errors_of("walk", 5000, 3, np.random.default_rng(6))
    fitted = Conformal.fit(errors)
    assert sum(len(row) for row in fitted.errors) < 1300
    np.testing.assert_allclose(fitted.widths(3, [80])[0], np.quantile(np.abs(errors), 0.8, axis=0), rtol=0.01)


def judged(sizes: dict[str, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    random = np.random.default_rng(7)
    frame = pd.concat(
        [
            pd.DataFrame(
                {"unique_id": name, "ds": np.arange(60), "y": size * random.normal(size=60).cumsum()}
            )
            for name, size in sizes.items()
        ],
        ignore_index=True,
    )
    return backtest(baselines.makers(1, 1, extra=False), frame, h=3, freq=1, n_windows=8), frame


def test_each_series_has_intervals_in_its_own_unit():
    cv, frame = judged({"small": 1.0, "large": 1000.0})
    fitted = Conformal.from_backtest(cv, frame, 1, model="Naive")
    table = fitted.apply(baselines.Naive(1).fit(frame).predict(3), (80, 95))
    assert list(table.columns)[3:] == [
        "forecast-lo-80",
        "forecast-hi-80",
        "forecast-lo-95",
        "forecast-hi-95",
    ]
    width = (table["forecast-hi-80"] - table["forecast-lo-80"]).to_numpy()
    assert 500 < width[3] / width[0] < 2000


def test_one_series_needs_no_unit():
    cv, frame = judged({"a": 1.0})
    fitted = Conformal.from_backtest(cv, frame, 1, model="Naive")
    expected = Conformal.fit((cv["Naive"] - cv["y"]).to_numpy().reshape(8, 3))
    assert fitted == expected


def test_a_series_that_never_moved_has_an_interval_of_no_width():
    cv, frame = judged({"a": 1.0, "flat": 0.0})
    fitted = Conformal.from_backtest(cv, frame, 1, model="Naive")
    table = fitted.apply(baselines.Naive(1).fit(frame).predict(3))
    flat = table[table["unique_id"] == "flat"]
    assert (flat["forecast-lo-95"] == flat["forecast-hi-95"]).all()


def test_no_errors_are_refused():
    for errors in (np.empty((0, 3)), np.full((2, 3), np.nan), np.empty(0)):
        with pytest.raises(DataError, match="there are no backtest errors to make intervals from"):
            Conformal.fit(errors)


def test_more_steps_than_learned_are_refused():
    with pytest.raises(ConfigError, match="horizon is 4 but the intervals were learned for 3 steps"):
        Conformal.fit(np.ones((8, 3))).interval(np.zeros(4))


@pytest.mark.parametrize("level", [0, 100, -5, 101])
def test_levels_outside_0_and_100_are_refused(level):
    with pytest.raises(ConfigError, match=f"level is {level}; it must lie between 0 and 100 percent"):
        Conformal.fit(np.ones((8, 3))).interval(np.zeros(3), [level])


def test_a_model_that_was_not_in_the_backtest_is_refused():
    cv, frame = judged({"a": 1.0})
    with pytest.raises(
        ConfigError, match="the backtest has no column 'LSTM'; it has Naive, SeasonalNaive, Drift"
    ):
        Conformal.from_backtest(cv, frame, 1, model="LSTM")


@pytest.mark.parametrize(
    "change",
    [
        {"spread": []},
        {"count": "x"},
        {"errors": [[1.0], [2.0]]},
        {"errors": [[]]},
        {"scales": None},
        {"count": 0},
    ],
)
def test_a_damaged_dictionary_is_refused(change):
    content = Conformal.fit(np.ones((8, 3))).to_dict()
    with pytest.raises(ModelFileError, match="the intervals of the model file are damaged"):
        Conformal.from_dict(content | change)
    del content["spread"]
    with pytest.raises(ModelFileError, match="the intervals of the model file are damaged"):
        Conformal.from_dict(content)


def test_intervals_of_a_series_that_was_never_negative_stay_so():
    conformal = Conformal.fit(np.full((8, 2), 5.0))
    table = pd.DataFrame(
        {"unique_id": ["a", "a", "b", "b"], "ds": [3, 4, 3, 4], "forecast": [1.0, 9.0, 1.0, -2.0]}
    )
    history = pd.DataFrame({"unique_id": ["a", "b"], "ds": [2, 2], "y": [0.0, -0.1]})
    bounded = conformal.apply(table, [80], history=history)
    free = conformal.apply(table, [80])
    assert bounded["forecast-lo-80"].tolist() == [0.0, *free["forecast-lo-80"].tolist()[1:]]
    assert bounded["forecast-hi-80"].tolist() == free["forecast-hi-80"].tolist()
