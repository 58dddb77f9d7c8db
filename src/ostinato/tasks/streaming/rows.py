"""New rows of known series, one step after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data import frames
from ostinato.data.grid import Integers, parse_freq, positions, to_integers, to_times
from ostinato.errors import DataError

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

MOST_GAPS = 20
"""Missing steps filled for each row that is given, with 1,000 more; beyond that a time must be wrong."""


@dataclass(frozen=True)
class NewRows:
    """New values of some series.

    Attributes:
        values: (steps, series) in the order of time; NaN where missing.
        counts: (series,) how many steps each series goes on.
        given: rows with a value.
    """

    values: Values
    counts: NDArray[np.int64]
    given: int

    @property
    def missing(self) -> int:
        """Steps without a value."""
        return int(self.counts.sum()) - self.given


def read_rows(
    df: Any,
    names: list[Any],
    last: Integers,
    freq: str | int,
    *,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | Sequence[str] | None = None,
) -> NewRows:
    """Check that rows go on where the series ended, and put them on the grid.

    Args:
        df: pandas, polars or pyarrow; long, wide, or a single series, as for `Forecaster.fit`. Where one series is
            known, a single one of any name is taken for it.
        names: of the known series.
        last: (series,) time of the last row of each, as an integer of the grid.
        freq: pandas alias or integer step.
        id_col: column that names the series; found when None.
        time_col: column of the times; found when None.
        target_col: column of the values; found when None.

    Raises:
        DataError: a row is not later than the last one of its series, occurs twice, lies off the grid, is infinite, or
            is of a series that is not known.
    """
    rows = frames.to_long(df, id_col=id_col, time_col=time_col, target_col=target_col).frame
    grid = parse_freq(freq)
    places = _places(rows["unique_id"], names)
    times = to_integers(rows["ds"])
    if pd.api.types.is_integer_dtype(rows["ds"].dtype) != (grid.kind == "integer"):
        kinds = ("dates", "whole numbers") if grid.kind == "integer" else ("whole numbers", "dates")
        raise DataError(
            f"the times of the new rows are {kinds[0]} but those of the model are {kinds[1]}; use the same"
        )
    steps, fits = positions(times, last[places], grid)
    shown = pd.Series(to_times(last[places], grid))
    twice = pd.DataFrame({"place": places, "step": steps}).duplicated().to_numpy()
    _check(rows, (~fits, steps < 1, twice), names, shown, freq)
    y = rows["y"].to_numpy(dtype=np.float64)
    counts = np.zeros(len(names), dtype=np.int64)
    np.maximum.at(counts, places, steps)
    if counts.sum() > MOST_GAPS * len(rows) + 1000:
        at = int(np.argmax(steps))
        raise DataError(
            f"series {str(names[places[at]])!r} goes on at {shown_time(rows['ds'].iloc[at])}, {int(steps[at]):,} steps "
            "after its last row; check that time, or fit again"
        )
    values = np.full((int(counts.max(initial=0)), len(names)), np.nan)
    values[steps - 1, places] = y
    return NewRows(values, counts, int((~np.isnan(y)).sum()))


def _places(ids: pd.Series, names: list[Any]) -> NDArray[np.intp]:
    """The place of each row's series among the known ones."""
    if len(names) == 1 and ids.nunique() == 1:
        return np.zeros(len(ids), dtype=np.intp)
    known = {str(name): place for place, name in enumerate(names)}
    found = ids.astype(str).map(known)
    if found.isna().any():
        new = str(ids[found.isna()].iloc[0])
        raise DataError(f"series {new!r} is not one of the model's {len(names)} series; fit again to add it")
    return np.asarray(found, dtype=np.intp)


def _check(
    rows: pd.DataFrame, wrongs: tuple[Flags, Flags, Flags], names: list[Any], last: pd.Series, freq: str | int
) -> None:
    """Refuse the first row that is off the grid, not later than the last one, or there twice."""
    infinite = np.isinf(rows["y"].to_numpy(dtype=np.float64))
    reasons = (
        f"is off the grid of {freq!r}; correct its time",
        "is not after its last row, {last}; give later rows only, each once",
        f"is of the same step of {freq!r} as the one before; keep one of them",
        "is infinite; mark it as missing",
    )
    for wrong, reason in zip((*wrongs, infinite), reasons, strict=True):
        if wrong.any():
            at = int(np.argmax(wrong))
            row = rows.iloc[at]
            name = str(names[0] if len(names) == 1 else row["unique_id"])
            said = reason.format(last=shown_time(last.iloc[at]))
            raise DataError(f"the row of series {name!r} at {shown_time(row['ds'])} {said}")


def shown_time(value: Any) -> str:
    """A time as people write it."""
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value == value.normalize() else str(value)
    return str(value)
