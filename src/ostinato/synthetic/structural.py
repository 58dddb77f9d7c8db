"""Families with a level, a trend and a season: the shapes of business and economic series."""

import numpy as np

from ostinato.synthetic.draws import (
    Array,
    Chance,
    autoregressive_noise,
    log_uniform,
    noise,
    place,
    poles,
    seasonal,
    sometimes,
    space,
    uniform,
)


def seasonal_arima(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws seasonal ARIMA series, poles inside the unit disc, half of them integrated.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance; the same state gives the same series.

    Returns:
        (count, length).
    """
    xp = space(rng)
    first, second = poles(rng, count)
    memory = uniform(rng, 0.5, 1.0, count) * sometimes(rng, 0.7, count) * (season_length > 1)
    moving = uniform(rng, -0.8, 0.8, count) * sometimes(rng, 0.5, count)
    lead = season_length + 2
    shocks = noise(rng, length + lead, count)
    strength = log_uniform(rng, 0.3, 6.0, count)
    shocks[:season_length] *= strength
    calm = xp.sqrt(1.0 - xp.minimum(memory, 0.98) ** 2)
    series = xp.zeros_like(shocks)
    for step in range(length + lead):
        value = shocks[step] * (calm if step >= season_length else 1.0)
        if step:
            value = value + moving * calm * shocks[step - 1] * (step > season_length)
        if step >= 2:
            value += first * series[step - 1] + second * series[step - 2]
        if step >= lead:
            before = series[step - season_length]
            echo = first * series[step - season_length - 1] + second * series[step - season_length - 2]
            value += memory * (before - echo)
        series[step] = value
    series = series[lead:]
    summed = xp.cumsum(series - series.mean(axis=0) * sometimes(rng, 0.7, count), axis=0)
    integrated = sometimes(rng, 0.4, count)
    return place(rng, xp.where(integrated > 0, summed, series))


def trend_season(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws trend times season times noise, with bends in the trend and closed days in the calendar.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length), positive, with zeros on closed days.
    """
    xp = space(rng)
    time = xp.linspace(0, 1, length, dtype=np.float32)[:, None]
    slope = rng.standard_normal(count, dtype=np.float32) * log_uniform(rng, 0.05, 3.0, count)
    trend = slope * time
    for _ in range(3):
        bend = uniform(rng, 0.0, 1.0, count)
        trend = trend + sometimes(rng, 0.4, count) * slope * uniform(rng, -2.5, 1.5, count) * xp.maximum(
            time - bend, 0
        )
    power = xp.where(rng.random(count) < 0.3, uniform(rng, 0.3, 1.0, count), 1.0)
    trend = xp.sign(trend) * xp.abs(trend) ** power
    season = seasonal(rng, length, count, season_length)
    season *= log_uniform(rng, 0.01, 0.7, count) * sometimes(rng, 0.85, count)
    error = autoregressive_noise(rng, length, count) * log_uniform(rng, 0.005, 0.3, count)
    product = xp.exp(xp.clip(trend + season + error, -10, 10))
    total = xp.maximum(1.5 + 0.7 * trend + season + error, 0.0)
    series = xp.where(rng.random(count) < 0.6, product, total)
    if season_length > 2:
        closed = rng.random((season_length, count)) < 1.5 / season_length
        closed &= rng.random(count) < 0.1
        series = xp.where(closed[xp.arange(length) % season_length], 0.0, series)
    return xp.ascontiguousarray((series * log_uniform(rng, 1.0, 1e4, count)).T, dtype=np.float32)


def exponential_smoothing(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Simulates exponential smoothing models: damped or straight trends, additive or multiplicative.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length).

    References:
        Hyndman, Koehler, Ord and Snyder (2008), Forecasting with Exponential Smoothing, chapter 2.
    """
    xp = space(rng)
    alpha = uniform(rng, 0.02, 1.0, count)
    beta = alpha * uniform(rng, 0.0, 0.3, count) * sometimes(rng, 0.6, count)
    gamma = (1 - alpha) * uniform(rng, 0.0, 0.4, count)
    damping = xp.where(rng.random(count) < 0.6, uniform(rng, 0.8, 0.995, count), 1.0)
    size = log_uniform(rng, 0.003, 0.25, count)
    errors = noise(rng, length, count) * size
    season = seasonal(rng, season_length, count, season_length)
    season *= log_uniform(rng, 0.01, 0.6, count) * sometimes(rng, 0.8, count)
    level = xp.zeros(count, dtype=np.float32)
    slope = size * rng.standard_normal(count, dtype=np.float32) * log_uniform(rng, 0.02, 1.0, count)
    pull = (
        uniform(rng, 0.0, 1.0, count) * slope * sometimes(rng, 0.5, count)
    )  # a lasting drift beneath the damped slope
    series = xp.empty((length, count), dtype=np.float32)
    for step in range(length):
        ahead = damping * slope
        phase = step % season_length
        series[step] = level + ahead + pull + season[phase] + errors[step]
        level = level + ahead + pull + alpha * errors[step]
        slope = ahead + beta * errors[step]
        season[phase] += gamma * errors[step]
    multiplicative = xp.exp(xp.clip(series, -10, 10))
    base = uniform(rng, 0.5, 3.0, count)
    chosen = xp.where(rng.random(count) < 0.6, multiplicative, base + series)
    return xp.ascontiguousarray((chosen * log_uniform(rng, 1.0, 1e4, count)).T, dtype=np.float32)


def local_level(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws wandering levels with heavy-tailed steps, a drift, autoregressive noise, a cycle and a season.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length).
    """
    xp = space(rng)
    steps = noise(rng, length, count)
    fading = uniform(rng, 0.7, 1.0, count) ** (rng.random(count) < 0.3)
    drift = rng.standard_normal(count, dtype=np.float32) * log_uniform(rng, 0.02, 1.5, count)
    level = xp.zeros((length, count), dtype=np.float32)
    for step in range(1, length):
        level[step] = fading * level[step - 1] + steps[step] + drift
    series = level + autoregressive_noise(rng, length, count) * log_uniform(rng, 0.1, 6.0, count)
    period = log_uniform(rng, 6.0, 80.0, count)
    time = xp.arange(length, dtype=np.float32)[:, None]
    cycle = xp.sin(2 * np.pi * (time / period + rng.random(count)))
    cycle = xp.asarray(cycle, dtype=np.float32)
    series += cycle * log_uniform(rng, 0.3, 8.0, count) * sometimes(rng, 0.3, count)
    season = seasonal(rng, length, count, season_length)
    series += season * log_uniform(rng, 0.3, 15.0, count) * sometimes(rng, 0.7, count)
    size = log_uniform(rng, 0.003, 0.2, count)
    positive = xp.exp(xp.clip(series * size, -10, 10)) * log_uniform(rng, 1.0, 1e4, count)
    signed = series + rng.standard_normal(count, dtype=np.float32) * 20
    return xp.ascontiguousarray(xp.where(rng.random(count) < 0.7, positive, signed).T, dtype=np.float32)


def local_trend(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws levels with a slope of their own that wanders, jumps now and then, or returns to a lasting one.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length).
    """
    xp = space(rng)
    persistence = xp.where(rng.random(count) < 0.4, 1.0, uniform(rng, 0.5, 0.99, count))
    lasting = rng.standard_normal(count, dtype=np.float32) * log_uniform(rng, 0.05, 3.0, count)
    lasting = xp.where(rng.random(count) < 0.5, xp.abs(lasting), lasting)  # growth is the rule
    moves = noise(rng, length, count) * log_uniform(rng, 0.01, 1.0, count)
    bends = (rng.random((length, count), dtype=np.float32) < log_uniform(rng, 0.002, 0.1, count)) * noise(
        rng, length, count
    )
    moves += bends * log_uniform(rng, 0.2, 3.0, count) * sometimes(rng, 0.5, count)
    shocks = noise(rng, length, count) * log_uniform(rng, 0.05, 2.0, count)
    slope = lasting + rng.standard_normal(count, dtype=np.float32) * 0.5
    series = xp.empty((length, count), dtype=np.float32)
    level = xp.zeros(count, dtype=np.float32)
    for step in range(length):
        slope = lasting + persistence * (slope - lasting) + moves[step]
        level = level + slope + shocks[step]
        series[step] = level
    spread = xp.abs(xp.diff(series, axis=0)).sum(axis=0) / max(length - 1, 1) + 1e-6
    series /= spread
    series += autoregressive_noise(rng, length, count) * log_uniform(rng, 0.02, 1.0, count)
    season = seasonal(rng, length, count, season_length)
    series += season * log_uniform(rng, 0.3, 10.0, count) * sometimes(rng, 0.7, count)
    size = log_uniform(rng, 0.005, 0.15, count)
    limit = xp.maximum(xp.max(xp.abs(series), axis=0) * size / 6, 1.0)  # no growth beyond a few hundred times
    positive = xp.exp(series * size / limit) * log_uniform(rng, 1.0, 1e4, count)
    reach = series - xp.min(series, axis=0) + xp.max(xp.abs(series), axis=0) * uniform(rng, 0.02, 1.0, count)
    return xp.ascontiguousarray(xp.where(rng.random(count) < 0.5, positive, reach).T, dtype=np.float32)
