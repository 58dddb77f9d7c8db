"""Changes made to finished series: mix-up, modulation, censoring, down-sampling, flips, rounding, gaps."""

from copy import deepcopy

import numpy as np

from ostinato.synthetic.draws import Array, Chance, space, uniform


def mix_up(series: Array, *, rng: Chance, share: float = 0.1) -> Array:
    """Replaces a share of the series by a weighted mean of themselves and others, each in its own units.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    xp = space(rng)
    chosen = _chosen(len(series), share, rng)
    partner = series[rng.integers(0, len(series), len(chosen))]
    mean, scale = _moments(series[chosen])
    other_mean, other_scale = _moments(partner)
    weight = uniform(rng, 0.3, 0.9, len(chosen))[:, None]
    standard = weight * (series[chosen] - mean) / scale + (1 - weight) * (partner - other_mean) / other_scale
    return _replaced(
        series,
        chosen,
        xp.where(
            xp.min(series[chosen], 1, keepdims=True) >= 0,
            xp.abs(mean + scale * standard),
            mean + scale * standard,
        ),
    )


def modulate(series: Array, *, rng: Chance, share: float = 0.05) -> Array:
    """Multiplies the swings about the mean by a slow straight or bent factor.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    xp = space(rng)
    chosen = _chosen(len(series), share, rng)
    mean, _ = _moments(series[chosen])
    time = xp.linspace(0, 1, series.shape[1], dtype=np.float32)
    start, end = (uniform(rng, 0.3, 1.5, len(chosen))[:, None] for _ in range(2))
    factor = start + (end - start) * time
    return _replaced(series, chosen, mean + (series[chosen] - mean) * factor)


def censor(series: Array, *, rng: Chance, share: float = 0.04) -> Array:
    """Cuts series off above or below a level that they often reach, as capacity and stock do.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    xp = space(rng)
    chosen = _chosen(len(series), share, rng)
    mean, scale = _moments(series[chosen])
    limit = mean + scale * uniform(rng, -0.5, 1.5, len(chosen))[:, None]
    above = (rng.random(len(chosen)) < 0.6)[:, None]
    return _replaced(
        series, chosen, xp.where(above, xp.minimum(series[chosen], limit), xp.maximum(series[chosen], limit))
    )


def down_sample(series: Array, *, factor: int, mean: bool = True) -> Array:
    """Keeps one value of every `factor`: their mean, or the last of them.

    Args:
        series: (count, length).
        factor: points that become one.
        mean: True to average them, False to take the last.

    Returns:
        (count, length // factor).
    """
    length = series.shape[1] // factor
    folded = series[:, series.shape[1] - length * factor :].reshape(len(series), length, factor)
    return folded.mean(axis=2) if mean else deepcopy(folded[:, :, -1])


def flip(series: Array, *, rng: Chance, share: float = 0.1) -> Array:
    """Turns a share of the series upside down within their own range.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    xp = space(rng)
    chosen = _chosen(len(series), share, rng)
    values = series[chosen]
    return _replaced(
        series, chosen, xp.max(values, 1, keepdims=True) + xp.min(values, 1, keepdims=True) - values
    )


def round_off(series: Array, *, rng: Chance, share: float = 0.1) -> Array:
    """Rounds a share of the series to a step of a hundredth to a whole of their spread.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    xp = space(rng)
    chosen = _chosen(len(series), share, rng)
    _, scale = _moments(series[chosen])
    step = scale * xp.exp(uniform(rng, -4.6, 0.0, len(chosen)))[:, None]
    return _replaced(series, chosen, xp.round(series[chosen] / step) * step)


def make_gaps(series: Array, *, rng: Chance, share: float = 0.1) -> Array:
    """Removes single points and runs of points from a share of the series, as NaN.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array with NaN.
    """
    xp = space(rng)
    chosen = _chosen(len(series), share, rng)
    length = series.shape[1]
    rate = uniform(rng, 0.0, 0.15, len(chosen))[:, None]
    missing = rng.random((len(chosen), length), dtype=np.float32) < rate
    start = rng.integers(0, length, len(chosen))[:, None]
    width = rng.integers(1, max(2, length // 16), len(chosen))[:, None]
    position = xp.arange(length)
    missing |= (position >= start) & (position < start + width) & (rng.random(len(chosen)) < 0.3)[:, None]
    return _replaced(series, chosen, xp.where(missing, np.nan, series[chosen]))


def _chosen(count: int, share: float, rng: Chance) -> Array:
    """The positions of a random share of the series."""
    xp = space(rng)
    return xp.nonzero(rng.random(count) < share)[0]


def _moments(series: Array) -> tuple[Array, Array]:
    """Mean and mean absolute deviation of every series: (count, 1) each."""
    mean = series.mean(axis=1, keepdims=True)
    return mean, abs(series - mean).mean(axis=1, keepdims=True) + 1e-6


def _replaced(series: Array, chosen: Array, values: Array) -> Array:
    """A copy of the series with the chosen ones replaced."""
    result = deepcopy(series)
    result[chosen] = values
    return result
