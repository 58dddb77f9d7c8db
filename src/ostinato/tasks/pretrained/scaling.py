"""The past of many series made comparable: logarithm, seasonal indices, level and unit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
LARGEST_LOG_STEP = 3.0
CYCLE_WEIGHT = 0.88  # of a season against the one after it, in the indices


@dataclass(frozen=True)
class Past:
    """Histories of one batch that share a season, in comparable form. All arrays are float32.

    Attributes:
        values: (batch, time), transformed and filled, the first value repeated before the start.
        observed: (batch, time), True where a value was given.
        length: (batch,), steps from the first value to the end.
        index: (batch, season), the seasonal index of each of the next steps; it repeats from there on.
        adjusted: (batch, time), values without the season.
        logged: (batch,), True where the values are logarithms.
        unit: (batch,), mean absolute step of the adjusted values.
        seasonal_unit: (batch,), mean absolute difference to one season before: what MASE divides by.
        strength: (batch, 2), share of the indices kept, short and long season, 0 to 1.
        season_length: steps of the short season.
        long_season: steps of the long season, 0 for none.
    """

    values: Array
    observed: Mask
    length: Array
    index: Array
    adjusted: Array
    logged: Mask
    unit: Array
    seasonal_unit: Array
    strength: Array
    season_length: int
    long_season: int


def prepare(history: Array, season_length: int, long_season: int = 0, logged: Mask | None = None) -> Past:
    """Brings histories into comparable form.

    Args:
        history: (batch, time), ending at the forecast origin; NaN where missing and before the start.
            Every row holds at least one value.
        season_length: steps of the season, 1 for none.
        long_season: steps of a second, longer season, 0 for none.
        logged: (batch,), where to take logarithms; None to decide.

    Returns:
        The past.
    """
    observed = np.isfinite(history)
    first = observed.argmax(axis=1)
    time = history.shape[1]
    length = time - first
    if logged is None:
        logged = _takes_logarithm(history, observed)
    values = history.astype(np.float32)
    values[logged] = np.log(values[logged])
    started = np.arange(time) >= first[:, None]
    values = _fill(values, observed, first, season_length)
    short, kept = _indices(values, observed & started, started, season_length)
    rest = values - _spread(short, time)
    long, kept_long = _indices(rest, observed & started, started, long_season)
    adjusted = rest - _spread(long, time)
    adjusted = np.where(started, adjusted, np.take_along_axis(adjusted, first[:, None], axis=1))
    period = max(season_length, long_season)
    index = _spread(short, period, ahead=True) + _spread(long, period, ahead=True)
    seasonal_unit = _mean_difference(values, observed & started, season_length)
    unit = _mean_difference(adjusted, observed & started, 1)
    floor = 1e-4 * np.where(logged, 1.0, np.abs(values).max(axis=1)) + 1e-9
    step = _mean_difference(values, observed & started, 1)
    least = np.maximum(0.03 * seasonal_unit, 0.02 * step)
    unit = np.maximum(np.maximum(unit, least), floor).astype(np.float32)
    return Past(
        values=values,
        observed=observed & started,
        length=length.astype(np.float32),
        index=index,
        adjusted=adjusted.astype(np.float32),
        logged=logged,
        unit=unit,
        seasonal_unit=np.where(seasonal_unit > floor, seasonal_unit, unit).astype(np.float32),
        strength=np.stack([kept, kept_long], axis=1).astype(np.float32),
        season_length=season_length,
        long_season=long_season,
    )


def no_logarithm(history: Array, plain: bool) -> Mask | None:
    """What `prepare` is told: no logarithms for a network of plain values, else to decide."""
    return np.zeros(len(history), dtype=bool) if plain else None


def inside(past: Past) -> Array:
    """1 from the first value on, 0 before: (batch, time)."""
    time = past.values.shape[1]
    return np.asarray(np.arange(time) >= time - past.length[:, None], dtype=np.float32)


def _takes_logarithm(history: Array, observed: Mask) -> Mask:
    """True where all values are positive and none is many times its neighbour: (batch,)."""
    positive = np.all((history > 0) | ~observed, axis=1)
    logarithm = np.log(np.where(observed & (history > 0), history, 1.0))
    both = observed[:, 1:] & observed[:, :-1]
    steps = np.abs(logarithm[:, 1:] - logarithm[:, :-1]) * both
    return np.asarray(positive & (steps.max(axis=1, initial=0.0) < LARGEST_LOG_STEP))


def _fill(values: Array, observed: Mask, first: npt.NDArray[np.intp], season_length: int) -> Array:
    """Fills gaps with the value one season before, or the last one; before the start with the first."""
    start = np.take_along_axis(values, first[:, None], axis=1)
    time = values.shape[1]
    inside = np.arange(time) >= first[:, None]
    filled = np.where(inside, np.where(observed, values, np.float32(0)), start)
    rows, steps = np.nonzero(inside & ~observed)
    if not len(rows):
        return filled
    source = np.tile(np.arange(time, dtype=np.int32), (len(values), 1))
    back = np.where(steps - season_length >= first[rows], season_length, 1)
    found = (steps - back).astype(np.int32)
    while True:  # follow gaps that point to gaps, twice as far each time
        source[rows, steps] = found
        further = source[rows, found]
        if np.array_equal(further, found):
            break
        found = further
    filled[rows, steps] = filled[rows, found]
    return filled


def _indices(values: Array, observed: Mask, inside: Mask, season_length: int) -> tuple[Array, Array]:
    """Seasonal indices of the next season, shrunk by how sure they are: (batch, season), (batch,)."""
    batch, time = values.shape
    if season_length < 2 or time < 2 * season_length:
        return np.zeros((batch, 1), dtype=np.float32), np.zeros(batch, dtype=np.float32)
    trend, whole = _moving_average(values, inside, season_length)
    weight = (observed & whole).astype(np.float32)
    detrended = (values - trend) * weight
    cycles = -(-time // season_length)
    missing = cycles * season_length - time
    shape = (batch, cycles, season_length)
    folded = np.pad(detrended, ((0, 0), (missing, 0))).reshape(shape)
    weights = np.pad(weight, ((0, 0), (missing, 0))).reshape(shape)
    fading = np.float32(CYCLE_WEIGHT) ** np.arange(cycles - 1, -1, -1, dtype=np.float32)
    faded = weights * fading[:, None]
    total = faded.sum(axis=1)  # (batch, season)
    index = (folded * fading[:, None]).sum(axis=1) / np.maximum(total, 1e-6)
    index -= index.mean(axis=1, keepdims=True)
    left = ((folded - index[:, None]) * weights) ** 2
    freedom = np.maximum(weights.sum(axis=(1, 2)) - season_length, 1.0)
    variance = left.sum(axis=(1, 2)) / freedom
    effective = total**2 / np.maximum((weights * fading[:, None] ** 2).sum(axis=1), 1e-6)
    doubt = variance / np.maximum(effective.mean(axis=1), 1e-6)
    kept = np.clip(1.0 - doubt / np.maximum((index**2).mean(axis=1), 1e-12), 0.0, 1.0)
    enough = (total > 0).all(axis=1) & (weights.sum(axis=(1, 2)) >= 1.25 * season_length)
    kept = np.where(enough, kept, 0.0).astype(np.float32)
    return (index * kept[:, None]).astype(np.float32), kept


def _moving_average(values: Array, inside: Mask, width: int) -> tuple[Array, Mask]:
    """Centred moving average over one season, and where its whole window lies inside the series."""
    batch, time = values.shape
    centre = values[:, -1:]
    sums = np.zeros((batch, time + 1))
    np.cumsum(values - centre, axis=1, out=sums[:, 1:])
    half = width // 2
    trend = np.zeros((batch, time), dtype=np.float32)
    last = time - half
    if width % 2:
        trend[:, half:last] = (sums[:, width:] - sums[:, :-width]) / width
    else:
        window = sums[:, width:] - sums[:, :-width]  # (batch, time - width + 1)
        trend[:, half:last] = 0.5 * (window[:, :-1] + window[:, 1:]) / width
    whole = np.zeros((batch, time), dtype=bool)
    whole[:, half:last] = inside[:, : last - half]
    return trend + centre, whole


def _spread(index: Array, steps: int, *, ahead: bool = False) -> Array:
    """Repeats indices over `steps` steps that end at the origin, or start just after it: (batch, steps)."""
    period = index.shape[1]
    position = np.arange(steps) if ahead else np.arange(-steps, 0)
    return index[:, position % period]


def _mean_difference(values: Array, observed: Mask, lag: int) -> Array:
    """Mean absolute difference over `lag` steps, or over one where no pair is observed: (batch,)."""
    result = np.zeros(len(values), dtype=np.float32)
    for step in (1, lag):
        if step >= values.shape[1]:
            continue
        both = observed[:, step:] & observed[:, :-step]
        count = both.sum(axis=1)
        total = (np.abs(values[:, step:] - values[:, :-step]) * both).sum(axis=1)
        result = np.where(count > 0, total / np.maximum(count, 1), result)
    return result.astype(np.float32)
