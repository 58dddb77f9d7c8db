"""A forecaster that learned from millions of synthetic series: any series, any horizon, no training."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ostinato.data import frames
from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.knots import LEVELS
from ostinato.evaluate.scores import level_columns
from ostinato.tasks.pretrained.intervals import Levels, forecast_levels
from ostinato.tasks.pretrained.network import Member
from ostinato.tasks.pretrained.values import forecast_raw, forecast_values

LONG_SEASONS = {24: 168, 48: 336, 96: 672}  # a week, where the season is a day
WEEKS_A_YEAR = 52
LARGEST_VALUE = 1e30


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
        quantiles: levels between 0 and 1, each a column such as `forecast-q-10`.
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
    _check_wanted(level, quantiles)
    ends = series_ends(frame)
    values = frame["y"].to_numpy(dtype=np.float64)
    layout = (values, np.concatenate([[0], ends[:-1]]), ends, h)
    _check_values(frame, values, layout[1])
    second = long_season_of(season_length, freq) if long_season is None else long_season
    if level or quantiles:
        found = forecast_levels(*layout, season_length=season_length, long_season=second, members=members)
        columns = _columns(found, level, quantiles)
    else:
        result = forecast_values(*layout, season_length=season_length, long_season=second, members=members)
        columns = {"forecast": result[:, :, LEVELS.index(0.5)]}
    future = frames.future(frame.iloc[ends - 1], freq, h)[["unique_id", "ds"]]
    return future.assign(**{name: column.reshape(-1) for name, column in columns.items()})


def forecast_quantiles(
    frame: pd.DataFrame,
    h: int,
    *,
    season_length: int,
    freq: str | int,
    members: tuple[Member, ...] | None = None,
) -> pd.DataFrame:
    """Forecasts every series with the quantiles as the networks give them, neither widened nor made whole.

    Args:
        frame: `unique_id, ds, y` sorted by series and time on a regular grid, NaN where missing.
        h: steps to forecast.
        season_length: steps of the season, 1 for none.
        freq: a pandas alias or an integer step.
        members: networks whose quantiles are averaged; None for those of the package.

    Returns:
        `unique_id, ds, forecast` (what `forecast` gives), and forecast-q-10 ... forecast-q-90.

    Raises:
        ConfigError: the horizon or the season cannot be used.
        DataError: a series has no values.
    """
    ends = series_ends(frame)
    values = frame["y"].to_numpy(dtype=np.float64)
    starts = np.concatenate([[0], ends[:-1]])
    _check_values(frame, values, starts)
    second = long_season_of(season_length, freq)
    raw = forecast_raw(
        values, starts, ends, h, season_length=season_length, long_season=second, members=members
    )
    middle = LEVELS.index(0.5)
    future = frames.future(frame.iloc[ends - 1], freq, h)[["unique_id", "ds"]]
    result = future.assign(forecast=raw.fitting(raw.levels[:, :, middle : middle + 1]).ravel())
    result[level_columns("forecast")] = raw.levels.reshape(-1, len(LEVELS))
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
    """Raises where a series has no values, or one too large."""
    if (np.abs(values) > LARGEST_VALUE).any():
        row = int((np.abs(values) > LARGEST_VALUE).argmax())
        raise DataError(
            f"series '{frame['unique_id'].iloc[row]}' is {values[row]:g} at {frame['ds'].iloc[row]}, "
            f"beyond {LARGEST_VALUE:g}; mend that value or give the series in a larger unit"
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


def _check_wanted(level: Sequence[float], quantiles: Sequence[float]) -> None:
    """Raises where a width or a quantile cannot be."""
    for percent in level:
        if not 0 < percent < 100:
            raise ConfigError(f"level is {percent}; it must lie between 0 and 100 percent")
    for quantile in quantiles:
        if not 0 < quantile < 1:
            raise ConfigError(f"quantile {quantile} is not between 0 and 1; use one such as 0.9")


def _columns(
    found: Levels, level: Sequence[float], quantiles: Sequence[float]
) -> dict[str, npt.NDArray[np.float64]]:
    """The median, both ends of each interval, and the quantiles: (series, h) each."""
    columns = {"forecast": found.at(0.5)}
    for percent in level:
        ends = found.interval(percent / 100)
        columns[f"forecast-lo-{percent:g}"], columns[f"forecast-hi-{percent:g}"] = ends
    return columns | {f"forecast-q-{100 * quantile:g}": found.at(quantile) for quantile in quantiles}
