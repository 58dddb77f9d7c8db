"""Measures of how far a forecast is from what came true: pure functions of arrays.

Every function takes `y` first, the true values, and skips the places where a true value is missing
(NaN). A forecast that is missing where the truth is known makes the score NaN: it is not skipped,
or a model could win by staying silent. With nothing to compare, the score is NaN as well.

References:
    R. J. Hyndman and A. B. Koehler (2006), Another look at measures of forecast accuracy.
    S. Makridakis, E. Spiliotis and V. Assimakopoulos (2020), The M4 Competition.
    T. Gneiting and A. E. Raftery (2007), Strictly proper scoring rules, prediction, and estimation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ostinato.errors import ConfigError

Values = NDArray[np.float64]


def mae(y: ArrayLike, prediction: ArrayLike) -> float:
    """Mean absolute error, in the unit of `y`.

    Args:
        y: true values, any shape; NaN = missing.
        prediction: forecasts, same shape as `y`.

    Returns:
        mean(|y - prediction|) over the known values; NaN where there are none.

    Example:
        >>> mae([1.0, 2.0, float("nan")], [2.0, 2.0, 5.0])
        0.5
    """
    truth, guess = _known(y, prediction)
    return _mean(np.abs(truth - guess))


def rmse(y: ArrayLike, prediction: ArrayLike) -> float:
    """Root of the mean squared error, in the unit of `y`.

    Args:
        y: true values, any shape; NaN = missing.
        prediction: forecasts, same shape as `y`.

    Returns:
        sqrt(mean((y - prediction)^2)) over the known values; NaN where there are none.

    Example:
        >>> rmse([1.0, 5.0], [1.0, 2.0]) == (9 / 2) ** 0.5
        True
    """
    truth, guess = _known(y, prediction)
    return float(np.sqrt(_mean((truth - guess) ** 2)))


def mase(y: ArrayLike, prediction: ArrayLike, *, past: ArrayLike, season_length: int = 1) -> float:
    """Mean absolute error in units of seasonal naive's error on the past of the same series.

    Below 1 the forecast errs less than seasonal naive did, one season ahead, in the past.

    Args:
        y: true values of one series after the cut-off, shape (h,); NaN = missing.
        prediction: forecasts, same shape as `y`.
        past: the values of the same series up to the cut-off, shape (time,); NaN = missing.
        season_length: steps in a season.

    Returns:
        mae(y, prediction) / seasonal_scale(past, season_length); NaN where the scale is 0 or unknown.

    References:
        Hyndman and Koehler (2006), section 3.

    Example:
        >>> mase([5.0, 6.0], [6.0, 6.0], past=[1.0, 3.0, 5.0], season_length=1)
        0.25
    """
    scale = seasonal_scale(past, season_length)
    return mae(y, prediction) / scale if scale > 0 else float("nan")


def seasonal_scale(past: ArrayLike, season_length: int) -> float:
    """Mean absolute error of seasonal naive within a past: the unit of MASE.

    Args:
        past: values of one series, shape (time,); NaN = missing.
        season_length: steps in a season.

    Returns:
        mean(|y[t] - y[t - season_length]|). A past that never repeats a season is scaled with the
        step before (season 1) instead; NaN where even that is unknown.

    Example:
        >>> seasonal_scale([1.0, 2.0, 4.0, 8.0], 2)
        4.5
    """
    values = np.asarray(past, dtype=np.float64)
    for lag in (_check_season(season_length), 1):
        changes = np.abs(values[lag:] - values[:-lag])
        changes = changes[~np.isnan(changes)]
        if changes.size:
            return float(changes.mean())
    return float("nan")


def smape(y: ArrayLike, prediction: ArrayLike) -> float:
    """Symmetric mean absolute percentage error, from 0 to 200, as the M competitions define it.

    Args:
        y: true values, any shape; NaN = missing.
        prediction: forecasts, same shape as `y`.

    Returns:
        200 * mean(|y - prediction| / (|y| + |prediction|)); a term with both at 0 counts as 0.

    References:
        Makridakis, Spiliotis and Assimakopoulos (2020), section 2.2.

    Example:
        >>> smape([1.0, 0.0], [3.0, 0.0])
        50.0
    """
    truth, guess = _known(y, prediction)
    size = np.abs(truth) + np.abs(guess)
    error = np.abs(truth - guess)
    return 200.0 * _mean(np.divide(error, size, out=np.where(size == 0, 0.0, np.nan), where=size > 0))


def owa(
    y: ArrayLike, prediction: ArrayLike, *, reference: ArrayLike, past: ArrayLike, season_length: int = 1
) -> float:
    """Overall weighted average of the M4 competition: sMAPE and MASE relative to a reference.

    Args:
        y: true values of one series after the cut-off, shape (h,); NaN = missing.
        prediction: forecasts, same shape as `y`.
        reference: forecasts to be relative to (the M4 competition takes Naive2), same shape as `y`.
        past: the values of the same series up to the cut-off, shape (time,).
        season_length: steps in a season.

    Returns:
        (smape / smape of reference + mase / mase of reference) / 2; 1 is as good as the reference.

    Example:
        >>> owa([4.0], [4.0], reference=[5.0], past=[1.0, 2.0])
        0.0
    """
    ratios = []
    for score, base in (
        (smape(y, prediction), smape(y, reference)),
        (
            mase(y, prediction, past=past, season_length=season_length),
            mase(y, reference, past=past, season_length=season_length),
        ),
    ):
        ratios.append(score / base if base > 0 else float("nan"))
    return sum(ratios) / 2


def quantile_loss(y: ArrayLike, prediction: ArrayLike, *, level: float) -> float:
    """Mean pinball loss of forecasts of one quantile, in the unit of `y`.

    Args:
        y: true values, any shape; NaN = missing.
        prediction: forecasts of the quantile, same shape as `y`.
        level: the quantile's level, between 0 and 1.

    Returns:
        mean(max(level * (y - prediction), (level - 1) * (y - prediction))).

    Example:
        >>> quantile_loss([10.0], [6.0], level=0.5)
        2.0
    """
    if not 0 < level < 1:
        raise ConfigError(f"quantile level is {level}; it must lie between 0 and 1")
    truth, guess = _known(y, prediction)
    error = truth - guess
    return _mean(np.maximum(level * error, (level - 1) * error))


def crps(y: ArrayLike, quantiles: ArrayLike, *, levels: ArrayLike) -> float:
    """Continuous ranked probability score, approximated by quantiles, in the unit of `y`.

    Args:
        y: true values, any shape; NaN = missing.
        quantiles: forecasts, shape (*y.shape, len(levels)).
        levels: levels of the quantiles between 0 and 1, evenly spread.

    Returns:
        Twice the mean pinball loss over the levels; with the median alone it is the mean absolute error.

    References:
        Gneiting and Raftery (2007), section 4.2 and eq. 40.

    Example:
        >>> crps([3.0], [[1.0]], levels=[0.5])
        2.0
    """
    grid = np.asarray(quantiles, dtype=np.float64)
    steps = np.asarray(levels, dtype=np.float64)
    if grid.shape != (*np.shape(y), steps.size):
        raise ConfigError(
            f"quantiles have the shape {grid.shape} but y has {np.shape(y)} "
            f"and there are {steps.size} levels; "
            f"give the shape {(*np.shape(y), steps.size)}"
        )
    losses = [quantile_loss(y, grid[..., i], level=float(level)) for i, level in enumerate(steps)]
    return 2 * float(np.mean(losses)) if losses else float("nan")


def coverage(y: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of the true values that lie within their interval, ends included, from 0 to 1.

    Args:
        y: true values, any shape; NaN = missing.
        low: lower ends, same shape as `y`.
        high: upper ends, same shape as `y`.

    Returns:
        mean(low <= y <= high) over the known values; NaN where there are none.

    Example:
        >>> coverage([1.0, 5.0], [0.0, 0.0], [2.0, 2.0])
        0.5
    """
    truth, lower = _known(y, low)
    _, upper = _known(y, high)
    inside = np.where(np.isnan(lower) | np.isnan(upper), np.nan, (lower <= truth) & (truth <= upper))
    return _mean(inside)


METRICS: dict[str, Callable[..., float]] = {
    "mae": mae,
    "rmse": rmse,
    "mase": mase,
    "smape": smape,
    "owa": owa,
    "quantile_loss": quantile_loss,
    "crps": crps,
    "coverage": coverage,
}


def _known(y: ArrayLike, prediction: ArrayLike) -> tuple[Values, Values]:
    """Both arrays at the places where the truth is known, flat."""
    truth = np.asarray(y, dtype=np.float64)
    guess = np.asarray(prediction, dtype=np.float64)
    if truth.shape != guess.shape:
        raise ConfigError(
            f"y has the shape {truth.shape} but the prediction has {guess.shape}; "
            "give one forecast for each value"
        )
    known = ~np.isnan(truth)
    return truth[known], guess[known]


def _mean(values: Values) -> float:
    """Mean, and NaN of nothing without a warning."""
    return float(values.mean()) if values.size else float("nan")


def _check_season(season_length: int) -> int:
    """The season, or a sentence."""
    if season_length < 1:
        raise ConfigError(f"season_length is {season_length}; it must be at least 1 step")
    return season_length
