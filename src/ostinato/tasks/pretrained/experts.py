"""Classical forecasts of many series at once: the base from which the pretrained network departs.

All values are in units of `Past.unit` relative to the last adjusted value, so that they are of order one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ostinato.tasks.pretrained import autoregression as pretrained_autoregression
from ostinato.tasks.pretrained import seasonal as pretrained_seasonal
from ostinato.tasks.pretrained.scaling import Array, Past, inside

Steps = npt.NDArray[np.int64]
# alpha, beta, damping of the exponential smoothings that run side by side
SMOOTHINGS = np.array(
    [
        (0.05, 0.0, 0.0),
        (0.2, 0.0, 0.0),
        (0.5, 0.0, 0.0),
        (0.8, 0.0, 0.0),
        (0.2, 0.03, 0.98),
        (0.3, 0.1, 0.95),
        (0.5, 0.1, 0.9),
        (0.8, 0.15, 0.97),
        (0.9, 0.5, 0.85),
    ],
    dtype=np.float32,
)
PLAIN = SMOOTHINGS[[2, 6]]  # run once more without the logarithm
MEMORY = np.float32(0.97)  # of a one-step error, a step
NAMES = (
    "seasonal_naive",
    "seasonal_naive_growth",
    "seasonal_mean",
    "long_seasonal_naive",
    "naive",
    *(f"smoothing_{row}" for row in range(len(SMOOTHINGS))),
    "theta",
    "drift",
    "recent_drift",
    "mean",
    "median",
    "autoregression",
    "step_autoregression",
    "long_seasonal_anchored",
    "long_seasonal_mean",
    "seasonal_autoregression",
    "adjusted_autoregression",
    "recent_median",
    "plain_theta",
    "plain_smoothing",
)


@dataclass(frozen=True)
class Experts:
    """Classical forecasts and how they did.

    Attributes:
        forecasts: (batch, steps, experts), in units, relative to the last adjusted value.
        index: (batch, steps), the seasonal index of each step in units.
        errors: (batch, smoothings + 2), logarithm of the mean absolute one-step error in units of the
            smoothings and of the two ridge regressions.
        slope: (batch,), straight-line slope in units a step.
        correlation: (batch, 4), autocorrelation of level and step at lags 1 and 2.
        swing: (batch,), standard deviation of the adjusted values in units.
    """

    forecasts: Array
    index: Array
    errors: Array
    slope: Array
    correlation: Array
    swing: Array


def forecast(past: Past, steps: Steps) -> Experts:
    """Forecasts with every classical method.

    Args:
        past: the prepared histories.
        steps: (steps,), which steps ahead, from 1.

    Returns:
        The forecasts of all methods at those steps, and statistics.
    """
    last = past.adjusted[:, -1:]
    unit = past.unit[:, None]
    series = (past.adjusted - last) / unit  # (batch, time)
    raw = (past.values - last) / unit
    ahead = steps.astype(np.float32)[None, :]  # (1, steps)
    index = past.index[:, (steps - 1) % past.index.shape[1]] / unit
    smooth, errors, simple = _smoothings(series, past, ahead, SMOOTHINGS)
    slope = _straight_line(series, past)
    theta = simple[:, None] + 0.5 * slope[:, None] * ahead
    mean = _masked_mean(series, past)
    level_terms, step_terms, correlation, swing = pretrained_autoregression.autoregressions(
        series, past, mean, int(steps.max())
    )
    lagged, level, *lag_errors = pretrained_seasonal.autoregressions(raw, series, past, steps)
    naive = _lagged(raw, past, past.season_length, steps)
    without_season = [
        *smooth,
        theta,
        *(drift[:, None] * ahead for drift in _drifts(series, past)),
        mean[:, None],
        _median(raw, past, 128)[:, None] - index,
        level_terms[:, steps - 1],
        step_terms[:, steps - 1],
    ]
    forecasts = [
        *_repeated(raw, past, steps, naive),
        index,
        *(forecast + index for forecast in without_season),
        *pretrained_seasonal.anchored(raw, past, steps, naive),
        np.where(np.isnan(lagged), naive, lagged),
        np.where(np.isnan(level), smooth[1], level) + index,
        np.broadcast_to(_median(raw, past, 16)[:, None], naive.shape),
        *(forecast + index for forecast in _plain(past, ahead, theta, smooth[6])),
    ]
    return Experts(
        forecasts=np.stack(forecasts, axis=2).astype(np.float32),
        index=index.astype(np.float32),
        errors=np.concatenate([errors, np.stack(lag_errors, axis=1)], axis=1),
        slope=slope,
        correlation=correlation,
        swing=swing,
    )


def _repeated(raw: Array, past: Past, steps: Steps, naive: Array) -> list[Array]:
    """Forecasts that repeat whole seasons: naive, with growth, averaged, and of the longer season."""
    ahead = steps.astype(np.float32)[None, :]
    return [
        naive,
        naive + _growth(raw, past) * np.ceil(ahead / past.season_length),
        _seasonal_mean(raw, past, steps),
        _lagged(raw, past, past.long_season, steps) if past.long_season else naive,
    ]


def _smoothings(series: Array, past: Past, ahead: Array, table: Array) -> tuple[Array, Array, Array]:
    """Runs smoothings; gives forecasts (smoothings, batch, steps), log errors, and the third one's level."""
    values = np.ascontiguousarray(series.T)  # (time, batch)
    seen = np.ascontiguousarray(past.observed.T).astype(np.float32)
    time, batch = values.shape
    start = (time - past.length).astype(np.int64)
    alpha, beta, damping = (table[:, column : column + 1] for column in range(3))
    level = np.repeat(values[:1], len(table), axis=0)
    reach = np.minimum(start + 4, time - 1)
    first_slope = (values[reach, np.arange(batch)] - values[0]) / np.maximum(reach - start, 1)
    slope = np.where(damping > 0, first_slope, 0).astype(np.float32)
    missed = np.zeros_like(level)
    weight = np.zeros(batch, dtype=np.float32)
    trended = slice(int(np.argmax(damping > 0)), None)
    fade, lift = damping[trended], (alpha * beta)[trended]
    plain = seen.all(axis=1) & (np.arange(time) > start.max())  # steps at which no series needs a mask
    for step in range(int(start.min()) + 1, time):
        live = (step > start).astype(np.float32)
        slope[trended] *= fade if plain[step] else 1 - live + live * fade
        level[trended] += slope[trended] if plain[step] else slope[trended] * live
        error = values[step] - level
        if not plain[step]:
            error *= live * seen[step]
        level += alpha * error
        slope[trended] += lift * error[trended]
        missed *= MEMORY
        missed += np.abs(error, out=error)
        weight = MEMORY * weight + live * seen[step]
    fading = np.where(damping > 0, damping, 0.5)[:, :, None]
    reached = fading * (1 - fading ** ahead[None]) / (1 - fading)
    forecasts = level[:, :, None] + slope[:, :, None] * reached
    errors = np.log((missed + 0.5) / (weight + 0.5)).T
    return forecasts.astype(np.float32), errors.astype(np.float32), level[min(2, len(table) - 1)]


