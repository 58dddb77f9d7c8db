"""Covariates: other columns beside the series, aligned with it and scaled by their own past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ostinato.data.findings import Log, count, listing
from ostinato.data.grid import parse_freq, positions, to_integers
from ostinato.data.readers import RawTable
from ostinato.data.rows import SeriesRows, read_numbers, read_times
from ostinato.errors import ConfigError, DataError

Numbers = npt.NDArray[np.float32]
FURTHEST = 10.0
"""Largest scaled covariate: beyond ten deviations of the past a network knows nothing."""
SHOWN = 3
"""Missing times that a message lists."""


def without(raw: RawTable, names: Sequence[str]) -> RawTable:
    """A source without its covariates, so that they are not taken for times or values.

    Raises:
        ConfigError: a name is given twice.
        DataError: there is no such column.
    """
    for name in names:
        if name not in raw.frame.columns:
            present = listing([str(column) for column in raw.frame.columns], 20)
            raise DataError(f"{raw.source} has no covariate '{name}'; its columns are {present}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise ConfigError(f"covariate '{twice}' is named twice; name each once, as known ahead or as past")
    return replace(raw, frame=raw.frame.drop(columns=list(names))) if names else raw


def attach(raw: RawTable, rows: SeriesRows, names: Sequence[str], log: Log) -> pd.DataFrame:
    """Put covariates beside the rows of series that were read from the same source.

    Args:
        raw: the source, covariates included.
        rows: what was read from it.
        names: the covariates; columns of numbers.
        log: where findings go.

    Returns:
        unique_id, ds, y and the covariates, NaN where missing.
    """
    place = np.searchsorted(raw.lines, rows.lines)
    return rows.frame.assign(**{name: read_numbers(raw, name, log)[place] for name in names})


def align_ahead(
    raw: RawTable,
    steps: pd.DataFrame,
    last: pd.Series,
    names: Sequence[str],
    *,
    freq: str | int,
    time_col: str,
    id_col: str | None,
) -> pd.DataFrame:
    """Covariates known in advance, in the order of the steps to forecast.

    Args:
        raw: times, covariates, and a column of series' names; without it, rows hold for all series.
        steps: unique_id, ds: the steps to forecast, the same number for each series.
        last: the last time of each series' history, by unique_id.
        names: the covariates.
        freq: pandas alias or integer step.
        time_col: the column of the times.
        id_col: the column of the series' names, if there is one.

    Returns:
        The steps and the covariates, NaN where a cell is empty.

    Raises:
        DataError: a column, or a step of a series, is missing; the message names the series and the times.
    """
    without(raw, names)
    if time_col not in raw.frame.columns:
        raise DataError(f"{raw.source} has no column '{time_col}' of times; name it as in the history")
    log = Log()
    ds, keep = read_times(raw, time_col, log)
    table = pd.DataFrame({name: read_numbers(raw, name, log) for name in names})
    table["ds"] = ds
    ends = pd.DataFrame({"key": [str(name) for name in last.index], "end": last.to_numpy()})
    if id_col is not None and id_col in raw.frame.columns:
        table["key"] = [" ".join(str(name).split()) for name in raw.frame[id_col]]
        table = table[keep].merge(ends, on="key")
    else:
        table = table[keep].merge(ends, how="cross")
    start, times = to_integers(table["end"]), to_integers(table["ds"])
    table["step"], fits = positions(times, start, parse_freq(freq))
    table = table[fits & (times > start)].drop_duplicates(["key", "step"], keep="last")
    wanted = steps[["unique_id", "ds"]].assign(key=steps["unique_id"].astype(str))
    wanted["step"] = wanted.groupby("key", sort=False).cumcount() + 1
    found = wanted.merge(table[["key", "step", *names]], on=["key", "step"], how="left", indicator=True)
    _check_steps(raw, found)
    return found.drop(columns=["step", "key", "_merge"])


def _check_steps(raw: RawTable, found: pd.DataFrame) -> None:
    """Refuse steps without a row."""
    lost = found[found["_merge"] == "left_only"]
    if not len(lost):
        return
    name = lost["unique_id"].iloc[0]
    times = [str(moment).removesuffix(" 00:00:00") for moment in lost[lost["unique_id"] == name]["ds"]]
    more = f" and {len(times) - SHOWN} more" if len(times) > SHOWN else ""
    others = lost["unique_id"].nunique() - 1
    also = f" ({count(others, 'other series')} lack rows as well)" if others else ""
    raise DataError(
        f"{raw.source} has no row for series '{name}' at {', '.join(times[:SHOWN])}{more}{also}; give the "
        "covariates of every step to forecast, or a smaller h"
    )


@dataclass(frozen=True)
class ColumnScales:
    """Shift and stretch of every covariate of every series, measured on its past.

    Attributes:
        offset: (series, columns).
        scale: (series, columns), above 0.
    """

    offset: Numbers
    scale: Numbers

    @classmethod
    def fit(cls, values: Numbers, starts: npt.NDArray[np.int64]) -> ColumnScales:
        """Measure mean and standard deviation; a column of zeros and ones stays as it is.

        Args:
            values: (rows, columns) NaN where missing.
            starts: (series,) the first row of each series.
        """
        known = ~np.isnan(values)
        filled = np.where(known, values, 0.0).astype(np.float64)
        number = np.maximum(np.add.reduceat(known, starts, dtype=np.float64), 1.0)
        mean = np.add.reduceat(filled, starts) / number
        lengths = np.diff(np.append(starts, len(values)))
        away = np.where(known, filled - np.repeat(mean, lengths, axis=0), 0.0)
        spread = np.sqrt(np.add.reduceat(away**2, starts) / number)
        flags = np.logical_and.reduceat(~known | (filled == 0) | (filled == 1), starts)
        moving = spread > 1e-9 * np.maximum(np.abs(mean), 1e-30)
        offset = np.where(flags, 0.0, mean)
        scale = np.where(flags | ~moving, 1.0, spread)
        return cls(offset.astype(np.float32), scale.astype(np.float32))

    def transform(self, values: Numbers, series: npt.NDArray[np.int64]) -> Numbers:
        """Scaled covariates, within ten deviations of their past.

        Args:
            values: (rows, columns), the first of the columns that were fitted.
            series: (rows,) the number of each row's series.
        """
        columns = values.shape[1]
        scaled = (values - self.offset[series, :columns]) / self.scale[series, :columns]
        found: Numbers = np.clip(scaled, -FURTHEST, FURTHEST).astype(np.float32)
        return found
