"""Running statistics: against a plain loop, causal, and read back without loss."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.tasks.streaming.encoding import FLOOR, Running, Start

PLAIN = Start(False, 0.0, np.array([3.0, -1.0, -2.0]))


def by_hand(ys, start):
    """Features of one series, value by value in plain Python."""
    season, m = start.indices.copy(), len(start.indices)
    level = scale = last = 0.0
    seen, features = 0, []
    for time, y in enumerate(ys):
        if math.isnan(y):
            features.append([0.0, 0.0, 0.0])
            continue
        value = math.log(max(y, start.floor)) if start.log else y
        adjusted = value - season[time % m]
        seen += 1
        step = adjusted - last if seen > 1 else 0.0
        if seen > 1:
            scale += max(1 / (seen - 1), 0.05) * (abs(step) - scale)
        level += max(1 / seen, 0.1) * (adjusted - level)
        unit = scale if scale > 0 else 1.0
        features.append([math.asinh(step / unit), math.asinh((adjusted - level) / unit), 1.0])
        if start.indices.any():
            season[time % m] += 0.1 * (adjusted - level)
        last = adjusted
    return np.array(features), last, scale, season


@pytest.mark.parametrize(
    "start", [PLAIN, Start(False, 0.0, np.zeros(3)), Start(True, 0.01, np.array([0.1, -0.1]))]
)
def test_features_equal_a_plain_loop(start):
    ys = 5 + np.random.default_rng(0).normal(size=60)
    ys[[0, 7, 8, 30]] = np.nan
    running = Running.start([start])
    features = np.stack([running.advance(np.array([y]))[0] for y in ys])
    expected, last, scale, season = by_hand(ys, start)
    np.testing.assert_allclose(features, expected, rtol=1e-6, atol=1e-6)
    assert running.arrays["last"][0] == pytest.approx(last)
    assert running.arrays["scale"][0] == pytest.approx(scale)
    assert running.arrays["season"][0] == pytest.approx(season)


@settings(max_examples=20)
@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=3, max_size=30), st.data())
def test_answers_that_are_right_read_back_to_the_values_that_followed(ys, data):
    running = Running.start([PLAIN])
    for y in ys:
        running.advance(np.array([y]))
    ahead = np.array([data.draw(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4))])
    answers = running.targets(ahead)
    if running.arrays["scale"][0] > 0:
        np.testing.assert_allclose(running.read(answers), ahead, rtol=1e-6, atol=1e-6)
    else:
        assert np.isnan(answers).all()


def test_an_answer_of_zero_repeats_the_last_value_and_the_season():
    running = Running.start([Start(False, 0.0, np.array([10.0, -10.0]))])
    for y in (110.0, 90.0, 110.0):
        running.advance(np.array([y]))
    assert running.read(np.zeros((1, 3)))[0] == pytest.approx([90, 110, 90], abs=0.1)


def test_features_do_not_depend_on_the_unit_of_the_series():
    ys = np.random.default_rng(1).normal(size=(40, 1)).cumsum(axis=0)
    one, other = (
        Running.start([Start(False, 0.0, np.zeros(1))]),
        Running.start([Start(False, 0.0, np.zeros(1))]),
    )
    for y in ys:
        np.testing.assert_allclose(one.advance(y), other.advance(1000 * y), atol=1e-5)


def test_several_series_are_as_each_by_itself():
    starts = [PLAIN, Start(True, 0.1, np.zeros(3)), Start(False, 0.0, np.zeros(3))]
    ys = 10 + np.random.default_rng(2).normal(size=(30, 3))
    together, apart = Running.start(starts), [Running.start([start]) for start in starts]
    for y in ys:
        features = together.advance(y)
        for number, running in enumerate(apart):
            np.testing.assert_allclose(
                features[number], running.advance(y[number : number + 1])[0], rtol=1e-6
            )


def test_before_the_first_value_nothing_is_forecast():
    running = Running.start([PLAIN])
    running.advance(np.array([np.nan]))
    assert np.isnan(running.read(np.zeros((1, 2)))).all()


def test_values_at_or_below_zero_count_as_the_floor_on_a_logarithmic_scale():
    months = np.arange(96)
    past = 100 * 1.02**months * np.exp(0.05 * np.random.default_rng(3).normal(size=96))
    start = Start.fit(past, 1)
    assert start.log
    assert start.floor == pytest.approx(FLOOR * past.min())
    running = Running.start([start])
    for y in (*past, 0.0, -5.0):
        assert np.isfinite(running.advance(np.array([y]))).all()
    assert running.arrays["last"][0] == pytest.approx(math.log(start.floor))
    assert (running.read(np.zeros((1, 3))) > 0).all()


def test_a_season_that_was_not_found_is_not_made_up_later():
    running = Running.start([Start(False, 0.0, np.zeros(4))])
    for y in np.random.default_rng(4).normal(size=50):
        running.advance(np.array([y]))
    assert not running.arrays["season"].any()


def test_lost_statistics_are_refused():
    arrays = Running.start([PLAIN]).arrays
    with pytest.raises(ValueError, match="the running statistics have the shapes"):
        Running({name: array for name, array in arrays.items() if name != "level"})
    with pytest.raises(ValueError, match="the running statistics have the shapes"):
        Running({**arrays, "level": np.zeros(2)})
