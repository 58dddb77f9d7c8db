"""Changes made to finished series: mix-up, modulation, censoring, down-sampling, flips, rounding, gaps."""

import numpy as np

from ostinato.synthetic.draws import Array, uniform


def mix_up(series: Array, *, rng: np.random.Generator, share: float = 0.1) -> Array:
    """Replaces a share of the series by a weighted mean of themselves and others, each in its own units.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    chosen = _chosen(len(series), share, rng)
    partner = series[rng.integers(0, len(series), chosen.size)]
    mean, scale = _moments(series[chosen])
    other_mean, other_scale = _moments(partner)
    weight = uniform(rng, 0.3, 0.9, chosen.size)[:, None]
    standard = weight * (series[chosen] - mean) / scale + (1 - weight) * (partner - other_mean) / other_scale
    return _replaced(
        series,
        chosen,
        np.where(
            series[chosen].min(1, keepdims=True) >= 0,
            np.abs(mean + scale * standard),
            mean + scale * standard,
        ),
    )


def modulate(series: Array, *, rng: np.random.Generator, share: float = 0.05) -> Array:
    """Multiplies the swings about the mean by a slow straight or bent factor.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    chosen = _chosen(len(series), share, rng)
    mean, _ = _moments(series[chosen])
    time = np.linspace(0, 1, series.shape[1], dtype=np.float32)
    start, end = (uniform(rng, 0.3, 1.5, chosen.size)[:, None] for _ in range(2))
    factor = start + (end - start) * time
    return _replaced(series, chosen, mean + (series[chosen] - mean) * factor)


def censor(series: Array, *, rng: np.random.Generator, share: float = 0.04) -> Array:
    """Cuts series off above or below a level that they often reach, as capacity and stock do.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    chosen = _chosen(len(series), share, rng)
    mean, scale = _moments(series[chosen])
    limit = mean + scale * uniform(rng, -0.5, 1.5, chosen.size)[:, None]
    above = (rng.random(chosen.size) < 0.6)[:, None]
    return _replaced(
        series, chosen, np.where(above, np.minimum(series[chosen], limit), np.maximum(series[chosen], limit))
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
    return folded.mean(axis=2, dtype=np.float32) if mean else folded[:, :, -1].copy()


def flip(series: Array, *, rng: np.random.Generator, share: float = 0.1) -> Array:
    """Turns a share of the series upside down within their own range.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    chosen = _chosen(len(series), share, rng)
    values = series[chosen]
    return _replaced(series, chosen, values.max(1, keepdims=True) + values.min(1, keepdims=True) - values)


def round_off(series: Array, *, rng: np.random.Generator, share: float = 0.1) -> Array:
    """Rounds a share of the series to a step of a hundredth to a whole of their spread.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array.
    """
    chosen = _chosen(len(series), share, rng)
    _, scale = _moments(series[chosen])
    step = scale * np.exp(uniform(rng, -4.6, 0.0, chosen.size))[:, None]
    return _replaced(series, chosen, np.round(series[chosen] / step) * step)


def make_gaps(series: Array, *, rng: np.random.Generator, share: float = 0.1) -> Array:
    """Removes single points and runs of points from a share of the series, as NaN.

    Args:
        series: (count, length).
        rng: the source of chance.
        share: part of the series that is changed, 0 to 1.

    Returns:
        (count, length), a new array with NaN.
    """
    chosen = _chosen(len(series), share, rng)
    length = series.shape[1]
    rate = uniform(rng, 0.0, 0.15, chosen.size)[:, None]
    missing = rng.random((chosen.size, length), dtype=np.float32) < rate
    start = rng.integers(0, length, chosen.size)[:, None]
    width = rng.integers(1, max(2, length // 16), chosen.size)[:, None]
    position = np.arange(length)
    missing |= (position >= start) & (position < start + width) & (rng.random(chosen.size) < 0.3)[:, None]
    return _replaced(series, chosen, np.where(missing, np.float32(np.nan), series[chosen]))


def _chosen(count: int, share: float, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The positions of a random share of the series."""
    return np.nonzero(rng.random(count) < share)[0]


def _moments(series: Array) -> tuple[Array, Array]:
    """Mean and mean absolute deviation of every series: (count, 1) each."""
    mean = series.mean(axis=1, keepdims=True)
    return mean, np.abs(series - mean).mean(axis=1, keepdims=True) + np.float32(1e-6)


def _replaced(series: Array, chosen: np.ndarray[tuple[int], np.dtype[np.int64]], values: Array) -> Array:
    """A copy of the series with the chosen ones replaced."""
    result = series.copy()
    result[chosen] = values
    return result
