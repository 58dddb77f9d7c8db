import numpy as np

from ostinato.data.distortion import distort

SERIES = [np.sin(np.linspace(0, 9, 80))[:, None].astype(np.float32), np.ones((30, 2), dtype=np.float32)]


def test_strength_zero_changes_nothing():
    for before, after in zip(SERIES, distort(SERIES, 0.0, np.random.default_rng(0)), strict=True):
        assert np.allclose(before, after, atol=1e-6)


def test_distorted_series_are_like_what_they_were():
    rng = np.random.default_rng(0)
    for _ in range(20):
        (changed,) = distort(SERIES[:1], 0.5, rng)
        grid = np.interp(np.linspace(0, 1, 80), np.linspace(0, 1, len(changed)), changed[:, 0])
        assert np.corrcoef(grid, SERIES[0][:, 0])[0, 1] > 0.8
        assert 72 <= len(changed) <= 88
        assert changed.dtype == np.float32


def test_the_same_random_numbers_give_the_same_series():
    one, other = (distort(SERIES, 1.0, np.random.default_rng(4)) for _ in range(2))
    assert all(np.array_equal(first, second) for first, second in zip(one, other, strict=True))


def test_empty_series_and_single_steps_stay():
    series = [np.zeros((0, 2)), np.ones((1, 2))]
    assert [values.tolist() for values in distort(series, 1.0, np.random.default_rng(0))] == [[], [[1, 1]]]
