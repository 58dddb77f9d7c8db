"""Families from physics and stochastic processes: Gaussian processes, regimes, chaos, growth."""

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

WAVES = 16


def gaussian_process(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws Gaussian processes by random Fourier features over a bank of kernels, with a trend and noise.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length).

    References:
        Rahimi and Recht (2007), Random Features for Large-Scale Kernel Machines, eq. 3.
    """
    xp = space(rng)
    scale = log_uniform(rng, 2.0, 200.0, count)
    frequency = rng.standard_normal((count, WAVES), dtype=np.float32) / scale[:, None]  # squared exponential
    rough = rng.random(count) < 0.4
    tails = xp.sqrt(xp.maximum(rng.standard_gamma(1.5, (count, WAVES)), 1e-2))
    tails = xp.asarray(tails, dtype=np.float32)
    frequency[rough] /= tails[rough]  # Matern: Student-t frequencies
    periodic = (rng.random((count, WAVES)) < 0.5) & (rng.random(count) < 0.5)[:, None] & (season_length > 1)
    order = rng.integers(1, max(2, season_length // 2 + 1), (count, WAVES))
    frequency = xp.where(periodic, 2 * np.pi * xp.minimum(order, 6) / season_length, frequency)
    shift = 2 * np.pi * rng.random((count, WAVES), dtype=np.float32)
    weight = rng.standard_normal((count, WAVES), dtype=np.float32)
    time = xp.arange(length, dtype=np.float32)
    series = xp.zeros((count, length), dtype=np.float32)
    for wave in range(WAVES):
        angle = frequency[:, wave : wave + 1] * time + shift[:, wave : wave + 1]  # (count, length)
        series += weight[:, wave : wave + 1] * xp.cos(angle, dtype=np.float32)
    signal = series.T / float(np.sqrt(WAVES / 2))
    trend = rng.standard_normal(count, dtype=np.float32) * 3 * sometimes(rng, 0.4, count)
    signal = signal + trend * xp.linspace(0, 1, length, dtype=np.float32)[:, None]
    return place(rng, signal + noise(rng, length, count) * log_uniform(rng, 0.01, 1.0, count))


def regime_switching(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws Ornstein-Uhlenbeck series that switch between two regimes of mean, pull and spread.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length).
    """
    xp = space(rng)
    mean = rng.standard_normal((2, count), dtype=np.float32) * log_uniform(rng, 0.5, 6.0, count)
    pull = xp.stack([log_uniform(rng, 0.01, 0.8, count) for _ in range(2)])
    spread = xp.stack([log_uniform(rng, 0.2, 2.0, count) for _ in range(2)])
    leave = log_uniform(rng, 1.0 / 400, 1.0 / 8, count)
    switches = rng.random((length, count), dtype=np.float32) < leave
    regime = (xp.cumsum(switches, axis=0) + rng.integers(0, 2, count)) % 2 == 1
    shocks = noise(rng, length, count)
    series = xp.empty((length, count), dtype=np.float32)
    value = mean[0]
    for step in range(length):
        here = regime[step]
        strength = xp.where(here, pull[1], pull[0])
        wanted = xp.where(here, mean[1], mean[0])
        value = value + strength * (wanted - value) + xp.where(here, spread[1], spread[0]) * shocks[step]
        series[step] = value
    season = seasonal(rng, length, count, season_length)
    return place(rng, series + season * log_uniform(rng, 0.3, 6.0, count) * sometimes(rng, 0.5, count))


def chaos_and_growth(count: int, length: int, *, season_length: int, rng: Chance) -> Array:
    """Draws chaotic maps, predator-prey cycles and logistic growth curves, slightly disturbed.

    Args:
        count: series to draw.
        length: points a series.
        season_length: points a season of the growth curves, 1 for none.
        rng: the source of chance.

    Returns:
        (count, length).
    """
    xp = space(rng)
    third = [(count + 2 - part) // 3 for part in range(3)]
    maps, cycles = _maps(third[0], length, rng), _cycles(third[1], length, rng)
    growth = _growth(third[2], length, season_length, rng)
    signal = xp.concatenate([maps, cycles, growth], axis=1)
    return place(rng, signal)


def _maps(count: int, length: int, rng: Chance) -> Array:
    """Logistic maps in discrete time, some smoothed: (length, count)."""
    xp = space(rng)
    rate = uniform(rng, 3.4, 4.0, count)
    value = uniform(rng, 0.1, 0.9, count)
    smoothing = uniform(rng, 0.0, 0.9, count)
    series = xp.empty((length, count), dtype=np.float32)
    state = value
    for step in range(length):
        value = xp.clip(rate * value * (1 - value), 1e-4, 1 - 1e-4)
        state = smoothing * state + (1 - smoothing) * value
        series[step] = state
    return series + noise(rng, length, count) * log_uniform(rng, 0.001, 0.05, count)


def _cycles(count: int, length: int, rng: Chance) -> Array:
    """Stochastic oscillators with a steep rise or a steep fall, as in lynx and sunspots: (length, count)."""
    xp = space(rng)
    period = log_uniform(rng, 5.0, 100.0, count)
    jitter = noise(rng, length, count) * log_uniform(rng, 0.005, 0.08, count)
    phase = 2 * np.pi * (xp.cumsum(1 / period + jitter / xp.sqrt(period), axis=0) + rng.random(count))
    skew = uniform(rng, -0.9, 0.9, count)
    wave = xp.sin(phase + skew * xp.sin(phase))
    level = 1 + 0.3 * autoregressive_noise(rng, length, count)
    peaked = xp.exp(wave * uniform(rng, 0.5, 2.0, count))
    shaped = xp.where(rng.random(count) < 0.5, peaked, wave)
    error = noise(rng, length, count) * log_uniform(rng, 0.01, 0.3, count)
    return xp.asarray(shaped * level + error, dtype=np.float32)


def _growth(count: int, length: int, season_length: int, rng: Chance) -> Array:
    """Logistic and Gompertz curves with a season and noise: (length, count)."""
    xp = space(rng)
    time = xp.arange(length, dtype=np.float32)[:, None]
    middle = uniform(rng, 0.0, 1.3, count) * length
    width = log_uniform(rng, 0.03, 0.4, count) * length
    position = xp.clip((time - middle) / width, -30, 30)
    curve = xp.where(rng.random(count) < 0.5, 1 / (1 + xp.exp(-position)), xp.exp(-xp.exp(-position)))
    curve = curve * xp.where(rng.random(count) < 0.25, -1.0, 1.0)
    season = seasonal(rng, length, count, season_length) * log_uniform(rng, 0.01, 0.3, count)
    error = autoregressive_noise(rng, length, count) * log_uniform(rng, 0.005, 0.2, count)
    return xp.asarray(curve + season * sometimes(rng, 0.6, count) + error, dtype=np.float32)
