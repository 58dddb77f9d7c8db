"""Families made of events: steps, spikes, saw teeth and intermittent counts."""

import numpy as np

from ostinato.synthetic.draws import (
    Array,
    Chance,
    autoregressive_noise,
    log_uniform,
    noise,
    place,
    seasonal,
    sometimes,
    space,
    uniform,
)


def steps_and_spikes(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws level shifts, spikes, square waves and saw teeth over noise.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length).
    """
    xp = space(rng)
    rate = log_uniform(rng, 0.5 / length, 0.05, count)
    jumps = (rng.random((length, count), dtype=np.float32) < rate) * noise(rng, length, count)
    level = xp.cumsum(jumps * log_uniform(rng, 1.0, 8.0, count), axis=0)
    spikes = (rng.random((length, count), dtype=np.float32) < rate) * xp.abs(noise(rng, length, count))
    level += spikes * log_uniform(rng, 2.0, 15.0, count) * sometimes(rng, 0.5, count)
    free = log_uniform(rng, 4.0, 120.0, count)
    period = xp.where(rng.random(count) < 0.6, float(max(season_length, 4)), free)
    phase = (xp.arange(length, dtype=np.float32)[:, None] / period + rng.random(count)) % 1.0
    width = uniform(rng, 0.1, 0.9, count)
    square = xp.where(phase < width, 1.0, -1.0)
    tooth = xp.where(phase < width, phase / width, (1 - phase) / (1 - width))
    shape = xp.where(rng.random(count) < 0.5, square, tooth)
    level += shape * log_uniform(rng, 0.5, 8.0, count) * sometimes(rng, 0.5, count)
    level += (
        seasonal(rng, length, count, season_length)
        * uniform(rng, 0.0, 3.0, count)
        * sometimes(rng, 0.4, count)
    )
    error = autoregressive_noise(rng, length, count) * log_uniform(rng, 0.02, 2.0, count)
    return place(rng, xp.asarray(level + error, dtype=np.float32))


def intermittent_counts(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws demand that is often zero, its rate seasonal, drifting or ending.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length), whole numbers from 0.
    """
    xp = space(rng)
    base = log_uniform(rng, 0.02, 1.2, count)
    season = (
        seasonal(rng, length, count, season_length)
        * uniform(rng, 0.0, 0.8, count)
        * sometimes(rng, 0.4, count)
    )
    walk = xp.cumsum(rng.standard_normal((length, count), dtype=np.float32), axis=0) / np.sqrt(length)
    rate = base * xp.exp(xp.clip(season + walk * uniform(rng, 0.0, 2.0, count), -4, 3))
    ending = xp.arange(length)[:, None] > (uniform(rng, 0.3, 1.0, count) * length)
    rate = xp.where(ending & (rng.random(count) < 0.1), 0.1 * rate, rate)
    arrives = rng.random((length, count), dtype=np.float32) < 1 - xp.exp(-rate)
    spread = uniform(rng, 0.0, 1.2, count)
    size = xp.exp(spread * rng.standard_normal((length, count), dtype=np.float32)) * log_uniform(
        rng, 0.5, 15.0, count
    )
    size = xp.where(rng.random(count) < 0.3, 1.0, xp.ceil(size))
    return xp.ascontiguousarray((arrives * size).T, dtype=np.float32)
