import numpy as np
import pytest

from ostinato.synthetic import augment, generate


@pytest.fixture
def series():
    return generate(100, 80, seed=0, augmented=False)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_down_sampling_takes_means_of_the_last_whole_groups():
    series = np.arange(7, dtype=np.float32)[None]
    np.testing.assert_array_equal(augment.down_sample(series, factor=3), [[2.0, 5.0]])


def test_down_sampling_can_take_the_last_value():
    series = np.arange(6, dtype=np.float32)[None]
    np.testing.assert_array_equal(augment.down_sample(series, factor=3, mean=False), [[2.0, 5.0]])


def test_a_flip_keeps_the_range(series, rng):
    flipped = augment.flip(series, rng=rng, share=1.0)
    np.testing.assert_allclose(flipped.max(axis=1), series.max(axis=1), rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(flipped.argmin(axis=1), series.argmax(axis=1))


def test_censoring_never_leaves_the_range(series, rng):
    cut = augment.censor(series, rng=rng, share=1.0)
    one_sided = (cut <= series + 1e-3).all(axis=1) | (cut >= series - 1e-3).all(axis=1)
    assert one_sided.all()


def test_modulation_keeps_the_mean_of_a_symmetric_wave(rng):
    wave = np.sin(np.arange(400, dtype=np.float32))[None].repeat(5, axis=0)
    changed = augment.modulate(wave, rng=rng, share=1.0)
    assert np.abs(changed.mean(axis=1)).max() < 0.05
    assert not np.allclose(changed, wave)


def test_rounding_leaves_fewer_distinct_values(series, rng):
    rounded = augment.round_off(series, rng=rng, share=1.0)
    distinct = [len(np.unique(row)) for row in rounded]
    assert np.median(distinct) < 80


def test_mix_up_keeps_positive_series_positive(rng):
    series = np.exp(rng.standard_normal((50, 60), dtype=np.float32))
    assert augment.mix_up(series, rng=rng, share=1.0).min() >= 0


def test_gaps_are_nan_and_the_rest_unchanged(series, rng):
    thin = augment.make_gaps(series, rng=rng, share=1.0)
    real = np.isfinite(thin)
    assert 0.8 < real.mean() < 1
    np.testing.assert_array_equal(thin[real], series[real])
