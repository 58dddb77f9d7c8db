import numpy as np

from ostinato.tasks.pretrained import scaling as pretrained_scaling
from ostinato.tasks.pretrained import seasonal as pretrained_seasonal

STEPS = np.arange(1, 29)


def prepared(values, season, long):
    past = pretrained_scaling.prepare(values.astype(np.float32), season, long)
    raw = (past.values - past.adjusted[:, -1:]) / past.unit[:, None]
    adjusted = (past.adjusted - past.adjusted[:, -1:]) / past.unit[:, None]
    return past, raw, adjusted


def double_season(length):
    time = np.arange(length)
    return -50 + np.array([0, 3, 1, -2])[time % 4] + 4.0 * (time % 28 // 4 == 2) + 2.0 * (time % 28 // 4 == 5)


def test_a_double_season_without_noise_is_carried_on():
    past, raw, adjusted = prepared(double_season(28 * 8)[None], 4, 28)
    expected = double_season(28 * 9)[28 * 8 :]
    found = pretrained_seasonal.autoregressions(raw, adjusted, past, STEPS)[0]
    values = found * past.unit[:, None] + past.adjusted[:, -1:]
    assert np.abs(values[0] - expected).mean() < 0.4


def test_the_regression_agrees_with_ridge_worked_by_hand():
    rng = np.random.default_rng(0)
    series = rng.standard_normal(80).cumsum().astype(np.float32)
    back = [1, 2, 5]
    found, _ = pretrained_seasonal._regress(
        series[None], np.ones((1, 80), np.float32), 0, back, np.array([1])
    )
    centred = series.astype(float) - series.mean()
    design = np.stack([centred[5 - lag : 80 - lag] for lag in back], axis=1)
    ridge = pretrained_seasonal.RIDGE / 80 * np.trace(design.T @ design) / 3
    weights = np.linalg.solve(design.T @ design + ridge * np.eye(3), design.T @ centred[5:])
    expected = centred[[79, 78, 75]] @ weights + series.mean()
    np.testing.assert_allclose(found[0, 0], expected, rtol=1e-3)


def test_a_short_past_gives_no_regression():
    past, raw, adjusted = prepared(np.arange(-10.0, 0)[None], 12, 0)
    forecast, level, error, _ = pretrained_seasonal.autoregressions(raw, adjusted, past, STEPS)
    assert np.isnan(forecast).all()
    assert np.isnan(level).all()
    assert error[0] == 0


def test_the_anchored_season_is_shifted_to_the_last_short_one():
    values = double_season(28 * 4) + 10.0 * (np.arange(28 * 4) >= 28 * 4 - 4)
    past, raw, _ = prepared(values[None], 4, 28)
    otherwise = np.zeros((1, 28), dtype=np.float32)
    found, _ = pretrained_seasonal.anchored(raw, past, STEPS, otherwise)
    forecast = found * past.unit[:, None] + past.adjusted[:, -1:]
    np.testing.assert_allclose(forecast[0, :24], double_season(24) + 10, atol=1e-3)


def test_without_a_longer_season_the_other_forecast_is_given():
    past, raw, _ = prepared(np.arange(-40.0, 0)[None], 4, 0)
    otherwise = np.ones((1, 28), dtype=np.float32)
    last, mean = pretrained_seasonal.anchored(raw, past, STEPS, otherwise)
    assert last is otherwise
    assert mean is otherwise
