"""The families of short economic series: a level, a trend, a season, and what disturbs them."""

import numpy as np

from ostinato.synthetic.draws import (
    Array,
    Chance,
    autoregressive_noise,
    log_uniform,
    noise,
    seasonal,
    sometimes,
    space,
    uniform,
)

LARGEST_GROWTH = 6.0  # logarithm of the largest value over the first


def economic(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws levels with Student-t steps and lasting or fading trends, disturbed, under a season.

    The disturbances are autoregressive noise, shifts of the level, spikes and cycles; each is in a part of the
    series only, so that many are a plain trend or a plain season. Two thirds change in proportion to their level.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length), positive but for a tenth of them.
    """
    return _placed(rng, _level(rng, length, count) + _disturbances(rng, length, count), season_length)


def steady_growth(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws random walks along a slope that lasts, some with one bend, some under noise and a season.

    The mean step of the whole past says more about what comes than the last steps do.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length), positive but for a tenth of them; two thirds grow.
    """
    xp = space(rng)
    slope = xp.abs(rng.standard_normal(count, dtype=np.float32)) * log_uniform(rng, 0.1, 2.5, count)
    slope = xp.where(rng.random(count) < 0.35, -slope, slope)
    bend = rng.random(count) * length
    after = xp.where(rng.random(count) < 0.3, uniform(rng, -0.5, 2.0, count), 1.0)
    bent = slope * xp.where(xp.arange(length)[:, None] < bend, 1.0, after)  # (length, count)
    series = xp.cumsum(noise(rng, length, count) + xp.asarray(bent, dtype=np.float32), axis=0)
    error = autoregressive_noise(rng, length, count) * log_uniform(rng, 0.1, 3.0, count)
    return _placed(rng, series + error * sometimes(rng, 0.4, count), season_length)


def _placed(rng: Chance, series: Array, season_length: int) -> Array:
    """Puts levels (length, count) under a season, at a scale, two thirds in proportion: (count, length)."""
    xp = space(rng)
    length, count = series.shape
    moves = xp.abs(xp.diff(series, axis=0)).sum(axis=0) / max(length - 1, 1) + 1e-6
    series = series / moves
    season = seasonal(rng, length, count, season_length)
    series += season * log_uniform(rng, 0.2, 20.0, count) * sometimes(rng, 0.85, count)
    size = log_uniform(rng, 0.002, 0.15, count)
    reach = xp.max(xp.abs(series - series[0]), axis=0)
    growth = xp.exp((series - series[0]) * xp.minimum(size, LARGEST_GROWTH / (reach + 1e-6)))
    above = series - xp.min(series, axis=0) + (reach + 1e-3) * log_uniform(rng, 0.02, 10.0, count)
    kind = rng.random(count)
    placed = xp.where(kind < 0.65, growth, xp.where(kind < 0.9, above, series))
    return xp.ascontiguousarray((placed * log_uniform(rng, 0.1, 1e4, count)).T, dtype=np.float32)


def _level(rng: Chance, length: int, count: int) -> Array:
    """Levels that wander along a slope, or return to a mean: (length, count)."""
    xp = space(rng)
    freedom = log_uniform(rng, 2.5, 30.0, count)
    gamma = rng.standard_gamma(freedom / 2, (length, count))
    tails = xp.asarray(gamma, dtype=np.float32) * (2 / freedom)
    steps = rng.standard_normal((length, count), dtype=np.float32) / xp.sqrt(tails + 1e-3)
    steps *= log_uniform(rng, 0.02, 1.5, count)
    lasting = rng.standard_normal(count, dtype=np.float32) * log_uniform(rng, 0.05, 1.5, count)
    lasting = xp.where(rng.random(count) < 0.6, xp.abs(lasting), lasting)  # growth is the rule
    fading = xp.where(rng.random(count) < 0.4, 1.0, uniform(rng, 0.6, 0.99, count))
    turns = noise(rng, length, count) * log_uniform(rng, 0.005, 0.5, count) * sometimes(rng, 0.7, count)
    returning = xp.where(rng.random(count) < 0.15, uniform(rng, 0.5, 0.97, count), 1.0)
    slope = rng.standard_normal(count, dtype=np.float32) * log_uniform(rng, 0.02, 1.0, count)
    level = xp.zeros(count, dtype=np.float32)
    series = xp.empty((length, count), dtype=np.float32)
    for step in range(length):
        slope = fading * slope + turns[step]
        level = returning * level + lasting + slope + steps[step]
        series[step] = level
    return series


def _disturbances(rng: Chance, length: int, count: int) -> Array:
    """Noise, shifts of the level, spikes and cycles, each in a part of the series: (length, count)."""
    xp = space(rng)
    result = autoregressive_noise(rng, length, count) * log_uniform(rng, 0.02, 4.0, count)
    result *= sometimes(rng, 0.7, count)
    rate = log_uniform(rng, 0.003, 0.04, count)
    shifts = (rng.random((length, count), dtype=np.float32) < rate) * noise(rng, length, count)
    result += xp.cumsum(shifts, axis=0) * log_uniform(rng, 2.0, 12.0, count) * sometimes(rng, 0.3, count)
    spikes = (rng.random((length, count), dtype=np.float32) < rate) * noise(rng, length, count)
    result += spikes * log_uniform(rng, 2.0, 15.0, count) * sometimes(rng, 0.3, count)
    time = xp.arange(length, dtype=np.float32)[:, None]
    period = log_uniform(rng, 5.0, 60.0, count)
    cycle = xp.sin(2 * np.pi * (time / period + rng.random(count)))
    cycle = xp.asarray(cycle, dtype=np.float32)
    result += cycle * log_uniform(rng, 0.3, 8.0, count) * sometimes(rng, 0.3, count)
    return result
