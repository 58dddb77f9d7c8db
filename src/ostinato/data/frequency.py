"""The frequency of series from the distances between their times."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.findings import count
from ostinato.data.grid import DAY, Grid, Integers, parse_freq, positions, to_integers
from ostinato.errors import DataError

_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_UNITS = (("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1))
_LEAST_UNIT_STEPS = 0.2
_RUN = 5
_MIXED_SHARE = 0.3


@dataclass(frozen=True)
class Rows:
    """Rows sorted by series and time.

    Args:
        codes: ``(rows,)`` the number of the series, rising.
        times: ``(rows,)`` from ``to_integers``, rising within a series.
        names: The series' names by code.
        integer: Whether the times are integers and not dates.
    """

    codes: Integers
    times: Integers
    names: NDArray[np.object_]
    integer: bool

    def start(self) -> Integers:
        """``(rows,)`` the first time of each row's series."""
        first = np.flatnonzero(np.r_[True, self.codes[1:] != self.codes[:-1]])
        lengths = np.diff(np.r_[first, len(self.codes)])
        return np.repeat(self.times[first], lengths)

    def name(self, row: int) -> object:
        """The name of a row's series."""
        return self.names[self.codes[row]]

    def within(self) -> NDArray[np.bool_]:
        """``(rows - 1,)`` whether a row and the next one belong to the same series at different times."""
        return np.asarray((self.codes[1:] == self.codes[:-1]) & (self.times[1:] > self.times[:-1]))


def rows_of(frame: pd.DataFrame) -> Rows:
    """The rows of a frame that is sorted by ``unique_id, ds``."""
    codes, names = pd.factorize(frame["unique_id"])
    integer = pd.api.types.is_integer_dtype(frame["ds"].dtype)
    return Rows(codes.astype(np.int64), to_integers(frame["ds"]), np.asarray(names, dtype=object), integer)


def detect(rows: Rows) -> str | int:
    """Find the frequency that all series share.

    Raises:
        DataError: There are too few rows to tell, the steps are irregular, or series differ.
    """
    steps = np.diff(rows.times)[rows.within()]
    if not len(steps):
        if rows.integer:
            return 1
        raise DataError(
            "the frequency cannot be found from series of one row; name it with --freq, such as --freq MS"
        )
    freq = _integer_step(steps) if rows.integer else _alias(rows, steps)
    _check_one_frequency(rows, parse_freq(freq))
    return freq


def describe(freq: str | int) -> str:
    """A frequency in words.

    >>> describe("MS"), describe("15min"), describe(1)
    ('monthly (MS)', 'every 15 minutes (15min)', 'a step of 1 between integer times')
    """
    grid = parse_freq(freq)
    if grid.kind == "integer":
        return f"a step of {grid.size} between integer times"
    words = {
        **{("month", 1): "monthly", ("month", 3): "quarterly", ("month", 12): "yearly"},
        **{("business", 1): "business days", ("step", DAY): "daily", ("step", 7 * DAY): "weekly"},
        **{("step", 3_600_000_000): "hourly", ("step", 60_000_000): "every minute"},
        ("step", 1_000_000): "every second",
    }
    return f"{words.get((grid.kind, grid.size)) or _every(grid)} ({grid.freq})"


def _every(grid: Grid) -> str:
    if grid.kind == "month":
        return f"every {grid.size} months"
    if grid.kind != "step":
        return "a calendar of its own"
    for word, size in (("day", DAY), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000)):
        if grid.size % size == 0:
            return f"every {count(grid.size // size, word)}"
    return f"every {grid.size:,} microseconds"


def _integer_step(steps: Integers) -> int:
    step = int(np.gcd.reduce(steps))
    _check_regular(steps, step, str(step))
    return step


def _alias(rows: Rows, steps: Integers) -> str:
    if len(np.unique(rows.times % DAY)) > 1:
        size = int(np.gcd.reduce(steps))
        name, unit = next((name, unit) for name, unit in _UNITS if size % unit == 0)
        alias = name if size == unit else f"{size // unit}{name}"
        _check_regular(steps, size, alias)
        return alias
    days = rows.times // DAY
    distances = steps // DAY
    monthly = _monthly(rows, days, distances)
    return monthly or _daily(days, distances)


