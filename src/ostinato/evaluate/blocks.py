"""A long frame seen as blocks of rows, one block a series, for work on all series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data import frames
from ostinato.errors import DataError

Values = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Blocks:
    """The rows of a frame and where each series starts and ends.

    Attributes:
        frame: the frame itself, series one after the other.
        values: `y` of every row, shape (rows,); NaN = missing.
        starts: first row of each series, shape (series,).
        ends: row after the last of each series, shape (series,).
        owner: number of the series of each row, shape (rows,).
    """

    frame: pd.DataFrame
    values: Values
    starts: Rows
    ends: Rows
    owner: Rows


def split(frame: pd.DataFrame) -> Blocks:
    """See a frame as blocks.

    Args:
        frame: unique_id, ds, y; sorted, series one after the other.

    Returns:
        The blocks, in the frame's order.

    Raises:
        DataError: the frame has no rows, or the rows of a series do not stand together.
    """
    if frame.empty:
        raise DataError("the frame has no rows; give at least one series with values")
    codes, names = pd.factorize(frame["unique_id"])
    if np.any(np.diff(codes) < 0):
        name = names[codes[1:][np.diff(codes) < 0][0]]
        raise DataError(f"the rows of series {str(name)!r} do not stand together; sort by unique_id, ds")
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = np.append(starts[1:], len(codes))
    values = frame["y"].to_numpy(dtype=np.float64)
    return Blocks(frame, values, starts, ends, codes.astype(np.int64))


def names(found: Blocks) -> list[object]:
    """The ids of the series, in order."""
    return list(found.frame["unique_id"].iloc[found.starts])


def real_rows(found: Blocks) -> tuple[Rows, Rows]:
    """The rows of the first and of the last real value of each series, (series,); -1 = none."""
    rows = np.flatnonzero(~np.isnan(found.values))
    series = found.owner[rows]
    first = np.full(len(found.starts), -1, dtype=np.int64)
    last = first.copy()
    last[series] = rows  # of repeated series the last assignment stays
    first[series[::-1]] = rows[::-1]
    return first, last


def last_real(found: Blocks) -> Values:
    """The last real value of each series, (series,); NaN for a series without any."""
    _, last = real_rows(found)
    return np.where(last >= 0, found.values[last], np.nan)


def lag_errors(found: Blocks, lag: int) -> Values:
    """Each value less the value `lag` rows before in the same series, (rows,); NaN where unknown."""
    errors = np.full(len(found.values), np.nan)
    if lag < len(errors):
        same = found.owner[lag:] == found.owner[:-lag]
        errors[lag:] = np.where(same, found.values[lag:] - found.values[:-lag], np.nan)
    return errors


def future(found: Blocks, freq: str | int, h: int) -> pd.DataFrame:
    """The next `h` steps of every series: unique_id, ds, `h` rows a series."""
    table: pd.DataFrame = frames.future(found.frame.iloc[found.ends - 1], freq, h)
    return table.reset_index(drop=True)
