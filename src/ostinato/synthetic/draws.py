"""Random ingredients that the families of synthetic series share: noise, poles, patterns, placement."""

from typing import Any, Protocol, TypeAlias

import numpy as np

Array: TypeAlias = Any  # an array of NumPy, or a tensor of single precision on a device


class Chance(Protocol):
    """A seeded source of chance: a generator of NumPy, or one of a device (`synthetic.device.DeviceRandom`)."""

    def random(self, size: Any = ..., dtype: Any = ...) -> Any:
        """Draws from 0 to below 1."""
        ...

    def standard_normal(self, size: Any = ..., dtype: Any = ...) -> Any:
        """Draws from the normal distribution of mean 0 and variance 1."""
        ...

    def standard_gamma(self, shape: Any, size: Any = ...) -> Any:
        """Draws from gamma distributions of scale 1."""
        ...

    def integers(self, low: int, high: int | None = ..., size: Any = ...) -> Any:
        """Draws whole numbers from `low`, or 0, to below `high`, or `low`."""
        ...

    def permutation(self, x: int) -> Any:
        """The numbers below `x` in a random order."""
        ...


def space(rng: Chance) -> Any:
    """The functions over arrays that go with a source of chance: NumPy's, or those of its device."""
    return getattr(rng, "space", np)


def uniform(rng: Chance, low: float, high: float, size: int) -> Array:
    """Draws `size` numbers between `low` and `high`, one per series."""
    return low + (high - low) * rng.random(size, dtype=np.float32)


def log_uniform(rng: Chance, low: float, high: float, size: int) -> Array:
    """Draws `size` numbers whose logarithm is uniform between those of `low` and `high`."""
    xp = space(rng)
    return xp.exp(uniform(rng, float(np.log(low)), float(np.log(high)), size))


def sometimes(rng: Chance, share: float, size: int) -> Array:
    """Draws 1 with probability `share` and 0 otherwise, one per series."""
    return space(rng).asarray(rng.random(size, dtype=np.float32) < share, dtype=np.float32)


def noise(rng: Chance, length: int, count: int) -> Array:
    """Draws white noise, a third of it heavy-tailed, of unit scale: (length, count)."""
    xp = space(rng)
    draws = rng.standard_normal((length, count), dtype=np.float32)
    heavy = xp.nonzero(rng.random(count) < 0.35)[0]
    if len(heavy):
        spread = uniform(rng, 0.2, 0.8, len(heavy))
        draws[:, heavy] *= xp.exp(
            spread * rng.standard_normal((length, len(heavy)), dtype=np.float32) - spread**2
        )
    return draws


def autoregressive_noise(rng: Chance, length: int, count: int) -> Array:
    """Draws first-order autoregressive noise of unit variance: (length, count)."""
    xp = space(rng)
    draws = noise(rng, length, count)
    persistence = uniform(rng, -0.3, 0.9, count) * sometimes(rng, 0.6, count)
    gain = xp.sqrt(1.0 - persistence**2)
    for step in range(1, length):
        draws[step] = persistence * draws[step - 1] + gain * draws[step]
    return draws


def poles(rng: Chance, count: int) -> tuple[Array, Array]:
    """Draws second-order autoregressions with both poles inside the unit disc: two coefficients each."""
    xp = space(rng)
    radius = xp.sqrt(uniform(rng, 0.0, 0.98, count))
    angle = uniform(rng, 0.0, float(np.pi), count)
    first, second = uniform(rng, -0.5, 0.98, count), uniform(rng, -0.5, 0.9, count)
    complex_pair = rng.random(count) < 0.4
    sums = xp.where(complex_pair, 2 * radius * xp.cos(angle), first + second)
    products = xp.where(complex_pair, radius**2, first * second)
    return xp.asarray(sums, dtype=np.float32), xp.asarray(-products, dtype=np.float32)


