import numpy as np

from ostinato import synthetic


def test_counts_are_whole_numbers_from_zero():
    series = synthetic.intermittent_counts(200, 100, season_length=12, rng=np.random.default_rng(0))
    assert series.min() >= 0
    np.testing.assert_array_equal(series, np.round(series))


def test_most_counts_are_often_zero():
    series = synthetic.intermittent_counts(500, 100, season_length=12, rng=np.random.default_rng(0))
    assert np.median((series == 0).mean(axis=1)) > 0.5


def test_steps_and_spikes_have_steps_larger_than_their_noise():
    series = synthetic.steps_and_spikes(300, 300, season_length=12, rng=np.random.default_rng(0))
    steps = np.abs(np.diff(series, axis=1))
    assert np.median(steps.max(axis=1) / np.median(steps, axis=1).clip(1e-6)) > 5
