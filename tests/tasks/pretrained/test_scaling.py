import numpy as np
import pytest

from ostinato.tasks.pretrained import scaling as pretrained_scaling


def row(values):
    return np.array([values], dtype=np.float32)


def periodic(cycles, season):
    time = np.arange(cycles * len(season))
    return row(100 + np.array(season)[time % len(season)])


def test_positive_values_become_logarithms():
    past = pretrained_scaling.prepare(row([1, 2, 4, 8]), 1)
    assert past.logged.all()
    np.testing.assert_allclose(past.values[0], np.log([1, 2, 4, 8]), rtol=1e-6)


@pytest.mark.parametrize("values", [[0, 1, 2, 3], [-1, 1, 2, 3], [1, 1000, 1, 1]])
def test_zeros_negatives_and_leaps_are_left_as_they_are(values):
    past = pretrained_scaling.prepare(row(values), 1)
    assert not past.logged.any()
    np.testing.assert_array_equal(past.values[0], values)


def test_a_pure_season_is_found_and_removed():
    season = np.array([-3.0, 0.0, 1.0, 2.0])
    past = pretrained_scaling.prepare(periodic(8, season) - 100, 4)
    np.testing.assert_allclose(past.index[0], season, atol=1e-4)
    np.testing.assert_allclose(past.adjusted[0], 0, atol=1e-4)
    assert past.strength[0, 0] == pytest.approx(1.0)


def test_the_longer_season_is_found_beneath_the_short_one():
    time = np.arange(14 * 8)
    values = np.array([0, 1, 0, -1])[time % 4] + 2.0 * (time % 28 // 4 == 3)
    past = pretrained_scaling.prepare(row(values - 50), 4, 28)
    wanted = np.array([0, 1, 0, -1])[np.arange(28) % 4] + 2.0 * (np.arange(28) // 4 == 3)
    np.testing.assert_allclose(past.index[0] - past.index[0].mean(), wanted - wanted.mean(), atol=0.2)


def test_noise_has_hardly_any_season():
    noise = np.random.default_rng(0).standard_normal((200, 96)).astype(np.float32)
    past = pretrained_scaling.prepare(noise, 12)
    assert past.strength[:, 0].mean() < 0.3


def test_less_than_two_seasons_have_no_indices():
    past = pretrained_scaling.prepare(row(np.arange(20)), 12)
    assert not past.index.any()


def test_the_seasonal_unit_is_what_mase_divides_by():
    values = np.random.default_rng(1).standard_normal(50)
    past = pretrained_scaling.prepare(row(values), 7)
    expected = np.abs(values[7:] - values[:-7]).mean()
    assert past.seasonal_unit[0] == pytest.approx(expected, rel=1e-5)


def test_missing_pairs_are_left_out_of_the_seasonal_unit():
    past = pretrained_scaling.prepare(row([-1, np.nan, 3, 5]), 1)
    assert past.seasonal_unit[0] == pytest.approx(2.0)


def test_gaps_hold_the_value_one_season_before():
    past = pretrained_scaling.prepare(row([-1, 2, 3, np.nan, 5]), 2)
    np.testing.assert_array_equal(past.values[0], [-1, 2, 3, 2, 5])


def test_a_gap_within_the_first_season_holds_the_last_value():
    past = pretrained_scaling.prepare(row([-1, np.nan, 3, 4]), 3)
    assert past.values[0, 1] == -1


@pytest.mark.parametrize(("season", "long"), [(1, 0), (12, 0), (4, 20)])
def test_more_padding_before_the_start_changes_nothing(season, long):
    history = np.random.default_rng(2).standard_normal((6, 90)).cumsum(axis=1).astype(np.float32)
    padded = np.concatenate([np.full((6, 37), np.nan, dtype=np.float32), history], axis=1)
    short = pretrained_scaling.prepare(history, season, long)
    wide = pretrained_scaling.prepare(padded, season, long)
    np.testing.assert_allclose(wide.adjusted[:, 37:], short.adjusted, atol=1e-4)
    np.testing.assert_allclose(wide.unit, short.unit, rtol=1e-4)
    np.testing.assert_array_equal(wide.length, short.length)


def test_a_constant_series_has_a_unit_above_zero():
    past = pretrained_scaling.prepare(row([5, 5, 5, 5]), 1)
    assert past.unit[0] > 0
    assert past.seasonal_unit[0] > 0
