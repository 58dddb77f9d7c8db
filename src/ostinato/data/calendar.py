"""What the calendar says of a step, known as far ahead as anybody likes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ostinato.errors import ConfigError, DataError

HOLIDAY = "calendar.holiday"
CYCLES: dict[str, Callable[[pd.DatetimeIndex], npt.NDArray[np.float64]]] = {
    "hour": lambda times: (times.hour + times.minute / 60).to_numpy(dtype=np.float64) / 24,
    "weekday": lambda times: times.dayofweek.to_numpy(dtype=np.float64) / 7,
    "monthday": lambda times: (times.day - 1).to_numpy(dtype=np.float64) / 31,
    "yearday": lambda times: (times.dayofyear - 1).to_numpy(dtype=np.float64) / 365.25,
}
"""The share of a cycle that has passed at a time, by the name of the cycle."""


def calendar_columns(calendar: Sequence[str], holidays: Sequence[object]) -> tuple[str, ...]:
    """The names of the columns that `calendar_features` makes.

    Raises:
        ConfigError: a cycle is not known.
    """
    for name in calendar:
        if name not in CYCLES:
            raise ConfigError(f"calendar has {name!r}, which is not known; use some of: {', '.join(CYCLES)}")
    waves = [f"calendar.{name}.{wave}" for name in calendar for wave in ("sin", "cos")]
    return (*waves, *([HOLIDAY] if len(holidays) else []))


def calendar_features(
    ds: pd.Series, calendar: Sequence[str], holidays: Sequence[object]
) -> dict[str, npt.NDArray[np.float64]]:
    """Columns for times: a sine and a cosine of every cycle, and 1 on holidays.

    Args:
        ds: dates.
        calendar: keys of `CYCLES`.
        holidays: dates; a step on one of these days is a holiday.

    Raises:
        ConfigError: a cycle is not known, or a holiday is no date.
        DataError: the times are integers.

    >>> days = pd.Series(pd.to_datetime(["2024-12-25", "2024-12-26"]))
    >>> calendar_features(days, [], ["2024-12-25"])["calendar.holiday"].tolist()
    [1.0, 0.0]
    """
    names = calendar_columns(calendar, holidays)
    if not names:
        return {}
    if not pd.api.types.is_datetime64_any_dtype(ds.dtype):
        raise DataError(
            "the times are integers, of which the calendar says nothing; give dates, or leave calendar out"
        )
    times = pd.DatetimeIndex(ds)
    found = {}
    for name in calendar:
        angle = 2 * np.pi * CYCLES[name](times)
        found[f"calendar.{name}.sin"], found[f"calendar.{name}.cos"] = np.sin(angle), np.cos(angle)
    if len(holidays):
        found[HOLIDAY] = times.normalize().isin(_dates(holidays)).astype(np.float64)
    return found


def _dates(holidays: Sequence[object]) -> pd.DatetimeIndex:
    try:
        return pd.DatetimeIndex(pd.to_datetime(pd.Series(list(holidays)))).normalize()
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"the holidays cannot be read as dates ({error}); give dates such as 2024-12-25"
        ) from error
