"""Forecasters without weights: naive, seasonal naive and drift, for thousands of series at once.

They take a regular frame (one row per step of `freq`, series one after the other); missing values
are passed over: the last *real* value is repeated, or the last real value of that season.
The intervals are the usual ones for normal errors, from the errors one step ahead within the past.

References:
    R. J. Hyndman and G. Athanasopoulos (2021), Forecasting: principles and practice, 3rd edition,
    sections 5.2 (methods) and 5.5 (intervals).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import ConfigError
from ostinato.evaluate import blocks

Values = NDArray[np.float64]
STATISTICAL = ("AutoETS", "AutoARIMA", "AutoTheta")


@runtime_checkable
class Forecaster(Protocol):
    """Whatever answers `predict`: a trained network, a pretrained one and a baseline all are one."""

    def predict(self, h: int) -> pd.DataFrame:
        """Forecast the next `h` steps of every series: unique_id, ds, forecast."""
        ...


@runtime_checkable
class MovableForecaster(Forecaster, Protocol):
    """A forecaster that can forecast from a later point without being fitted again."""

    def with_history(self, past: pd.DataFrame) -> Forecaster:
        """The same forecaster, its weights untouched, at the end of another past of the same series."""
        ...


@runtime_checkable
class InformedForecaster(Protocol):
    """A forecaster that makes use of covariates known in advance."""

    @property
    def known(self) -> tuple[str, ...]:
        """The columns that `predict` must be given."""
        ...

    def predict(self, h: int, ahead: pd.DataFrame | None = None) -> pd.DataFrame:
        """Forecast the next `h` steps of every series, given unique_id, ds and the known columns of these steps."""
        ...


Make = Callable[[pd.DataFrame], Forecaster]


def makers(season_length: int, freq: str | int, *, extra: bool | None = None) -> dict[str, Make]:
    """The baselines by name, each a function from a past to a forecaster fitted on it.

    Args:
        season_length: steps in a season.
        freq: pandas alias or integer step of the frames.
        extra: whether to add AutoETS, AutoARIMA and AutoTheta; None = where statsforecast is installed.

    Returns:
        Naive, SeasonalNaive, Drift, and the extra ones. The functions can be pickled.

    Raises:
        ConfigError: `extra` is true and statsforecast is not installed.

    Example:
        >>> list(makers(12, "MS", extra=False))
        ['Naive', 'SeasonalNaive', 'Drift']
    """
    found: dict[str, Make] = {
        name: MakeBaseline(name, season_length, freq) for name in ("Naive", "SeasonalNaive", "Drift")
    }
    installed = importlib.util.find_spec("statsforecast") is not None
    if extra and not installed:
        raise ConfigError(
            f"{', '.join(STATISTICAL)} need statsforecast; run: pip install 'ostinato[baselines]'"
        )
    if installed and extra is not False:
        found.update({name: MakeStatistical(name, season_length, freq) for name in STATISTICAL})
    return found


@dataclass(frozen=True)
class MakeBaseline:
    """Makes the baseline called `name`, fitted on a past."""

    name: str
    season_length: int
    freq: str | int
    cheap = True

    def __call__(self, past: pd.DataFrame) -> Forecaster:
        """Fit the baseline on `past`."""
        if self.name == "SeasonalNaive":
            return SeasonalNaive(self.season_length, self.freq).fit(past)
        return Naive(self.freq).fit(past) if self.name == "Naive" else Drift(self.freq).fit(past)


@dataclass(frozen=True)
class MakeStatistical:
    """Makes the model called `name` of statsforecast, fitted on a past."""

    name: str
    season_length: int
    freq: str | int

    def __call__(self, past: pd.DataFrame) -> Forecaster:
        """Fit the model on `past`."""
        from ostinato.evaluate.statistical import Statistical

        return Statistical(self.name, self.season_length, self.freq).fit(past)


class Naive:
    """Repeats the last real value of each series.

    Args:
        freq: pandas alias or integer step of the frames.
    """

    def __init__(self, freq: str | int) -> None:
        self.freq = freq

    def fit(self, frame: pd.DataFrame) -> Naive:
        """Take the last real value of every series (NaN for a series without any)."""
        self.blocks_ = blocks.split(frame)
        self.last_ = blocks.last_real(self.blocks_)
        return self

    def predict(self, h: int, level: Sequence[float] | None = None) -> pd.DataFrame:
        """Forecast the next `h` steps of every series.

        Args:
            h: steps to forecast.
            level: levels of intervals in percent, between 0 and 100.

        Returns:
            unique_id, ds, forecast, and forecast-lo-80, forecast-hi-80 for each level.
        """
        steps = _steps(h)
        errors = blocks.lag_errors(self.blocks_, 1)
        deviation = _deviation(errors, self.blocks_)[:, None] * np.sqrt(steps)
        return _table(self.blocks_, self.freq, np.repeat(self.last_[:, None], h, axis=1), deviation, level)

    def with_history(self, past: pd.DataFrame) -> Naive:
        """The same baseline at the end of another past."""
        return Naive(self.freq).fit(past)


class SeasonalNaive:
    """Repeats the last real value of each place in the season; without one, the last real value.

    Args:
        season_length: steps in a season; 1 makes it the naive forecast.
        freq: pandas alias or integer step of the frames.
    """

    def __init__(self, season_length: int, freq: str | int) -> None:
        if season_length < 1:
            raise ConfigError(f"season_length is {season_length}; it must be at least 1 step")
        self.season_length = season_length
        self.freq = freq

    def fit(self, frame: pd.DataFrame) -> SeasonalNaive:
        """Take the last real value of every place in the season of every series."""
        self.blocks_ = blocks.split(frame)
        found = self.blocks_
        season = np.repeat(blocks.last_real(found)[:, None], self.season_length, axis=1)  # (series, season)
        place = (np.arange(len(found.values)) - found.ends[found.owner]) % self.season_length
        real = ~np.isnan(found.values)
        # Rows are in order of time, and of repeated places the last assignment stays.
        season[found.owner[real], place[real]] = found.values[real]
        self.season_ = season
        return self

    def predict(self, h: int, level: Sequence[float] | None = None) -> pd.DataFrame:
        """Forecast the next `h` steps of every series.

        Args:
            h: steps to forecast.
            level: levels of intervals in percent, between 0 and 100.

        Returns:
            unique_id, ds, forecast, and forecast-lo-80, forecast-hi-80 for each level.
        """
        ahead = _steps(h).astype(np.int64) - 1
        errors = blocks.lag_errors(self.blocks_, self.season_length)
        seasons = ahead // self.season_length + 1
        deviation = _deviation(errors, self.blocks_)[:, None] * np.sqrt(seasons)
        return _table(self.blocks_, self.freq, self.season_[:, ahead % self.season_length], deviation, level)

    def with_history(self, past: pd.DataFrame) -> SeasonalNaive:
        """The same baseline at the end of another past."""
        return SeasonalNaive(self.season_length, self.freq).fit(past)


class Drift:
    """Goes on along the line from the first real value of each series to the last.

    Args:
        freq: pandas alias or integer step of the frames.
    """

    def __init__(self, freq: str | int) -> None:
        self.freq = freq

    def fit(self, frame: pd.DataFrame) -> Drift:
        """Find the line of every series; a series with one real value is held level."""
        self.blocks_ = blocks.split(frame)
        found = self.blocks_
        self.last_ = blocks.last_real(found)
        first_row, last_row = blocks.real_rows(found)
        span = np.maximum(last_row - first_row, 1)
        self.slope_ = (self.last_ - found.values[np.maximum(first_row, 0)]) / span
        self.behind_ = found.ends - 1 - last_row  # steps between the last real value and the end
        return self

    def predict(self, h: int, level: Sequence[float] | None = None) -> pd.DataFrame:
        """Forecast the next `h` steps of every series.

        Args:
            h: steps to forecast.
            level: levels of intervals in percent, between 0 and 100.

        Returns:
            unique_id, ds, forecast, and forecast-lo-80, forecast-hi-80 for each level.
        """
        steps = _steps(h)
        found = self.blocks_
        forecast = self.last_[:, None] + self.slope_[:, None] * (steps + self.behind_[:, None])
        errors = blocks.lag_errors(found, 1) - self.slope_[found.owner]
        length = np.maximum(found.ends - found.starts - 1, 1)[:, None]
        deviation = _deviation(errors, found)[:, None] * np.sqrt(steps * (1 + steps / length))
        return _table(found, self.freq, forecast, deviation, level)

    def with_history(self, past: pd.DataFrame) -> Drift:
        """The same baseline at the end of another past."""
        return Drift(self.freq).fit(past)


def _steps(h: int) -> Values:
    """The steps ahead 1 ... h."""
    if h < 1:
        raise ConfigError(f"horizon is {h}; it must be at least 1 step")
    return np.arange(1.0, h + 1)


def _deviation(errors: Values, found: blocks.Blocks) -> Values:
    """Root mean square of the errors of each series, (series,); NaN where there are none."""
    known = ~np.isnan(errors)
    count = np.bincount(found.owner[known], minlength=len(found.ends))
    total = np.bincount(found.owner[known], weights=errors[known] ** 2, minlength=len(found.ends))
    mean: Values = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return np.sqrt(mean)


def _table(
    found: blocks.Blocks,
    freq: str | int,
    forecast: Values,
    deviation: Values,
    level: Sequence[float] | None,
) -> pd.DataFrame:
    """Forecasts and normal intervals, both (series, h), as a long frame."""
    table = blocks.future(found, freq, forecast.shape[1])
    table["forecast"] = forecast.ravel()
    for percent in level or ():
        if not 0 < percent < 100:
            raise ConfigError(f"level is {percent}; it must lie between 0 and 100 percent")
        width = NormalDist().inv_cdf(0.5 + percent / 200) * deviation.ravel()
        table[f"forecast-lo-{percent:g}"] = table["forecast"] - width
        table[f"forecast-hi-{percent:g}"] = table["forecast"] + width
    return table
