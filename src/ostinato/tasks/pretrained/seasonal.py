"""Classical forecasts that look back over one season and over the longer one, such as a day and a week."""

import numpy as np
import numpy.typing as npt

from ostinato.tasks.pretrained.scaling import Array, Past, inside

BLOCK = 256  # series regressed at once, so that their design fits into the cache
RIDGE = 10.0  # over the length of the past
Steps = npt.NDArray[np.int64]


def anchored(raw: Array, past: Past, steps: Steps, otherwise: Array) -> tuple[Array, Array]:
    """Repeats the longer season, shifted to where the last short season lies.

    Args:
        raw: (batch, time), values in units relative to the last adjusted value.
        past: the prepared histories.
        steps: (steps,), which steps ahead, from 1.
        otherwise: (batch, steps), what to give where the past is too short.

    Returns:
        The last longer season, and the mean of up to three: (batch, steps) each.
    """
    time, long, season = raw.shape[1], past.long_season, past.season_length
    if not long or long + season > time:
        return otherwise, otherwise
    total = np.zeros_like(otherwise)
    count = np.zeros((len(raw), 1), dtype=np.float32)
    now = raw[:, -season:].mean(axis=1, keepdims=True)
    last = otherwise
    for cycle in range(1, 4):
        origin = time - cycle * long
        if origin < season:
            break
        then = raw[:, origin - season : origin].mean(axis=1, keepdims=True)
        shifted = raw[:, origin + (steps - 1) % long] - then + now
        enough = past.length[:, None] >= cycle * long + season
        last = np.where(enough, shifted, otherwise) if cycle == 1 else last
        total += shifted * enough
        count += enough
    return last, np.where(count > 0, total / np.maximum(count, 1), otherwise).astype(np.float32)


def autoregressions(
    raw: Array, adjusted: Array, past: Past, steps: Steps
) -> tuple[Array, Array, Array, Array]:
    """Ridge regressions on the last values, some seasons and a longer season before, run forward.

    One regresses the seasonal difference of the values, so that it shrinks to seasonal naive; the other the
    adjusted values, so that it shrinks to their mean.

    Args:
        raw: (batch, time), values in units relative to the last adjusted value.
        adjusted: (batch, time), the same without the season.
        past: the prepared histories.
        steps: (steps,), which steps ahead, from 1.

    Returns:
        Both forecasts, (batch, steps) each, the second without the season; NaN where the past is too short.
        The logarithms of their mean absolute one-step errors in units, (batch,) each, 0 there.
    """
    batch = len(raw)
    forecasts = np.full((2, batch, len(steps)), np.nan, dtype=np.float32)
    errors = np.zeros((2, batch), dtype=np.float32)
    left = np.ones(batch, dtype=bool)
    for lags in _lag_sets(past.season_length, past.long_season):
        enough = left & (past.length >= max(lags) + max(past.season_length, 2 * len(lags)))
        if not enough.any():
            continue
        left &= ~enough
        started = inside(past)
        rows = np.flatnonzero(enough)
        for begin in range(0, len(rows), BLOCK):
            block = rows[begin : begin + BLOCK]
            whole = started[block]
            for row, (series, base) in enumerate(((raw, past.season_length), (adjusted, 0))):
                forecasts[row, block], errors[row, block] = _regress(series[block], whole, base, lags, steps)
    return forecasts[0], forecasts[1], errors[0], errors[1]


def _lag_sets(season: int, long: int) -> list[list[int]]:
    """Lags to regress on, the richest set first."""
    near = {1, 2, 3, season, season + 1, 2 * season} | ({season - 1} if season > 2 else set())
    sets = [near | {3 * season}, near]
    if long:
        sets.insert(0, sets[0] | {long - 1, long, long + 1, long + season})
    return [sorted(lags) for lags in sets]


def _regress(raw: Array, whole: Array, base: int, back: list[int], steps: Steps) -> tuple[Array, Array]:
    """Fits and runs one regression of the difference to `base` steps before: (batch, steps), (batch,)."""
    longest, time = max(back), raw.shape[1]
    count = whole.sum(axis=1)
    centre = (raw * whole).sum(axis=1, keepdims=True) / count[:, None]
    series = ((raw - centre) * whole).astype(np.float32)
    weight = whole[:, : time - longest]  # 1 where even the furthest lag lies inside
    design = np.stack([series[:, longest - lag : time - lag] for lag in back], axis=1) * weight[:, None]
    wanted = series[:, longest:] * weight
    if base:
        wanted = wanted - design[:, back.index(base)]
    products = design @ design.transpose(0, 2, 1)  # (batch, lags, lags)
    size = np.maximum(np.einsum("bii->b", products) / len(back), 1e-3)
    products += (RIDGE / count * size)[:, None, None] * np.eye(len(back), dtype=np.float32)
    weights = np.linalg.solve(products, design @ wanted[:, :, None]).astype(np.float32)  # (batch, lags, 1)
    missed = np.abs(wanted - (weights.transpose(0, 2, 1) @ design)[:, 0]).sum(axis=1)
    error = np.log((missed + 0.5) / (weight.sum(axis=1) + 0.5))
    ahead = weights[:, :, 0].T.copy()
    if base:
        ahead[back.index(base)] += 1
    return _iterate(series, ahead, back, steps) + centre, error.astype(np.float32)


def _iterate(series: Array, weights: Array, back: list[int], steps: Steps) -> Array:
    """Runs the regression forward, never far beyond the range of the past: (batch, steps)."""
    longest, horizon = max(back), int(steps.max())
    path = np.concatenate([series[:, -longest:].T, np.zeros((horizon, len(series)), dtype=np.float32)])
    limit = 2 * np.abs(series).max(axis=1) + 1
    lags = np.array(back)
    for step in range(longest, longest + horizon):
        value = (weights * path[step - lags]).sum(axis=0)
        path[step] = np.minimum(np.maximum(value, -limit), limit)
    return np.ascontiguousarray(path[longest + steps - 1].T)
