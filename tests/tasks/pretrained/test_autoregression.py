import numpy as np
import pytest

from ostinato.tasks.pretrained import autoregression as pretrained_autoregression
from ostinato.tasks.pretrained import scaling as pretrained_scaling


def test_levinson_solves_the_yule_walker_equations():
    covariance = pretrained_autoregression._autocovariance(
        np.random.default_rng(1).standard_normal((3, 80)).astype(np.float32), 5
    )
    found = pretrained_autoregression._levinson(covariance)
    for row, sums in enumerate(covariance.astype(float)):
        matrix = sums[np.abs(np.subtract.outer(np.arange(5), np.arange(5)))] + np.eye(5) * 0.001 * sums[0]
        np.testing.assert_allclose(found[row], np.linalg.solve(matrix, sums[1:]), atol=1e-3)


def test_autocovariances_are_sums_of_products():
    series = np.random.default_rng(0).standard_normal((2, 30)).astype(np.float32)
    found = pretrained_autoregression._autocovariance(series, 3)
    np.testing.assert_allclose(found[:, 2], (series[:, 2:] * series[:, :-2]).sum(axis=1), rtol=1e-4)


def test_lags_beyond_the_past_are_zero():
    assert pretrained_autoregression._autocovariance(np.ones((1, 2), np.float32), 4)[0, 2:].tolist() == [
        0,
        0,
        0,
    ]


def test_forecasts_of_a_stationary_series_return_to_its_mean():
    values = np.random.default_rng(0).standard_normal((4, 200)).astype(np.float32)
    past = pretrained_scaling.prepare(values, 1)
    mean = past.adjusted.mean(axis=1)
    levels, *_ = pretrained_autoregression.autoregressions(past.adjusted, past, mean, 60)
    np.testing.assert_allclose(levels[:, -1], mean, atol=0.02)


def test_the_swing_is_the_standard_deviation():
    values = np.random.default_rng(0).standard_normal((4, 200)).astype(np.float32)
    past = pretrained_scaling.prepare(values, 1)
    swing = pretrained_autoregression.autoregressions(past.adjusted, past, past.adjusted.mean(axis=1), 1)[3]
    assert np.exp(swing) == pytest.approx(past.adjusted.std(axis=1), rel=0.01)
