"""Yule-Walker autoregressions of many series at once, always stable.

References:
    Durbin (1960), The fitting of time-series models, for the recursion.
"""

import numpy as np

from ostinato.tasks.pretrained.scaling import Array, Past, inside

LEVEL_ORDER = 8
STEP_ORDER = 4


def autoregressions(
    series: Array, past: Past, mean: Array, horizon: int
) -> tuple[Array, Array, Array, Array]:
    """Runs autoregressions of the levels and of the steps forward.

    Args:
        series: (batch, time), adjusted values in units.
        past: the prepared histories.
        mean: (batch,), of the series.
        horizon: steps to run.

    Returns:
        Both forecasts without the season, (batch, horizon) each; autocorrelations of levels and steps at lags
        1 and 2, (batch, 4); the logarithm of the standard deviation, (batch,).
    """
    whole = inside(past)
    centred = (series - mean[:, None]) * whole
    steps = np.diff(series, axis=1) * whole[:, :-1]
    level_covariance = _autocovariance(centred, LEVEL_ORDER)
    step_covariance = _autocovariance(steps, STEP_ORDER)
    swing = np.log(np.sqrt(level_covariance[:, 0] / past.length) + 1e-3)
    levels = _iterate(centred, _levinson(level_covariance), horizon) + mean[:, None]
    moves = _iterate(steps, _levinson(step_covariance), horizon)
    correlation = np.concatenate(
        [
            covariance[:, 1:3] / (covariance[:, :1] + 1e-6)
            for covariance in (level_covariance, step_covariance)
        ],
        axis=1,
    )
    sums = np.cumsum(moves, axis=1, dtype=np.float32)
    return levels, sums, correlation.astype(np.float32), swing.astype(np.float32)


def _autocovariance(series: Array, order: int) -> Array:
    """Sums of products at lags 0 to `order`: (batch, order + 1)."""
    time = series.shape[1]
    lags = [
        np.einsum("bt,bt->b", series[:, lag:], series[:, : time - lag])
        if lag < time
        else np.zeros(len(series))
        for lag in range(order + 1)
    ]
    return np.stack(lags, axis=1).astype(np.float32)


def _levinson(covariance: Array) -> Array:
    """Autoregressive coefficients by the Levinson-Durbin recursion: (batch, order), always stable."""
    batch, size = covariance.shape
    variance = covariance[:, 0] * 1.001 + 1e-6
    left = variance.copy()
    coefficients = np.zeros((batch, size - 1), dtype=np.float32)
    for order in range(size - 1):
        known = coefficients[:, :order]
        reflection = (covariance[:, order + 1] - (known * covariance[:, order:0:-1]).sum(axis=1)) / left
        coefficients[:, :order] = known - reflection[:, None] * known[:, ::-1]
        coefficients[:, order] = reflection
        left = left * (1 - reflection**2)
    return coefficients


def _iterate(series: Array, coefficients: Array, horizon: int) -> Array:
    """Runs autoregressions forward from the end of the series: (batch, horizon)."""
    order = coefficients.shape[1]
    start = np.zeros((order, len(series)), dtype=np.float32)
    held = min(order, series.shape[1])
    start[order - held :] = series[:, series.shape[1] - held :].T
    path = np.concatenate([start, np.zeros((horizon, len(series)), dtype=np.float32)])
    backwards = np.ascontiguousarray(coefficients.T[::-1])  # oldest lag first
    for step in range(order, order + horizon):
        path[step] = (backwards * path[step - order : step]).sum(axis=0)
    return np.ascontiguousarray(path[order:].T)
