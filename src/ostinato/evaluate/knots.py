"""Distributions given by a few quantiles: the normal number that stands for a value, and the value for a number.

Between two quantiles, values are linear in the normal deviates of their levels; so are they beyond the outer ones.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MIDDLE = LEVELS.index(0.5)
OUTER = 0.975
TAIL = 1.7
"""Distance of the quantiles 0.025 and 0.975 from the median over that of 0.1 and 0.9; 1.53 of a normal tail."""
DEVIATES = np.array([NormalDist().inv_cdf(level) for level in (1 - OUTER, *LEVELS, OUTER)])
LEAST_APART = 1e-9
"""Least distance of two quantiles, as a share of the distance of the outer ones or of the median."""


def deviates_of(levels: Values, values: Values) -> Values:
    """The normal numbers that values stand for: 0 for the median, 1.28 for the quantile 0.9.

    Args:
        levels: (..., 9), the quantiles `LEVELS`, in order.
        values: (...); NaN stays NaN.
    """
    knots = _knots(levels)
    place = np.clip((knots <= values[..., None]).sum(axis=-1) - 1, 0, len(DEVIATES) - 2)
    low, high = _beside(knots, place)
    share = (values - low) / (high - low)
    found: Values = DEVIATES[place] + (DEVIATES[place + 1] - DEVIATES[place]) * share
    return found


def values_of(levels: Values, deviates: Values) -> Values:
    """The values that normal numbers stand for; the inverse of `deviates_of`.

    Args:
        levels: (..., 9), the quantiles `LEVELS`, in order.
        deviates: of a shape that broadcasts with (...).
    """
    knots, deviates = np.broadcast_arrays(_knots(levels), np.asarray(deviates)[..., None])
    deviates = deviates[..., 0]
    place = np.clip(np.searchsorted(DEVIATES, deviates, side="right") - 1, 0, len(DEVIATES) - 2)
    low, high = _beside(knots, place)
    share = (deviates - DEVIATES[place]) / (DEVIATES[place + 1] - DEVIATES[place])
    found: Values = low + (high - low) * share
    return found


def with_tails(levels: Values) -> Values:
    """The quantiles `LEVELS` with one more at each end, 0.025 and 0.975: (..., 11)."""
    middle = levels[..., MIDDLE, None]
    low = middle + TAIL * (levels[..., :1] - middle)
    high = middle + TAIL * (levels[..., -1:] - middle)
    return np.concatenate([low, levels, high], axis=-1)


def _knots(levels: Values) -> Values:
    """The quantiles with one more at each end, strictly rising: (..., 11)."""
    tailed = with_tails(levels)
    reach, middle = tailed[..., -1:] - tailed[..., :1], np.abs(levels[..., MIDDLE, None])
    knots = np.maximum.accumulate(tailed, axis=-1)
    apart = LEAST_APART * np.maximum(reach, middle) + np.finfo(np.float64).tiny
    rising: Values = knots + apart * (np.arange(len(DEVIATES)) - len(DEVIATES) // 2)
    return rising


def _beside(knots: Values, place: NDArray[np.intp]) -> tuple[Values, Values]:
    """The knots below and above a place."""
    low = np.take_along_axis(knots, place[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(knots, place[..., None] + 1, axis=-1)[..., 0]
    return low, high
