from statistics import NormalDist

import numpy as np
import pytest

from ostinato.synthetic import generate
from ostinato.tasks.pretrained import intervals as pretrained_intervals
from ostinato.tasks.pretrained import values as pretrained_values
from ostinato.tasks.pretrained.intervals import CENTRE, COVERED, KNOTS

NORMAL = NormalDist()


def laid_out(series):
    values = np.asarray(series, dtype=float)
    ends = np.arange(1, len(values) + 1) * values.shape[1]
    return values.reshape(-1), ends - values.shape[1], ends


def run(series, h=6, season_length=1):
    return pretrained_intervals.forecast_levels(*laid_out(series), h, season_length=season_length)


def normal_knots(windows, h, scale=1.0):
    return np.tile(np.array([NORMAL.inv_cdf(level) for level in KNOTS]) * scale, (windows, h, 1))


def walks(count=60, length=80, seed=0):
    return np.random.default_rng(seed).standard_normal((count, length)).cumsum(axis=1) + 100


def test_the_intervals_cover_what_they_are_named_for():
    assert COVERED == (0.2, 0.4, 0.6, 0.8, 0.95)


@pytest.mark.parametrize("scale", [0.7, 1.6])
def test_quantiles_that_are_too_wide_or_narrow_are_stretched_to_the_truth(scale):
    actual = np.random.default_rng(0).standard_normal((4000, 5))
    origin = np.repeat(np.arange(4), 1000)
    factors = pretrained_intervals.learn(normal_knots(4000, 5, scale), actual, origin)
    np.testing.assert_allclose(factors, (1 / scale) ** 0.9, rtol=0.08)  # a tenth of the way is left to doubt


def test_little_evidence_changes_little():
    actual = np.full((1, 3), 50.0)
    factors = pretrained_intervals.learn(normal_knots(1, 3), actual, np.zeros(1, dtype=int))
    assert (factors < 1.06).all()


def test_each_band_of_steps_has_its_own_factor():
    actual = np.random.default_rng(1).standard_normal((2000, 4)) * [1, 1, 1, 3]
    factors = pretrained_intervals.learn(normal_knots(2000, 4), actual, np.repeat([0, 1], 1000))
    np.testing.assert_array_equal(factors[1], factors[2])  # steps 2 and 3
    assert factors[3, 3] > 1.5 * factors[0, 3]


def test_unknown_values_teach_nothing():
    actual = np.full((9, 2), np.nan)
    factors = pretrained_intervals.learn(normal_knots(9, 2), actual, np.arange(9))
    np.testing.assert_array_equal(factors, 1.0)


def test_stretched_quantiles_keep_their_order_and_median():
    knots = np.sort(np.random.default_rng(0).standard_normal((7, 3, len(KNOTS))), axis=-1)
    factors = np.random.default_rng(1).uniform(0.3, 3, (3, len(COVERED)))
    found = pretrained_intervals.widen(knots, factors)
    assert (np.diff(found, axis=-1) >= 0).all()
    np.testing.assert_array_equal(found[..., CENTRE], knots[..., CENTRE])


def test_factors_of_one_change_nothing():
    knots = np.sort(np.random.default_rng(0).standard_normal((7, 3, len(KNOTS))), axis=-1)
    np.testing.assert_allclose(pretrained_intervals.widen(knots, np.ones((3, 5))), knots)


def test_the_median_is_that_of_the_network():
    series = walks()
    plain = pretrained_values.forecast_values(*laid_out(series), 6, season_length=1)
    np.testing.assert_array_equal(run(series).at(0.5), plain[:, :, 4])


def test_levels_between_and_beyond_the_quantiles_keep_their_order():
    found = run(walks())
    levels = np.stack([found.at(level) for level in (0.001, 0.01, 0.025, 0.1, 0.13, 0.5, 0.9, 0.96, 0.999)])
    assert (np.diff(levels, axis=0) >= 0).all()


def test_a_level_between_two_quantiles_lies_between_them():
    found = run(walks())
    np.testing.assert_allclose(found.at(0.15), (found.at(0.1) + found.at(0.2)) / 2)


def test_the_far_tail_is_normal():
    found = run(walks())
    reach = found.at(0.999) - found.at(0.5)
    expected = (found.at(0.975) - found.at(0.5)) * NORMAL.inv_cdf(0.999) / NORMAL.inv_cdf(0.975)
    np.testing.assert_allclose(reach, expected)


def test_all_levels_of_counts_are_whole_and_none_is_negative():
    counts = np.random.default_rng(0).poisson(0.8, (30, 60))
    found = run(counts, season_length=12)
    for level in (0.01, 0.05, 0.1, 0.33, 0.5, 0.93, 0.99):
        np.testing.assert_array_equal(found.at(level), np.rint(found.at(level)))
        assert found.at(level).min() >= 0


def test_an_interval_of_counts_from_zero_leaves_nothing_below_it():
    found = run(np.random.default_rng(2).poisson(0.8, (40, 60)), season_length=12)
    low, high = found.interval(0.8)
    assert (low == 0).all()
    np.testing.assert_array_equal(high, found.at(0.8))


def test_an_interval_of_other_series_leaves_as_much_below_as_above():
    found = run(walks())
    low, high = found.interval(0.8)
    np.testing.assert_allclose(low, found.at(0.1))
    np.testing.assert_allclose(high, found.at(0.9))


def test_intervals_from_zero_hold_their_share_of_counts():
    counts = np.random.default_rng(1).poisson(0.6, (400, 60))  # 55 % are 0, 88 % at most 1
    found = run(counts[:, :54])
    inside = (counts[:, 54:] >= found.interval(0.8)[0]) & (counts[:, 54:] <= found.interval(0.8)[1])
    assert 0.8 < inside.mean() < 0.92


def test_intervals_of_counts_hold_their_share():
    counts = np.random.default_rng(1).poisson(2.0, (300, 60))
    found = run(counts[:, :54])
    inside = (counts[:, 54:] >= found.at(0.1)) & (counts[:, 54:] <= found.at(0.9))
    assert 0.8 <= inside.mean() <= 0.96  # the true quantiles, 0 and 4, hold 0.947; 1 and 4 hold 0.812


def test_series_that_were_never_negative_get_no_negative_levels():
    series = np.random.default_rng(0).gamma(0.5, 5, (20, 40))
    assert run(series).at(0.001).min() >= 0


def test_intervals_do_not_see_what_comes_after_their_past():
    series = walks(20, 60)
    values, starts, ends = laid_out(series)
    changed = values.copy()
    changed[np.arange(len(values)) % 60 >= 50] = 1e6
    both = [
        pretrained_intervals.forecast_levels(one, starts, ends - 10, 5, season_length=1).at(0.9)
        for one in (values, changed)
    ]
    np.testing.assert_array_equal(*both)


def test_a_past_too_short_for_a_trial_is_forecast_all_the_same():
    assert np.isfinite(run(walks(3, 7), 5).at(0.975)).all()


@pytest.mark.slow
def test_eight_tenths_of_what_follows_lie_in_the_interval_of_80_percent():
    series = generate(600, 72, season_length=12, seed=2**41, families=("local_level", "economic"))
    real = np.isfinite(series).all(axis=1)
    found = run(series[real, :60], 12, 12)
    future = series[real, 60:]
    inside = (future >= found.at(0.1)) & (future <= found.at(0.9))
    assert abs(inside.mean() - 0.8) < 0.05
