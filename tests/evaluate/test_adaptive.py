"""Intervals that adapt, and the drift alarm: against hand calculations, guarantees and simulations."""

from statistics import NormalDist

import numpy as np
import pytest

from ostinato.errors import ModelFileError
from ostinato.evaluate.adaptive import FEWEST, KEPT, LIMIT, RATE, SLACK, Adaptive
from ostinato.evaluate.conformal import Conformal


def run(tracker, ys, forecasts=None):
    """Observe (time, series) values, each forecast as 0 or as given; the alarms, (time, series)."""
    series, h = tracker.arrays["unit"].shape
    alarms = []
    for number, y in enumerate(ys):
        tracker.expect(np.zeros((series, h)) if forecasts is None else forecasts[number])
        alarms.append(tracker.observe(np.asarray(y, dtype=np.float64)))
    return np.array(alarms)


def test_each_value_is_compared_with_the_forecasts_that_were_made_of_it():
    tracker = Adaptive(1, 3)
    forecasts = [np.array([[10.0 * time + ahead for ahead in (1, 2, 3)]]) for time in range(5)]
    run(tracker, [[0.0]] * 5, forecasts)
    # the value at time t (from 0) was forecast k steps before, at time t - k + 1, as 10 * (t - k + 1) + k
    errors = {k: [10 * (t - k + 1) + k for t in range(5) if t - k + 1 >= 0] for k in (1, 2, 3)}
    assert tracker.arrays["seen"][0].tolist() == [5, 4, 3]
    for k, values in errors.items():
        assert tracker.arrays["unit"][0, k - 1] == pytest.approx(np.mean(values))  # a plain mean at first


def test_the_quantile_is_that_of_split_conformal_prediction():
    rng = np.random.default_rng(0)
    tracker, ys = Adaptive(1, 1, levels=(80,)), rng.normal(size=40)
    tracker.arrays["unit"][:], tracker.arrays["seen"][:] = 1.0, 1e9  # a unit that no error moves
    import ostinato.evaluate.adaptive as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FORGETTING", 0.0)
        run(tracker, ys[:, None])
        scores = np.sort(np.abs(ys))
        nominal = tracker.widths((80.0 + 1e-9,))[0, 0, 0]
    assert nominal == pytest.approx(scores[int(np.ceil(0.8 * 41)) - 1], rel=1e-6)


def test_alpha_moves_as_gibbs_and_candes_say():
    tracker = Adaptive(1, 1, levels=(90,))
    run(tracker, np.random.default_rng(1).normal(size=(FEWEST, 1)))
    tracker.expect(np.zeros((1, 1)))
    width, before = tracker.widths()[0, 0, 0], tracker.arrays["alpha"][0, 0, 0]
    tracker.observe(np.array([width * 1.01]))
    assert tracker.arrays["alpha"][0, 0, 0] == pytest.approx(before + RATE * (0.1 - 1))
    tracker.expect(np.zeros((1, 1)))
    tracker.observe(np.array([0.0]))
    assert tracker.arrays["alpha"][0, 0, 0] == pytest.approx(before + RATE * (0.1 - 1) + RATE * 0.1)


