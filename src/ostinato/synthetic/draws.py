"""Random ingredients that the families of synthetic series share: noise, poles, patterns, placement."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def uniform(rng: np.random.Generator, low: float, high: float, size: int) -> Array:
    """Draws `size` numbers between `low` and `high`, one per series."""
    return (low + (high - low) * rng.random(size, dtype=np.float32)).astype(np.float32)


def log_uniform(rng: np.random.Generator, low: float, high: float, size: int) -> Array:
    """Draws `size` numbers whose logarithm is uniform between those of `low` and `high`."""
    return np.exp(uniform(rng, float(np.log(low)), float(np.log(high)), size))


def sometimes(rng: np.random.Generator, share: float, size: int) -> Array:
    """Draws 1 with probability `share` and 0 otherwise, one per series."""
    return (rng.random(size, dtype=np.float32) < share).astype(np.float32)


def noise(rng: np.random.Generator, length: int, count: int) -> Array:
    """Draws white noise, a third of it heavy-tailed, of unit scale: (length, count)."""
    draws = rng.standard_normal((length, count), dtype=np.float32)
    heavy = np.nonzero(rng.random(count) < 0.35)[0]
    if heavy.size:
        spread = uniform(rng, 0.2, 0.8, heavy.size)
        draws[:, heavy] *= np.exp(
            spread * rng.standard_normal((length, heavy.size), dtype=np.float32) - spread**2
        )
    return draws


def autoregressive_noise(rng: np.random.Generator, length: int, count: int) -> Array:
    """Draws first-order autoregressive noise of unit variance: (length, count)."""
    draws = noise(rng, length, count)
    persistence = uniform(rng, -0.3, 0.9, count) * sometimes(rng, 0.6, count)
    gain = np.sqrt(1.0 - persistence**2)
    for step in range(1, length):
        draws[step] = persistence * draws[step - 1] + gain * draws[step]
    return draws


def poles(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Draws second-order autoregressions with both poles inside the unit disc: two coefficients each."""
    radius = np.sqrt(uniform(rng, 0.0, 0.98, count))
    angle = uniform(rng, 0.0, float(np.pi), count)
    first, second = uniform(rng, -0.5, 0.98, count), uniform(rng, -0.5, 0.9, count)
    complex_pair = rng.random(count) < 0.4
    sums = np.where(complex_pair, 2 * radius * np.cos(angle), first + second)
    products = np.where(complex_pair, radius**2, first * second)
    return sums.astype(np.float32), (-products).astype(np.float32)


def pattern(rng: np.random.Generator, season_length: int, count: int) -> Array:
    """Draws one season of unit spread, smooth, rough or pulsed: (season_length, count)."""
    if season_length < 2:
        return np.zeros((1, count), dtype=np.float32)
    harmonics = max(1, min(season_length // 2, 6))
    phase = np.arange(season_length)[:, None] / season_length  # (season_length, 1)
    decay = uniform(rng, 0.3, 2.0, count)
    smooth = np.zeros((season_length, count), dtype=np.float32)
    for order in range(1, harmonics + 1):
        amplitude = order ** (-decay) * rng.standard_normal(count, dtype=np.float32)
        smooth += amplitude * np.sin(2 * np.pi * (order * phase + rng.random(count))).astype(np.float32)
    rough = rng.standard_normal((season_length, count), dtype=np.float32)
    pulse = (rng.random((season_length, count)) < 2.0 / season_length) * np.float32(2.5)
    kind = rng.random(count)
    mixed = np.where(
        kind < 0.5, smooth, np.where(kind < 0.8, smooth + rough * uniform(rng, 0, 1, count), pulse)
    )
    mixed -= mixed.mean(axis=0)
    return np.asarray(mixed / (mixed.std(axis=0) + 1e-3), dtype=np.float32)


def seasonal(rng: np.random.Generator, length: int, count: int, season_length: int) -> Array:
    """Draws a repeated season, a quarter of them with a longer season on top: (length, count)."""
    if season_length < 2:
        return np.zeros((length, count), dtype=np.float32)
    offset = int(rng.integers(season_length))
    steps = np.arange(length) + offset
    season = pattern(rng, season_length, count)[steps % season_length]  # (length, count)
    longer = 7 if season_length >= 24 else 52 if season_length == 7 else 0
    if longer and length > season_length * longer:
        level = pattern(rng, longer, count)[(steps // season_length) % longer]
        share = uniform(rng, 0.1, 1.0, count) * sometimes(rng, 0.7, count)
        season = season * (1 + 0.5 * sometimes(rng, 0.5, count) * share * level) + share * level
        resting = ((steps // season_length) % longer >= longer - longer // 3)[:, None]  # the end of a week
        other = pattern(rng, season_length, count)[steps % season_length]
        different = uniform(rng, 0.2, 1.0, count) * sometimes(rng, 0.4, count)
        season = np.where(resting, (1 - different) * season + different * other, season)
    drift = uniform(rng, -0.6, 0.6, count) * sometimes(rng, 0.4, count)
    return (season * (1 + drift * np.linspace(-1, 1, length, dtype=np.float32)[:, None])).astype(np.float32)


def place(rng: np.random.Generator, signal: Array) -> Array:
    """Puts signals of unit spread at a level and a scale, in units as data come in.

    Half of the signals become positive series whose changes are in proportion to the level.

    Args:
        rng: the source of chance.
        signal: (length, count), in standard units.

    Returns:
        (count, length).
    """
    count = signal.shape[1]
    centred = signal - signal.mean(axis=0)
    centred /= np.abs(centred).mean(axis=0) + 1e-6
    unit = log_uniform(rng, 0.1, 1e4, count)
    relative = log_uniform(rng, 0.01, 0.8, count)
    proportional = np.exp(np.clip(centred * relative, -12, 12))
    signed = rng.standard_normal(count, dtype=np.float32) * 3 * sometimes(rng, 0.5, count) + centred
    lifted = centred - centred.min(axis=0) * uniform(rng, 1.0, 2.5, count) + uniform(rng, 0.0, 0.5, count)
    kind = rng.random(count)
    placed = np.where(kind < 0.5, proportional, np.where(kind < 0.8, lifted, signed))
    return np.ascontiguousarray((placed * unit).T, dtype=np.float32)