def pattern(rng: Chance, season_length: int, count: int) -> Array:
    """Draws one season of unit spread, smooth, rough or pulsed: (season_length, count)."""
    xp = space(rng)
    if season_length < 2:
        return xp.zeros((1, count), dtype=np.float32)
    harmonics = max(1, min(season_length // 2, 6))
    phase = xp.arange(season_length)[:, None] / season_length  # (season_length, 1)
    decay = uniform(rng, 0.3, 2.0, count)
    smooth = xp.zeros((season_length, count), dtype=np.float32)
    for order in range(1, harmonics + 1):
        amplitude = order ** (-decay) * rng.standard_normal(count, dtype=np.float32)
        wave = xp.sin(2 * np.pi * (order * phase + rng.random(count)))
        smooth += amplitude * xp.asarray(wave, dtype=np.float32)
    rough = rng.standard_normal((season_length, count), dtype=np.float32)
    pulse = 2.5 * xp.asarray(rng.random((season_length, count)) < 2.0 / season_length, dtype=np.float32)
    kind = rng.random(count)
    mixed = xp.where(
        kind < 0.5, smooth, xp.where(kind < 0.8, smooth + rough * uniform(rng, 0, 1, count), pulse)
    )
    mixed -= mixed.mean(axis=0)
    return xp.asarray(mixed / (xp.std(mixed, axis=0) + 1e-3), dtype=np.float32)


def seasonal(rng: Chance, length: int, count: int, season_length: int) -> Array:
    """Draws a repeated season, a quarter of them with a longer season on top: (length, count)."""
    xp = space(rng)
    if season_length < 2:
        return xp.zeros((length, count), dtype=np.float32)
    offset = int(rng.integers(season_length))
    steps = xp.arange(length) + offset
    season = pattern(rng, season_length, count)[steps % season_length]  # (length, count)
    longer = 7 if season_length >= 24 else 52 if season_length == 7 else 0
    if longer and length > season_length * longer:
        level = pattern(rng, longer, count)[(steps // season_length) % longer]
        share = uniform(rng, 0.1, 1.0, count) * sometimes(rng, 0.7, count)
        season = season * (1 + 0.5 * sometimes(rng, 0.5, count) * share * level) + share * level
        resting = ((steps // season_length) % longer >= longer - longer // 3)[:, None]  # the end of a week
        other = pattern(rng, season_length, count)[steps % season_length]
        different = uniform(rng, 0.2, 1.0, count) * sometimes(rng, 0.4, count)
        season = xp.where(resting, (1 - different) * season + different * other, season)
    drift = uniform(rng, -0.6, 0.6, count) * sometimes(rng, 0.4, count)
    time = xp.linspace(-1, 1, length, dtype=np.float32)[:, None]
    return xp.asarray(season * (1 + drift * time), dtype=np.float32)


def place(rng: Chance, signal: Array) -> Array:
    """Puts signals of unit spread at a level and a scale, in units as data come in.

    Half of the signals become positive series whose changes are in proportion to the level.

    Args:
        rng: the source of chance.
        signal: (length, count), in standard units.

    Returns:
        (count, length).
    """
    xp = space(rng)
    count = signal.shape[1]
    centred = signal - signal.mean(axis=0)
    centred /= xp.abs(centred).mean(axis=0) + 1e-6
    unit = log_uniform(rng, 0.1, 1e4, count)
    relative = log_uniform(rng, 0.01, 0.8, count)
    proportional = xp.exp(xp.clip(centred * relative, -12, 12))
    signed = rng.standard_normal(count, dtype=np.float32) * 3 * sometimes(rng, 0.5, count) + centred
    lifted = centred - xp.min(centred, axis=0) * uniform(rng, 1.0, 2.5, count) + uniform(rng, 0.0, 0.5, count)
    kind = rng.random(count)
    placed = xp.where(kind < 0.5, proportional, xp.where(kind < 0.8, lifted, signed))
    return xp.ascontiguousarray((placed * unit).T, dtype=np.float32)