@pytest.mark.parametrize("growth", [0.0, 0.004])
def test_the_coverage_holds_whatever_the_errors_do(growth):
    rng = np.random.default_rng(2)
    time = np.arange(3000)
    ys = rng.standard_t(3, size=(3000, 4)) * np.exp(growth * time)[:, None] * (1 + (time // 500) % 2)[:, None]
    tracker = Adaptive(4, 1)
    run(tracker, ys)
    bound = (np.abs(tracker.arrays["alpha"]).max() + 1) / (RATE * 3000)  # of the theorem, at the end
    coverage = tracker.coverage()[0]
    assert np.abs(coverage - [0.8, 0.95]).max() < min(bound, 0.02)


def test_an_interval_doubles_with_each_miss_once_alpha_is_below_zero():
    tracker = Adaptive(1, 1, levels=(95,))
    run(tracker, np.random.default_rng(3).normal(size=(200, 1)))
    tracker.arrays["alpha"][:] = -RATE
    wide = tracker.widths()[0, 0, 0]
    tracker.arrays["alpha"][:] = -3 * RATE
    assert tracker.widths()[0, 0, 0] == pytest.approx(4 * wide)


def test_intervals_of_higher_levels_hold_those_of_lower_ones():
    tracker = Adaptive(2, 3)
    run(tracker, np.random.default_rng(4).normal(size=(100, 2)))
    tracker.arrays["alpha"][:, :, 0] = 0.01  # the lower level has missed a lot
    assert (np.diff(tracker.widths((80, 90, 95)), axis=2) >= 0).all()


def test_without_errors_enough_there_are_no_intervals():
    tracker = Adaptive(1, 2)
    run(tracker, np.ones((FEWEST - 1, 1)))
    assert np.isnan(tracker.widths()).all()
    assert np.isnan(tracker.coverage()).all()
    run(tracker, np.ones((1, 1)))
    assert np.isfinite(tracker.widths()).all()


def test_missing_values_say_nothing():
    rng = np.random.default_rng(5)
    tracker = Adaptive(1, 2)
    run(tracker, rng.normal(size=(50, 1)))
    before = {name: array.copy() for name, array in tracker.arrays.items()}
    tracker.observe(np.array([np.nan]))
    for name, array in before.items():
        assert np.array_equal(tracker.arrays[name], array, equal_nan=True), name


def test_errors_that_were_always_zero_and_are_not_any_more_are_large():
    tracker = Adaptive(1, 1)
    run(tracker, np.zeros((60, 1)))
    assert tracker.widths().tolist() == [[[0.0, 0.0]]]
    run(tracker, np.ones((3, 1)))
    assert np.isfinite(tracker.widths()).all()
    assert (tracker.arrays["missed"] == 3).all()


def test_the_errors_of_a_backtest_are_where_a_tracker_begins():
    errors = np.random.default_rng(6).normal(size=(200, 3)) * [1, 2, 3]
    conformal = Conformal.fit(errors, {"a": 10.0, "b": 0.5})
    tracker = Adaptive.calibrated(conformal, ["a", "b", "new"], 3)
    widths = tracker.widths()  # (series, h, levels)
    expected = np.quantile(np.abs(errors), [0.8, 0.95], axis=0).T
    assert widths[0] == pytest.approx(10 * expected, rel=0.25)
    assert widths[1] == pytest.approx(0.5 * expected, rel=0.25)
    assert np.isnan(widths[2]).all()


def test_one_series_has_the_unit_one():
    conformal = Conformal.fit(np.random.default_rng(7).normal(size=(100, 2)))
    tracker = Adaptive.calibrated(conformal, ["anything"], 2)
    assert tracker.widths()[0, :, 1] == pytest.approx([1.96, 1.96], rel=0.3)


def test_the_alarm_is_the_cusum_of_normal_scores():
    rng = np.random.default_rng(8)
    reference, ys = rng.normal(size=KEPT), rng.normal(size=30) * 1.5
    tracker = Adaptive(1, 1)
    run(tracker, reference[:, None])
    assert tracker.arrays["alarms"][0] == 0
    total, expected = tracker.arrays["sum"][0], []
    for y in ys:
        rank = (np.abs(reference) < abs(y)).sum()
        total = max(0.0, total + NormalDist().inv_cdf((2 * rank + 1) / (2 * KEPT + 2)) - SLACK)
        expected.append(total > LIMIT)
        total = 0.0 if total > LIMIT else total
        assert run(tracker, [[y]])[0, 0] == expected[-1]
        assert tracker.arrays["sum"][0] == pytest.approx(total)
    assert tracker.arrays["alarms"][0] == sum(expected)


def test_false_alarms_are_as_rare_as_stated():
    rng = np.random.default_rng(9)
    tracker = Adaptive(1500, 1)
    run(tracker, rng.normal(size=(KEPT, 1500)))
    alarms = run(tracker, rng.normal(size=(600, 1500)))
    assert 700 < alarms.size / alarms.sum() < 1200  # stated: about 900


def test_while_the_reference_grows_each_error_is_ranked_among_those_before_it():
    errors = np.abs(np.random.default_rng(6).normal(size=50)) * np.where(np.arange(50) < 30, 1.0, 50.0)
    tracker = Adaptive(1, 1)
    alarms = run(tracker, errors[:, None])[:, 0]
    total, expected = 0.0, []
    for number, error in enumerate(errors):
        if number >= FEWEST:
            share = (2 * np.sum(errors[:number] < error) + 1) / (2 * number + 2)
            total = max(0.0, total + NormalDist().inv_cdf(share) - SLACK)
        expected.append(total > LIMIT)
        total = 0.0 if expected[-1] else total
    assert alarms.tolist() == expected
    assert not alarms[:30].any()
    assert alarms[30:40].any()


def test_a_growing_reference_raises_no_more_false_alarms():
    tracker = Adaptive(4000, 1)
    alarms = run(tracker, np.random.default_rng(7).normal(size=(KEPT, 4000)))
    assert alarms[:FEWEST].sum() == 0
    assert alarms[FEWEST:].size / max(1, alarms.sum()) > 900


def test_errors_twice_as_large_raise_the_alarm_soon():
    rng = np.random.default_rng(10)
    tracker = Adaptive(500, 1)
    run(tracker, rng.normal(size=(KEPT, 500)))
    alarms = run(tracker, 2 * rng.normal(size=(150, 500)))
    assert alarms.any(axis=0).mean() > 0.99
    assert 10 < (alarms.argmax(axis=0) + 1).mean() < 20  # stated: about 14


def test_some_series_can_go_on_without_the_others():
    rng = np.random.default_rng(11)
    together, apart = Adaptive(3, 2), Adaptive(3, 2)
    ys = rng.normal(size=(80, 3))
    run(together, ys)
    for rows in (np.array([0, 2]), np.array([1])):
        part = apart.take(rows)
        run(part, ys[:, rows])
        apart.put(rows, part)
    for name, array in together.arrays.items():
        assert np.array_equal(array, apart.arrays[name], equal_nan=True), name


def test_arrays_bring_a_tracker_back():
    tracker = Adaptive(2, 3)
    run(tracker, np.random.default_rng(12).normal(size=(40, 2)))
    again = Adaptive.from_arrays(tracker.levels, tracker.arrays)
    assert np.array_equal(tracker.widths(), again.widths())


@pytest.mark.parametrize("lost", ["unit", "scores"])
def test_a_lost_array_is_a_damaged_file(lost):
    arrays = {name: array for name, array in Adaptive(2, 3).arrays.items() if name != lost}
    with pytest.raises(ModelFileError, match="the intervals of the stream lack"):
        Adaptive.from_arrays((80, 95), arrays)
