"""Random changes of series that leave their class as it is, so that few of them teach more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Series = NDArray[Any]


def distort(series: Sequence[Series], strength: float, rng: np.random.Generator) -> list[Series]:
    """Change each series a little: its speed, its size, noise on it, and a stretch that is hidden.

    Args:
        series: `(time, channels)` each, of mean 0 and standard deviation 1.
        strength: 0 changes nothing; 1 changes speed and size by about 10 %, adds noise of a tenth of a standard
            deviation, and hides up to a tenth of the steps.
        rng: source of the changes.

    Returns:
        Arrays of the same type; lengths may differ by the change of speed.

    References:
        Um et al. (2017), Data augmentation of wearable sensor data for Parkinson's disease monitoring
        (noise, size, time warping); Park et al. (2019), SpecAugment (hiding a stretch).

    Example:
        >>> changed = distort([np.zeros((50, 2))], 1.0, np.random.default_rng(0))
        >>> changed[0].shape[1], 40 <= len(changed[0]) <= 60
        (2, True)
    """
    return [_one(values, strength, rng) if len(values) > 1 else values for values in series]


def _one(values: Series, strength: float, rng: np.random.Generator) -> Series:
    time, channels = values.shape
    length = max(round(time * rng.uniform(1 - 0.1 * strength, 1 + 0.1 * strength)), 2)
    places = _warped(length, strength, rng) * (time - 1)
    below = np.minimum(places.astype(np.int64), time - 2)
    share = (places - below)[:, None]
    changed = values[below] * (1 - share) + values[below + 1] * share  # (length, channels)
    changed = changed * rng.normal(1.0, 0.1 * strength, channels)
    changed += rng.normal(0.0, 0.1 * strength, changed.shape)
    hidden = int(rng.uniform(0, 0.1 * strength) * length)
    start = int(rng.integers(0, length - hidden + 1))
    changed[start : start + hidden] = 0.0
    result: Series = changed.astype(values.dtype)
    return result


def _warped(length: int, strength: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rising places from 0 to 1 whose speed changes smoothly."""
    even = np.linspace(0.0, 1.0, length)
    wave = rng.normal(0.0, 0.02 * strength, 2)
    bent = even + wave[0] * np.sin(np.pi * even) + wave[1] * np.sin(2 * np.pi * even)
    return np.clip(np.maximum.accumulate(bent), 0.0, 1.0)
