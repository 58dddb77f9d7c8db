"""Arithmetic on the regular grid of a frequency: times to whole steps and back."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset

from ostinato.errors import ConfigError

Integers = NDArray[np.int64]
DAY = 86_400_000_000  # microseconds
_OLD_ALIASES = {  # pandas 3 does not know them any more
    **{"M": "ME", "Q": "QE", "Y": "YE", "A": "YE", "AS": "YS"},
    **{"BM": "BME", "BQ": "BQE", "BY": "BYE", "BA": "BYE", "BAS": "BYS", "SM": "SME"},
    **{"H": "h", "BH": "bh", "T": "min", "S": "s", "L": "ms", "U": "us"},
}


@dataclass(frozen=True)
class Grid:
    """The points of a frequency.

    Args:
        freq: A pandas alias, or the step of integer times.
        kind: ``integer``, ``step`` (microseconds), ``month``, ``business`` or ``other``.
        size: Length of one step: integers, microseconds, months or business days.
        unit: Months are snapped to multiples of this many months (1, 3 or 12).
        phase: The month of the year (0 to 11) the unit is counted from, or the weekday of ``step`` (-1: any).
        end: Whether months are written as their last day.
    """

    freq: str | int
    kind: str
    size: int = 1
    unit: int = 1
    phase: int = -1
    end: bool = False


def parse_freq(freq: str | int) -> Grid:
    """Understand a frequency.

    Args:
        freq: A pandas alias such as ``"MS"``, ``"15min"`` or ``"W-MON"`` (old spellings such as ``"M"`` and
            ``"H"`` included), or an integer step.

    Raises:
        ConfigError: The frequency is unknown, zero or negative.

    >>> parse_freq("H").freq, parse_freq("QS").size, parse_freq("2").kind
    ('h', 3, 'integer')
    """
    if isinstance(freq, int) or freq.strip().isdecimal():
        if int(freq) < 1:
            raise ConfigError(f"freq is {freq}; an integer step must be at least 1")
        return Grid(int(freq), "integer", int(freq))
    offset = _offset(freq)
    alias = str(offset.freqstr)
    size = int(offset.n)
    if isinstance(offset, pd.offsets.Day):
        return Grid(alias, "step", size * DAY)
    if isinstance(offset, pd.offsets.Tick):
        if pd.Timedelta(offset).value % 1000:
            raise ConfigError(f"freq is '{freq}'; steps shorter than a microsecond are not supported")
        return Grid(alias, "step", pd.Timedelta(offset).value // 1000)
    if isinstance(offset, pd.offsets.Week):
        return Grid(alias, "step", 7 * size * DAY, phase=_weekday(offset))
    if isinstance(offset, pd.offsets.BusinessDay) and type(offset) is pd.offsets.BusinessDay:
        return Grid(alias, "business", size)
    return _months(offset, alias, size) or Grid(alias, "other", size)


def _offset(freq: str) -> pd.offsets.BaseOffset:
    digits = freq.strip()[: len(freq.strip()) - len(freq.strip().lstrip("0123456789"))]
    name, dash, anchor = freq.strip()[len(digits) :].partition("-")
    try:
        with warnings.catch_warnings():
            for category in (FutureWarning, DeprecationWarning):  # of spellings to be dropped
                warnings.simplefilter("ignore", category)  # the result is respelled
            offset = to_offset(digits + _OLD_ALIASES.get(name, name) + dash + anchor)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"freq is '{freq}', which pandas does not know; use an alias such as 'MS' or 'h', or an integer"
        ) from error
    if offset is None or offset.n < 1:
        raise ConfigError(f"freq is '{freq}'; a step must go forward in time")
    return offset


def _weekday(offset: pd.offsets.Week) -> int:
    weekday = getattr(offset, "weekday", None)
    return -1 if weekday is None else int(weekday)


def _months(offset: pd.offsets.BaseOffset, alias: str, size: int) -> Grid | None:
    kinds: tuple[tuple[type, int, bool], ...] = (
        (pd.offsets.MonthBegin, 1, False),
        (pd.offsets.MonthEnd, 1, True),
        (pd.offsets.QuarterBegin, 3, False),
        (pd.offsets.QuarterEnd, 3, True),
        (pd.offsets.YearBegin, 12, False),
        (pd.offsets.YearEnd, 12, True),
    )
    for kind, unit, end in kinds:
        if type(offset) is kind:
            month = getattr(offset, "startingMonth", None) or getattr(offset, "month", None) or 1
            return Grid(alias, "month", unit * size, unit, (month - 1) % unit, end)
    return None


def to_integers(ds: pd.Series) -> Integers:
    """Times as integers: microseconds since 1970, or the integers themselves."""
    if pd.api.types.is_integer_dtype(ds.dtype):
        return ds.to_numpy(dtype=np.int64)
    return ds.to_numpy().astype("datetime64[us]").astype(np.int64)


def to_times(values: Integers, grid: Grid) -> NDArray[np.generic]:
    """Integers as times: int64, or datetime64[ns]."""
    if grid.kind == "integer":
        return values
    return values.astype("datetime64[us]").astype("datetime64[ns]")


def positions(times: Integers, start: Integers, grid: Grid) -> tuple[Integers, NDArray[np.bool_]]:
    """Whole steps from each row's start.

    Args:
        times: ``(rows,)`` from ``to_integers``.
        start: ``(rows,)`` the first time of each row's series.
        grid: The frequency.

    Returns:
        ``(rows,)`` the steps, and ``(rows,)`` whether the time lies on the grid.
    """
    if grid.kind == "month":
        steps, rest = np.divmod(_month(times, grid) - _month(start, grid), grid.size)
        return steps, rest == 0
    if grid.kind == "business":
        days, first = _days(times), _days(start)
        steps, rest = np.divmod(np.busday_count(first, days), grid.size)
        fits = np.is_busday(days) & np.is_busday(first) & (times % DAY == start % DAY)
        return steps, fits & (rest == 0)
    if grid.kind == "other":
        if not len(times):
            return times, np.ones(0, dtype=np.bool_)
        line = _line(int(min(times.min(), start.min())), int(times.max()), grid)
        steps = np.searchsorted(line, times) - np.searchsorted(line, start)
        return steps, np.isin(times, line) & np.isin(start, line)
    steps, rest = np.divmod(times - start, grid.size)
    fits = rest == 0
    if grid.phase >= 0:
        fits = fits & ((_days(times).astype(np.int64) + 3) % 7 == grid.phase)
    return steps, fits


def moments(start: Integers, steps: Integers, grid: Grid) -> Integers:
    """The times that lie so many steps after the start, the inverse of ``positions``.

    Args:
        start: ``(rows,)`` the first time of each row's series.
        steps: ``(rows,)`` whole steps.
        grid: The frequency.
    """
    if grid.kind == "month":
        month = _month(start, grid) + steps * grid.size + int(grid.end)
        days = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - int(grid.end)
        return np.asarray(days * DAY + start % DAY)
    if grid.kind == "business":
        dates = np.busday_offset(_days(start), steps * grid.size, roll="backward")
        return np.asarray(dates.astype(np.int64) * DAY + start % DAY)
    if grid.kind == "other":
        return _other_moments(start, steps, grid)
    return start + steps * grid.size


def _other_moments(start: Integers, steps: Integers, grid: Grid) -> Integers:
    """Walk the offset itself; one walk for each distinct start."""
    out = np.empty_like(start)
    for first in np.unique(start):
        rows = start == first
        walk = pd.date_range(
            pd.Timestamp(first, unit="us"), periods=int(steps[rows].max()) + 1, freq=str(grid.freq)
        )
        out[rows] = walk.to_numpy().astype("datetime64[us]").astype(np.int64)[steps[rows]]
    return out


def _line(first: int, last: int, grid: Grid) -> Integers:
    points = pd.date_range(pd.Timestamp(first, unit="us"), pd.Timestamp(last, unit="us"), freq=str(grid.freq))
    return points.to_numpy().astype("datetime64[us]").astype(np.int64)


def _days(times: Integers) -> NDArray[np.datetime64]:
    return (times // DAY).astype("datetime64[D]")


def _month(times: Integers, grid: Grid) -> Integers:
    """Months since 1970, moved to the month that stands for the quarter or year."""
    month = _days(times).astype("datetime64[M]").astype(np.int64)
    if grid.end:
        return np.asarray(month + (grid.phase - month) % grid.unit)
    return np.asarray(month - (month - grid.phase) % grid.unit)