def _monthly(rows: Rows, days: Integers, distances: Integers) -> str | None:
    """An alias of months, quarters or years, if there is at most one date in a month."""
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    number: Integers = month.astype(np.int64)
    apart = number[1:][rows.within()] - number[:-1][rows.within()]
    if apart.min() < 1 or distances.min() < 20:
        return None
    day = (dates - month.astype("datetime64[D]")).astype(np.int64) + 1
    last = (dates + 1).astype("datetime64[M]") > month
    patterned = bool(np.all(last) or np.all(day == day[0]) or (day.min() >= 28 and np.ptp(day) <= 3))
    if not patterned and np.all(distances % distances.min() == 0):
        return None  # every 28 or 30 days
    size = int(np.gcd.reduce(apart))
    _check_regular(apart, size, f"{size} months")
    ends = bool(np.all(last) or (not np.all(day == day[0]) and day.min() >= 26))
    return _month_alias(number, size, "E" if ends else "S", rows)


def _month_alias(month: Integers, size: int, side: str, rows: Rows) -> str:
    unit = 12 if size % 12 == 0 else 3 if size % 3 == 0 else 1
    phase = month % unit
    if np.any(phase != phase[0]):
        other = int(np.argmax(phase != phase[0]))
        raise DataError(
            f"series '{rows.name(0)}' and '{rows.name(other)}' have mixed frequencies: both "
            f"step {size} months but from different months; forecast them from separate files"
        )
    multiple = "" if size == unit else str(size // unit)
    if unit == 1:
        return f"{multiple}M{side}"
    anchor = int(month[0] % unit)
    if unit == 12:
        plain, letter = (11 if side == "E" else 0), "Y"
    else:  # quarters are named by the first of their months, or by the last one of the year
        plain, letter = (2 if side == "E" else 0), "Q"
    if anchor == plain:
        return f"{multiple}{letter}{side}" + ("-DEC" if side == "E" else "")
    return f"{multiple}{letter}{side}-{_MONTHS[anchor + (9 if unit == 3 and side == 'E' else 0)]}"


def _daily(days: Integers, distances: Integers) -> str:
    size = int(np.gcd.reduce(distances))
    weekday = (days + 3) % 7
    if size % 7 == 0 and len(np.unique(weekday)) == 1:
        _check_regular(distances, size, f"{size} days")
        return f"{size // 7 if size > 7 else ''}W-{_WEEKDAYS[int(weekday[0])]}"
    if size == 1 and len(days) >= 5 and weekday.max() < 5 and np.ptp(days) >= 7:
        business = np.mean((distances == 1) | (distances == 3))
        if business >= 0.5:
            return "B"
    _check_regular(distances, size, f"{size} days")
    return "D" if size == 1 else f"{size}D"


def _check_regular(steps: Integers, size: int, name: str) -> None:
    """Refuse steps of which few are one step of the grid they lie on."""
    share = float(np.mean(steps == size))
    if share < _LEAST_UNIT_STEPS and not _one_step_each(steps):
        raise DataError(
            f"the times are irregular: only {100 * share:.0f} % of the steps are {name} long; "
            "resample the file to a regular frequency, or name one with --freq"
        )


def _one_step_each(steps: Integers) -> bool:
    """Tell whether a few long regular steps, not noise, hide the unit: a sign of mixed frequencies."""
    values, counts = np.unique(steps, return_counts=True)
    return bool(len(values) <= 4 and counts.min() >= 3)


def _check_one_frequency(rows: Rows, grid: Grid) -> None:
    """Refuse a series that keeps to a longer step than the common one for long runs."""
    place, _ = positions(rows.times, rows.start(), grid)
    steps = np.diff(place)
    inside = rows.within()
    if np.all(steps[inside] == 1) or len(steps) < _RUN:
        return
    long = inside & (steps >= 2)
    alike = long[1:] & long[:-1] & (np.abs(steps[1:] - steps[:-1]) <= 0.2 * np.minimum(steps[1:], steps[:-1]))
    alike = alike & (rows.codes[2:] == rows.codes[:-2])
    run = alike.copy()
    for shift in range(1, _RUN - 1):
        run[: len(run) - shift] &= alike[shift:]
        run[len(run) - shift :] = False
    covered = np.zeros(len(rows.codes), dtype=np.int64)
    for shift in range(_RUN):
        covered[shift : shift + len(run)] |= run[: len(covered) - shift]
    share = np.bincount(rows.codes, covered) / np.bincount(rows.codes)
    worst = int(np.argmax(share))
    if share[worst] > _MIXED_SHARE:
        at = int(np.flatnonzero(run & (rows.codes[: len(run)] == worst))[0])
        raise DataError(
            f"series '{rows.names[worst]}' has mixed frequencies: runs of {steps[at]} steps where others "
            f"take one ({describe(grid.freq)}); put series of one frequency in a file, or name it with --freq"
        )
