"""Families made of events: steps, spikes, saw teeth and intermittent counts."""

import numpy as np

from ostinato.synthetic.draws import (
    Array,
    autoregressive_noise,
    log_uniform,
    noise,
    place,
    seasonal,
    sometimes,
    uniform,
)


def steps_and_spikes(count: int, length: int, *, season_length: int, rng: np.random.Generator) -> Array:
    """Draws level shifts, spikes, square waves and saw teeth over noise.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length).
    """
    rate = log_uniform(rng, 0.5 / length, 0.05, count)
    jumps = (rng.random((length, count), dtype=np.float32) < rate) * noise(rng, length, count)
    level = np.cumsum(jumps * log_uniform(rng, 1.0, 8.0, count), axis=0)
    spikes = (rng.random((length, count), dtype=np.float32) < rate) * np.abs(noise(rng, length, count))
    level += spikes * log_uniform(rng, 2.0, 15.0, count) * sometimes(rng, 0.5, count)
    free = log_uniform(rng, 4.0, 120.0, count)
    period = np.where(rng.random(count) < 0.6, np.float32(max(season_length, 4)), free)
    phase = (np.arange(length, dtype=np.float32)[:, None] / period + rng.random(count)) % 1.0
    width = uniform(rng, 0.1, 0.9, count)
    square = np.where(phase < width, 1.0, -1.0)
    tooth = np.where(phase < width, phase / width, (1 - phase) / (1 - width))
    shape = np.where(rng.random(count) < 0.5, square, tooth)
    level += shape * log_uniform(rng, 0.5, 8.0, count) * sometimes(rng, 0.5, count)
    level += (
        seasonal(rng, length, count, season_length)
        * uniform(rng, 0.0, 3.0, count)
        * sometimes(rng, 0.4, count)
    )
    error = autoregressive_noise(rng, length, count) * log_uniform(rng, 0.02, 2.0, count)
    return place(rng, (level + error).astype(np.float32))


def intermittent_counts(count: int, length: int, *, season_length: int, rng: np.random.Generator) -> Array:
    """Draws demand that is often zero, its rate seasonal, drifting or ending.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length), whole numbers from 0.
    """
    base = log_uniform(rng, 0.02, 1.2, count)
    season = (
        seasonal(rng, length, count, season_length)
        * uniform(rng, 0.0, 0.8, count)
        * sometimes(rng, 0.4, count)
    )
    walk = np.cumsum(rng.standard_normal((length, count), dtype=np.float32), axis=0) / np.sqrt(length)
    rate = base * np.exp(np.clip(season + walk * uniform(rng, 0.0, 2.0, count), -4, 3))
    ending = np.arange(length)[:, None] > (uniform(rng, 0.3, 1.0, count) * length)
    rate = np.where(ending & (rng.random(count) < 0.1), 0.1 * rate, rate)
    arrives = rng.random((length, count), dtype=np.float32) < 1 - np.exp(-rate)
    spread = uniform(rng, 0.0, 1.2, count)
    size = np.exp(spread * rng.standard_normal((length, count), dtype=np.float32)) * log_uniform(
        rng, 0.5, 15.0, count
    )
    size = np.where(rng.random(count) < 0.3, 1.0, np.ceil(size))
    return np.ascontiguousarray((arrives * size).T, dtype=np.float32)
