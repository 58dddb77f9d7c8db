import numpy as np
import pandas as pd
import pytest

from ostinato.tasks.pretrained import experts as pretrained_experts
from ostinato.tasks.pretrained import scaling as pretrained_scaling

STEPS = np.arange(1, 9)


@pytest.fixture(scope="module")
def history():
    return np.random.default_rng(0).standard_normal((5, 60)).cumsum(axis=1).astype(np.float32)


def experts(history, season=1, long=0, steps=STEPS):
    """Forecasts in the units of the data, by name."""
    past = pretrained_scaling.prepare(history, season, long)
    found = pretrained_experts.forecast(past, steps)
    values = found.forecasts * past.unit[:, None, None] + past.adjusted[:, -1][:, None, None]
    return {name: values[:, :, column] for column, name in enumerate(pretrained_experts.NAMES)}


def test_seasonal_naive_repeats_the_last_season(history):
    found = experts(history, season=4)["seasonal_naive"]
    np.testing.assert_allclose(found, np.tile(history[:, -4:], 2), atol=1e-4)


def test_seasonal_naive_of_less_than_a_season_repeats_the_last_value(history):
    short = history[:, :3] - 20
    found = experts(short, season=4)["seasonal_naive"]
    np.testing.assert_allclose(found, np.repeat(short[:, 2:], 8, axis=1), atol=1e-4)


@pytest.mark.parametrize("row", range(4))
def test_smoothing_without_trend_agrees_with_pandas(history, row):
    alpha = pretrained_experts.SMOOTHINGS[row, 0]
    found = experts(history)[f"smoothing_{row}"]
    expected = pd.DataFrame(history.T).ewm(alpha=alpha, adjust=False).mean().iloc[-1].to_numpy()
    np.testing.assert_allclose(found, np.repeat(expected[:, None], 8, axis=1), rtol=1e-3, atol=1e-3)


def damped_smoothing(series, row, steps):
    """The recursion of Gardner and McKenzie (1985), written out."""
    alpha, beta, damping = pretrained_experts.SMOOTHINGS[row].astype(float)
    level, slope = series[0], (series[4] - series[0]) / 4
    for value in series[1:]:
        before = level
        level = alpha * value + (1 - alpha) * (level + damping * slope)
        slope = beta * (level - before) + (1 - beta) * damping * slope
    return level + slope * np.cumsum(damping**steps)


@pytest.mark.parametrize("row", range(4, 9))
def test_damped_smoothing_agrees_with_its_formula(history, row):
    expected = damped_smoothing(history[0].astype(float), row, STEPS)
    np.testing.assert_allclose(experts(history)[f"smoothing_{row}"][0], expected, rtol=1e-3, atol=1e-3)


def test_theta_is_a_level_and_half_the_slope_of_a_straight_line(history):
    level = pd.Series(history[0]).ewm(alpha=0.5, adjust=False).mean().iloc[-1]
    slope = np.polyfit(np.arange(60), history[0], 1)[0]
    np.testing.assert_allclose(experts(history)["theta"][0], level + 0.5 * slope * STEPS, rtol=1e-3)


def test_drift_continues_the_line_from_the_first_to_the_last_value(history):
    slope = (history[:, -1:] - history[:, :1]) / 59
    np.testing.assert_allclose(experts(history)["drift"], history[:, -1:] + slope * STEPS, rtol=1e-3)


def test_mean_and_median_agree_with_numpy(history):
    found = experts(history)
    np.testing.assert_allclose(found["mean"][:, 0], history.mean(axis=1), atol=1e-3)
    np.testing.assert_allclose(found["median"][:, 0], np.median(history, axis=1), atol=1e-3)
    np.testing.assert_allclose(found["recent_median"][:, 0], np.median(history[:, -16:], axis=1), atol=1e-3)


def test_the_seasonal_mean_is_over_four_seasons(history):
    expected = history[:, -16:].reshape(5, 4, 4).mean(axis=1)
    np.testing.assert_allclose(experts(history, season=4)["seasonal_mean"][:, :4], expected, atol=1e-3)


def test_an_autoregression_carries_a_long_wave_on():
    wave = np.sin(np.arange(400) * 2 * np.pi / 23).astype(np.float32)[None]
    expected = np.sin((399 + STEPS) * 2 * np.pi / 23)
    found = experts(wave)["autoregression"][0]
    assert np.abs(found - expected).mean() < 0.25


def test_plain_smoothing_carries_a_straight_line_on_where_logarithms_are_taken():
    line = np.arange(100, 160, dtype=np.float32)[None]
    found = np.exp(experts(line)["plain_smoothing"][0])
    np.testing.assert_allclose(found, damped_smoothing(line[0].astype(float), 6, STEPS), rtol=1e-3)


def test_more_padding_before_the_start_changes_no_forecast(history):
    padded = np.concatenate([np.full((5, 30), np.nan, dtype=np.float32), history], axis=1)
    narrow, wide = experts(history, season=4), experts(padded, season=4)
    for name, forecast in narrow.items():
        np.testing.assert_allclose(wide[name], forecast, atol=2e-3, err_msg=name)
