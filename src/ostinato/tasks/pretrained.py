"""A forecaster that learned from millions of synthetic series: any series, any horizon, no training."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd

from ostinato.data import frames
from ostinato.errors import ConfigError, DataError
from ostinato.tasks import pretrained_inputs, pretrained_network, pretrained_scaling
from ostinato.tasks.pretrained_network import LEVELS, Member
from ostinato.tasks.pretrained_scaling import Array

LONG_SEASONS = {24: 168, 48: 336, 96: 672}  # a week, where the season is a day
WEEKS_A_YEAR = 52
BLOCK = 512  # series run at once
LONGEST = 8192  # steps looked at, however long the season


def forecast(
    frame: pd.DataFrame,
    h: int,
    *,
    season_length: int,
    freq: str | int,
    level: Sequence[float] = (),
    quantiles: Sequence[float] = (),
    long_season: int | None = None,
    members: tuple[Member, ...] | None = None,
) -> pd.DataFrame:
    """Forecasts every series with the pretrained network.

    Args:
        frame: `unique_id, ds, y` sorted by series and time on a regular grid, NaN where missing.
        h: steps to forecast.
        season_length: steps of the season, 1 for none.
        freq: a pandas alias or an integer step.
        level: widths of intervals in percent, each a pair of columns `forecast-lo-80`, `forecast-hi-80`.
        quantiles: levels between 0 and 1, each a column such as `q0.1`.
        long_season: steps of a second season; None for a week over hours and a year over weeks, 0 for none.
        members: networks whose quantiles are averaged; None for those of the package.

    Returns:
        `unique_id, ds, forecast` (the median), the intervals and the quantiles, h rows a series.

    Raises:
        ConfigError: the horizon, the season, a width or a quantile cannot be used.
        DataError: a series has no values.

    Example:
        >>> import pandas as pd
        >>> months = pd.date_range("2020-01-01", periods=36, freq="MS")
        >>> past = pd.DataFrame({"unique_id": "shop", "ds": months, "y": range(100, 136)})
        >>> forecast(past, 3, season_length=12, freq="MS").columns.tolist()
        ['unique_id', 'ds', 'forecast']
    """
    wanted = _wanted(level, quantiles)
    ends = series_ends(frame)
    values = frame["y"].to_numpy(dtype=np.float64)
    starts = np.concatenate([[0], ends[:-1]])
    _check_values(frame, values, starts)
    second = long_season_of(season_length, freq) if long_season is None else long_season
    result = forecast_values(
        values, starts, ends, h, season_length=season_length, long_season=second, members=members
    )
    future = frames.future(frame.iloc[ends - 1], freq, h)[["unique_id", "ds"]]
    future["forecast"] = result[:, :, LEVELS.index(0.5)].reshape(-1)
    for name, at in wanted.items():
        future[name] = _at_level(result, at).reshape(-1)
    return future


def forecast_values(
    values: npt.NDArray[np.float64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    h: int,
    *,
    season_length: int,
    long_season: int = 0,
    members: tuple[Member, ...] | None = None,
) -> npt.NDArray[np.float64]:
    """Forecasts series that lie one after the other in an array.

    Args:
        values: all series, NaN where missing; each has a value.
        starts: (series,), where each begins.
        ends: (series,), one past where each ends.
        h: steps to forecast.
        season_length: steps of the season, 1 for none.
        long_season: steps of a second, longer season, 0 for none.
        members: networks whose quantiles are averaged; None for those of the package.

    Returns:
        (series, h, 9), the quantiles 0.1 to 0.9, increasing.

    Raises:
        ConfigError: the horizon or a season is below its least value.
    """
    if h < 1 or season_length < 1 or long_season < 0:
        raise ConfigError(
            f"h is {h}, season_length {season_length} and long_season {long_season}; "
            "use an h and a season_length of at least 1 and a long_season of at least 0"
        )
    networks = pretrained_network.load_members() if members is None else members
    longest = max(pretrained_inputs.CONTEXT, min(4 * max(season_length, long_season), LONGEST))
    lengths = np.minimum(ends - starts, longest)
    result = np.empty((len(ends), h, len(LEVELS)))
    bounds = [0, *(limit for limit, _ in pretrained_inputs.PATCH_COUNTS[:-1]), longest]
    blocks = _blocks(lengths, bounds)

    def run(block: npt.NDArray[np.intp], longest_read: int) -> None:
        history = _histories(values, ends[block], lengths[block])
        result[block] = _forecast_block(history, h, (season_length, long_season), networks, longest_read)

    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as threads:  # NumPy lets threads run
        for done in [threads.submit(run, *block) for block in blocks]:
            done.result()
    return result


def maker(season_length: int, freq: str | int, *, long_season: int | None = None) -> "PretrainedMaker":
    """Gives what a backtest needs: given a past, a forecaster of it.

    Args:
        season_length: steps of the season, 1 for none.
        freq: a pandas alias or an integer step.
        long_season: steps of a second season; None to take it from the frequency.
    """
    return PretrainedMaker(season_length, freq, long_season)


@dataclass(frozen=True)
class PretrainedMaker:
    """Makes forecasters of given pasts; can be pickled."""

    season_length: int
    freq: str | int
    long_season: int | None = None

    def __call__(self, past: pd.DataFrame) -> "PretrainedForecaster":
        """Gives the forecaster of one past."""
        return PretrainedForecaster(past, self.season_length, self.freq, self.long_season)


@dataclass(frozen=True)
class PretrainedForecaster:
    """The pretrained network with one past.

    Args:
        past: `unique_id, ds, y`, sorted.
        season_length: steps of the season, 1 for none.
        freq: a pandas alias or an integer step.
        long_season: steps of a second season; None to take it from the frequency.
        members: networks whose quantiles are averaged; None for those of the package.
    """

    past: pd.DataFrame = field(repr=False)
    season_length: int
    freq: str | int
    long_season: int | None = None
    members: tuple[Member, ...] | None = field(default=None, repr=False)

    def predict(self, h: int, level: Sequence[float] | None = None) -> pd.DataFrame:
        """Forecasts the next steps of every series.

        Args:
            h: steps to forecast.
            level: widths of intervals in percent, such as 80.

        Returns:
            `unique_id, ds, forecast` and the intervals.
        """
        return forecast(
            self.past,
            h,
            season_length=self.season_length,
            freq=self.freq,
            level=level or (),
            long_season=self.long_season,
            members=self.members,
        )

    def with_history(self, past: pd.DataFrame) -> "PretrainedForecaster":
        """The same forecaster at the end of another past."""
        return replace(self, past=past)


def _blocks(lengths: npt.NDArray[np.int64], bounds: list[int]) -> list[tuple[npt.NDArray[np.intp], int]]:
    """Series of similar length that are run together, and the bound they lie below."""
    order = np.argsort(lengths, kind="stable")
    blocks = []
    for low, high in pairwise(bounds):
        rows = order[(lengths[order] > low) & (lengths[order] <= high)]
        blocks += [(rows[begin : begin + BLOCK], high) for begin in range(0, len(rows), BLOCK)]
    return blocks


def _forecast_block(
    history: Array, h: int, seasons: tuple[int, int], members: tuple[Member, ...], longest: int
) -> npt.NDArray[np.float64]:
    """Forecasts histories of one bucket of lengths: (batch, h, 9)."""
    steps = np.arange(1, h + 1)
    total = np.zeros((len(history), h, len(LEVELS)))
    for plain in sorted({member.plain for member in members}):
        past = pretrained_scaling.prepare(history, *seasons, pretrained_scaling.no_logarithm(history, plain))
        inputs = pretrained_inputs.build(history, past, steps, pretrained_inputs.patches_for(longest))
        for member in members:
            if member.plain == plain:
                units = pretrained_network.quantiles(member, inputs).astype(np.float64)
                levels = units * past.unit[:, None, None] + past.adjusted[:, -1][:, None, None]
                total += _bounded(levels, past)
    return _whole(total / len(members), history)


def _whole(levels: npt.NDArray[np.float64], history: Array) -> npt.NDArray[np.float64]:
    """Rounds the quantiles of counts that have been zero, for theirs are whole numbers: (batch, h, 9)."""
    values = np.where(np.isfinite(history), history, np.float32(0))
    counts = (
        (values == np.rint(values)).all(axis=1) & ((history == 0).any(axis=1)) & (values >= 0).all(axis=1)
    )
    return np.where(counts[:, None, None], np.rint(levels), levels)


def _bounded(levels: npt.NDArray[np.float64], past: pretrained_scaling.Past) -> npt.NDArray[np.float64]:
    """Undoes the logarithm; keeps series that were never negative so: (batch, h, 9)."""
    logged = past.logged[:, None, None]
    highest = past.values.max(axis=1)[:, None, None] + 7.0  # a thousand times the largest value
    raised = np.exp(np.where(logged, np.minimum(levels, highest), 0.0))
    never_negative = (past.values.min(axis=1) >= 0)[:, None, None]
    plain = np.where(never_negative, np.maximum(levels, 0.0), levels)
    return np.where(logged, raised, plain)


def _histories(
    values: npt.NDArray[np.float64], ends: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> Array:
    """The last values of each series, NaN before the start: (batch, longest)."""
    back = np.arange(-int(lengths.max()), 0)
    history: Array = values[np.maximum(ends[:, None] + back, 0)].astype(np.float32)
    history[back < -lengths[:, None]] = np.nan
    return history


def series_ends(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """One past the last row of each series."""
    if not len(frame):
        raise DataError("the frame has no rows; give at least one series with one value")
    codes, _ = pd.factorize(frame["unique_id"])
    ends = np.append(np.flatnonzero(np.diff(codes)) + 1, len(codes))
    if len(ends) != codes.max() + 1:
        raise DataError("the rows of a series do not follow one another; sort the frame by unique_id and ds")
    return ends.astype(np.int64)


def _check_values(
    frame: pd.DataFrame, values: npt.NDArray[np.float64], starts: npt.NDArray[np.int64]
) -> None:
    """Raises where a series has no values."""
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise DataError(
            f"series '{frame['unique_id'].iloc[row]}' is infinite at {frame['ds'].iloc[row]}; mend that value"
        )
    seen = np.add.reduceat(np.isfinite(values).astype(np.int64), starts)
    if not seen.all():
        name = frame["unique_id"].iloc[int(starts[int(seen.argmin())])]
        raise DataError(f"series '{name}' has no values; remove it or give at least one")


def long_season_of(season_length: int, freq: str | int) -> int:
    """A week of days over hours, a year of weeks: 0 where there is no longer season."""
    if season_length == 1 and isinstance(freq, str) and freq.upper().startswith("W"):
        return WEEKS_A_YEAR
    return LONG_SEASONS.get(season_length, 0)


def _wanted(level: Sequence[float], quantiles: Sequence[float]) -> dict[str, float]:
    """The quantile behind each column."""
    columns = {}
    for percent in level:
        if not 0 < percent < 100:
            raise ConfigError(f"level is {percent}; it must lie between 0 and 100 percent")
        columns[f"forecast-lo-{percent:g}"] = 0.5 - percent / 200
        columns[f"forecast-hi-{percent:g}"] = 0.5 + percent / 200
    for quantile in quantiles:
        if not 0 < quantile < 1:
            raise ConfigError(f"quantile {quantile} is not between 0 and 1; use one such as 0.9")
        columns[f"q{quantile:g}"] = quantile
    return columns


def _at_level(result: npt.NDArray[np.float64], level: float) -> npt.NDArray[np.float64]:
    """The quantile of any level: interpolated inside, with normal tails outside: (series, h)."""
    if level < LEVELS[0] or level > LEVELS[-1]:
        outer = 0 if level < LEVELS[0] else len(LEVELS) - 1
        centre = result[:, :, LEVELS.index(0.5)]
        ratio = NormalDist().inv_cdf(level) / NormalDist().inv_cdf(LEVELS[outer])
        return np.asarray(centre + (result[:, :, outer] - centre) * ratio)
    below = min(int(np.searchsorted(LEVELS, level, side="right")) - 1, len(LEVELS) - 2)
    share = (level - LEVELS[below]) / (LEVELS[below + 1] - LEVELS[below])
    return np.asarray(result[:, :, below] * (1 - share) + result[:, :, below + 1] * share)
