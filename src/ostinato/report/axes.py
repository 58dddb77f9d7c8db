"""Places and labels of the marks on an axis, for numbers and for times."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
Ticks = list[tuple[float, str]]

# Unit of large numbers, its sign, and from how many of it on it is used.
_LARGE = ((1e9, "G", 1), (1e6, "M", 1), (1e3, "k", 100))
# From fine to coarse: NumPy's unit, steps of it that are easy to read, and how a label is written.
_UNITS = (
    ("s", (1, 5, 15, 30), "%H:%M:%S"),
    ("m", (1, 5, 15, 30), "%H:%M"),
    ("h", (1, 3, 6, 12), "%d %b %H:%M"),
    ("D", (1, 2, 5, 10), "%d %b %Y"),
    ("M", (1, 3, 6), "%b %Y"),
    ("Y", (1, 2, 5, 10, 20, 50, 100, 200, 500), "%Y"),
)


def positions(times: Iterable[object]) -> Values:
    """Times as places on an axis: seconds since 1970, or integers as they are.

    Args:
        times: datetime64 or int64 values.

    Returns:
        Numbers of the same order and distances.
    """
    column = pd.Series(times)
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.to_numpy().astype("datetime64[ns]").astype(np.int64) / 1e9
    return column.to_numpy(dtype=np.float64)


def number_ticks(low: float, high: float, most: int = 6, *, whole: bool = False) -> Ticks:
    """Round numbers between two others.

    Args:
        low: start of the axis.
        high: end of the axis.
        most: number of marks not to exceed.
        whole: marks at whole numbers only, as of epochs.

    Returns:
        (place, label) of each mark.

    Example:
        >>> [label for _, label in number_ticks(553, 969)]
        ['600', '700', '800', '900']
        >>> [label for _, label in number_ticks(1, 12, whole=True)]
        ['5', '10']
    """
    if not high > low:
        return [(low, f"{low:g}")]
    raw = max((high - low) / max(most - 1, 1), 1.0 if whole else 0.0)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(
        power * nice
        for nice in ((1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10))
        if power * nice >= raw * (1 - 1e-9)
    )
    places = [
        index * step for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ]
    size = max(abs(low), abs(high))
    if size >= 1e12 or step < 1e-4:
        return [(place, f"{place:.4g}") for place in places]
    unit, sign, _ = next(
        (pair for pair in _LARGE if size >= pair[0] * pair[2] and step >= pair[0] / 1000), (1.0, "", 1)
    )
    shown = step / unit
    digits = next((count for count in range(9) if abs(round(shown, count) - shown) < 1e-3 * shown), 9)
    return [(place, f"{place / unit:.{digits}f}{sign}") for place in places]


def time_ticks(times: Iterable[object], most: int = 7) -> Ticks:
    """Round times between the first and the last of a column.

    Args:
        times: datetime64 or int64 values, at least one.
        most: number of marks not to exceed.

    Returns:
        (place as in `positions`, label) of each mark.

    Example:
        >>> [label for _, label in time_ticks(pd.date_range("1970-03-01", "1974-06-01", freq="MS"))]
        ['1971', '1972', '1973', '1974']
    """
    column = pd.Series(times)
    if not pd.api.types.is_datetime64_any_dtype(column):
        return number_ticks(float(column.min()), float(column.max()), most, whole=True)
    start, end = pd.Timestamp(column.min()), pd.Timestamp(column.max())
    for unit, steps, form in _UNITS:
        for step in steps:
            inside = _round_times(start, end, unit, step, 2 * most)
            if 2 <= len(inside) <= most:
                return [(_place(moment), moment.strftime(form)) for moment in inside]
    return [(_place(moment), str(moment.date())) for moment in (start, end)]


def _round_times(
    start: pd.Timestamp, end: pd.Timestamp, unit: str, step: int, most: int
) -> list[pd.Timestamp]:
    """Every `step`-th unit between two times; none if there are far too many."""
    first, last = (
        int(np.asarray(moment.to_datetime64()).astype(f"datetime64[{unit}]").astype(np.int64))
        for moment in (start, end)
    )
    if (last - first) / step >= most:
        return []
    offset = 1970 if unit == "Y" else 0  # a decade starts in a year that 10 divides, counted from year 0
    marks = np.array([mark for mark in range(first, last + 1) if (mark + offset) % step == 0], dtype=np.int64)
    moments = [pd.Timestamp(moment) for moment in marks.astype(f"datetime64[{unit}]")]
    return [moment for moment in moments if start <= moment <= end]


def _place(moment: pd.Timestamp) -> float:
    """A time as `positions` gives it."""
    return float(positions([moment])[0])