def _plain(past: Past, ahead: Array, theta: Array, smooth: Array) -> tuple[Array, Array]:
    """Theta and a damped trend without the logarithm, for straight trends: (batch, steps) each.

    Series whose values are no logarithms keep the given forecasts.
    """
    if not past.logged.any():
        return theta, smooth
    unit = past.unit[:, None]
    series = np.exp(np.clip(past.adjusted - past.adjusted[:, -1:], -12, 5)) - 1  # relative to the last value
    damped, _, _ = _smoothings(series, past, ahead, PLAIN)
    slope = _straight_line(series, past)
    simple = damped[0, :, :1] + 0.5 * slope[:, None] * ahead
    both = [np.log(np.maximum(1 + values, 0.05)) / unit for values in (simple, damped[1])]
    return np.where(past.logged[:, None], both[0], theta), np.where(past.logged[:, None], both[1], smooth)


def _straight_line(series: Array, past: Past) -> Array:
    """Least-squares slope a step over the last 64 steps: (batch,)."""
    width = min(64, series.shape[1])
    weight = past.observed[:, -width:].astype(np.float32)
    time = np.arange(1 - width, 1, dtype=np.float32)
    total = np.maximum(weight.sum(axis=1), 1)
    centre = (weight * time).sum(axis=1) / total
    away = (time - centre[:, None]) * weight
    slope = (away * series[:, -width:]).sum(axis=1) / np.maximum(
        (away * (time - centre[:, None])).sum(axis=1), 1.0
    )
    return np.asarray(slope, dtype=np.float32)


def _drifts(series: Array, past: Past) -> tuple[Array, Array]:
    """Mean step over the whole past, and over its last two seasons or eight steps: (batch,) each."""
    time = series.shape[1]
    rows = np.arange(len(series))
    whole = np.maximum(past.length - 1, 1)
    start = (time - past.length).astype(np.int64)
    width = np.minimum(past.length - 1, max(2 * past.season_length, 8))
    recent = series[rows, (time - 1 - width).astype(np.int64)]
    return -series[rows, start] / whole, -recent / np.maximum(width, 1)


def _masked_mean(series: Array, past: Past) -> Array:
    """Mean of the observed values: (batch,)."""
    weight = past.observed
    return np.asarray((series * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1), dtype=np.float32)


def _median(raw: Array, past: Past, longest: int) -> Array:
    """Median of the filled values over the last `longest` steps: (batch,)."""
    width = min(longest, raw.shape[1])
    values = np.where(inside(past)[:, -width:] > 0, raw[:, -width:], np.float32(np.inf))
    ordered = np.sort(values, axis=1)
    count = np.minimum(past.length, width).astype(np.int64)
    rows = np.arange(len(raw))
    return np.asarray(0.5 * (ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]), dtype=np.float32)


def _lagged(raw: Array, past: Past, season: int, steps: Steps) -> Array:
    """The value one season before each step, the last value where the past is shorter: (batch, steps)."""
    time = raw.shape[1]
    back = (steps - 1) % season - season
    if season > time:
        return np.repeat(raw[:, -1:], len(steps), axis=1)
    return np.where(past.length[:, None] >= season, raw[:, time + back], raw[:, -1:])


def _growth(raw: Array, past: Past) -> Array:
    """How much the last season lies above the one before, 0 where there are not two: (batch, 1)."""
    season = past.season_length
    if raw.shape[1] < 2 * season:
        return np.zeros((len(raw), 1), dtype=np.float32)
    gain = raw[:, -season:].mean(axis=1) - raw[:, -2 * season : -season].mean(axis=1)
    return np.where(past.length >= 2 * season, gain, 0.0)[:, None].astype(np.float32)


def _seasonal_mean(raw: Array, past: Past, steps: Steps) -> Array:
    """Mean of the last four values at the same phase: (batch, steps)."""
    time, season = raw.shape[1], past.season_length
    total = np.zeros((len(raw), len(steps)), dtype=np.float32)
    count = np.zeros((len(raw), 1), dtype=np.float32)
    for cycle in range(1, 5):
        if cycle * season > time:
            break
        enough = (past.length[:, None] >= cycle * season).astype(np.float32)
        total += raw[:, time + (steps - 1) % season - cycle * season] * enough
        count += enough
    return np.where(count > 0, total / np.maximum(count, 1), raw[:, -1:])
