"""Chosen columns to sorted rows ``unique_id, ds, y``, each irregularity mended aloud or refused."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.columns import Roles
from ostinato.data.findings import Log, count, listing
from ostinato.data.numbers import is_missing, parse_numbers
from ostinato.data.readers import RawTable
from ostinato.data.times import in_range, is_time, parse_times
from ostinato.errors import DataError

_EPOCH_UNITS = {10: ("s", "seconds"), 13: ("ms", "milliseconds")}


@dataclass(frozen=True)
class SeriesRows:
    """Rows in long form, sorted by series and time.

    Args:
        frame: ``unique_id, ds, y``.
        lines: ``(rows,)`` the line each row stood on.
    """

    frame: pd.DataFrame
    lines: NDArray[np.int64]


def to_rows(raw: RawTable, roles: Roles, log: Log, *, name: str) -> SeriesRows:
    """Read the chosen columns as series.

    Args:
        raw: The columns as they stand in the source.
        roles: Which column is what.
        log: Where findings go; problems raise unless it is lenient.
        name: The name of a single series without an id column.

    Raises:
        DataError: A cell, a row or a series cannot be used.
    """
    ds, keep = read_times(raw, roles.time_col, log)
    ids = _names(raw, roles)
    parts = []
    for target in roles.target_cols:
        label = (
            ids
            if ids is not None
            else np.full(len(raw.lines), target if len(roles.target_cols) > 1 else name)
        )
        if ids is not None and len(roles.target_cols) > 1:
            label = np.array([f"{one}/{target}" for one in ids], dtype=object)
        values = read_numbers(raw, target, log)
        parts.append((label[keep], ds[keep], values[keep], raw.lines[keep]))
    label, when, values, lines = (np.concatenate([part[i] for part in parts]) for i in range(4))
    if not len(label):
        raise DataError(f"{raw.source} has no row with a time; give every row a time")
    rows = _sorted(label, when, values, lines, log)
    rows = _without_duplicates(raw, rows, log)
    return _without_empty_series(raw, rows, log)


def read_times(raw: RawTable, name: str, log: Log) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """The times of all rows of a column, and which rows have one."""
    column = raw.frame[name]
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        values = _wall_times(column, name, log).astype("datetime64[us]")
        bad = np.empty(0, dtype=np.intp)
    elif pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return _numbered_times(raw, name, column.to_numpy(dtype=np.float64, na_value=np.nan), log)
    else:
        cells = [str(cell) for cell in column]
        first = next((cell for cell in cells if not is_missing(cell)), "")
        numbers = parse_numbers(cells if not is_time(first) else [first])
        present = len(numbers.bad) + int(np.isfinite(numbers.values).sum())
        if 2 * len(numbers.bad) < present:
            _complain_of_times(raw, name, numbers.bad, log)
            return _numbered_times(raw, name, numbers.values, log)
        times = parse_times(cells)
        values, bad = times.values, times.bad
        _say_order(name, times.order, times.sure, log)
        _check_zones(raw, name, times.zones, log)
    _complain_of_times(raw, name, bad, log)
    values = values.copy()
    outside = np.flatnonzero(~in_range(values))
    if len(outside):
        log.problem(
            "times",
            f"{raw.at(outside[0])} has {str(values[outside[0]])[:10]}, a date outside the years 1678 to 2261",
            where=raw.at(outside[0]),
            fix="number the steps with integers instead",
        )
        values[outside] = np.datetime64("NaT")
    keep = ~np.isnat(values)
    _say_missing_times(raw, name, keep, len(bad) + len(outside), log)
    return values.astype("datetime64[ns]"), keep


def _wall_times(column: pd.Series, name: str, log: Log) -> NDArray[np.datetime64]:
    """Times without their zone: as on the wall where that is regular, else in UTC."""
    if getattr(column.dt, "tz", None) is None:
        return np.asarray(column.to_numpy())
    wall = column.dt.tz_localize(None)
    universal = column.dt.tz_convert("UTC").dt.tz_localize(None)
    daily = bool((wall.dropna() == wall.dropna().dt.normalize()).all())
    fixed = (wall - universal).dropna().nunique() <= 1
    kept = "local time" if daily or fixed else "UTC, as the clocks changed"
    log.note("time zone", f"column '{name}' has the time zone {column.dt.tz}; the times are kept in {kept}")
    return np.asarray((wall if daily or fixed else universal).to_numpy())


def _numbered_times(
    raw: RawTable, name: str, values: NDArray[np.float64], log: Log
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Whole numbers as times: years, dates such as 19620131, seconds since 1970, or positions."""
    keep = ~np.isnan(values)
    whole = keep & (np.abs(np.where(keep, values, 0)) < 2**53) & (np.floor(values) == values)
    wrong = np.flatnonzero(keep & ~whole)
    if len(wrong):
        log.problem(
            "times",
            f"{raw.at(wrong[0])}: column '{name}' holds {values[wrong[0]]:g}, no date and no whole number",
            where=raw.at(wrong[0]),
            fix="write dates such as 1962-01-31, or count the steps",
        )
    _say_missing_times(raw, name, keep & whole, len(wrong), log)
    integers = np.where(whole, values, 0).astype(np.int64)
    dates = _dates_from_numbers(integers[whole], name, log)
    if dates is None or not in_range(dates).all():
        return integers, whole
    out = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[ns]")
    out[whole] = dates.astype("datetime64[ns]")
    return out, whole


def _dates_from_numbers(values: NDArray[np.int64], name: str, log: Log) -> NDArray[np.datetime64] | None:
    """Dates that were written as numbers, or None if the numbers are positions."""
    if not len(values) or values.min() < 1000:
        return None
    digits = len(str(values.min())) if len(str(values.min())) == len(str(values.max())) else 0
    key = name.strip().lower()
    if digits == 4 and values.max() < 2200 and any(word in key for word in ("year", "yr", "date")):
        return (values - 1970).astype("datetime64[Y]").astype("datetime64[us]")
    if digits in (6, 8):
        times = parse_times([_dashed(str(value)) for value in values])
        if (
            not len(times.bad)
            and in_range(times.values).all()
            and 1700 <= values.min() // 10 ** (digits - 4) <= 2200
        ):
            log.note(
                "times", f"column '{name}' holds dates written as {'yyyymmdd' if digits == 8 else 'yyyymm'}"
            )
            return times.values
    if digits in _EPOCH_UNITS and any(word in key for word in ("time", "date", "ds", "epoch", "unix")):
        unit, words = _EPOCH_UNITS[digits]
        log.note("times", f"column '{name}' holds {words} since 1970, read as UTC")
        return values.astype(f"datetime64[{unit}]").astype("datetime64[us]")
    return None


def _dashed(text: str) -> str:
    return "-".join(part for part in (text[:4], text[4:6], text[6:]) if part)


def _complain_of_times(raw: RawTable, name: str, bad: NDArray[np.intp], log: Log) -> None:
    if len(bad):
        more = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
        log.problem(
            "times",
            f"{raw.at(bad[0])}: column '{name}' holds '{_short(raw.frame[name].iloc[bad[0]])}', "
            f"which is not a date like those in the other rows{more}",
            where=raw.at(bad[0]),
            fix="mend the cell, or name another time column with --time-col",
        )


def _say_missing_times(raw: RawTable, name: str, keep: NDArray[np.bool_], known: int, log: Log) -> None:
    missing = int((~keep).sum()) - known
    if missing > 0:
        at = int(np.argmin(keep))
        log.problem(
            "times",
            f"{raw.at(at)}: column '{name}' has no time ({count(missing, 'such row')})",
            where=raw.at(at),
            fix="fill in the times or remove the rows",
        )


def _say_order(name: str, order: str, sure: bool, log: Log) -> None:
    if not order:
        return
    doubt = "" if sure else ", though they could be either"
    fix = "" if sure else "write dates as 1962-01-31 to be sure"
    log.note("times", f"dates in column '{name}' are read {order}{doubt}", fix=fix)


def _check_zones(raw: RawTable, name: str, zones: dict[str, int], log: Log) -> None:
    if len(zones) > 1:
        words = [
            f"{zone or 'no zone'} in {raw.place} {raw.lines[row]}" for zone, row in list(zones.items())[:2]
        ]
        log.problem(
            "time zone",
            f"{raw.source}: column '{name}' mixes time zones ({', '.join(words)})",
            where=raw.at(list(zones.values())[1]),
            fix="write all times in one zone, such as UTC",
        )
    elif zone := "".join(zones):
        log.note(
            "time zone",
            f"column '{name}' has the time zone {zone}; the times are kept as written",
        )


def _names(raw: RawTable, roles: Roles) -> NDArray[np.object_] | None:
    if roles.id_col is None:
        return None
    column = raw.frame[roles.id_col]
    if pd.api.types.is_integer_dtype(column.dtype) and not column.isna().any():
        return np.asarray(column.to_numpy())
    codes, distinct = pd.factorize(column)
    labels = np.array([" ".join(str(one).split()) for one in distinct] + [""], dtype=object)
    if -1 in codes or "" in labels[:-1]:
        at = int(np.argmax(labels[codes] == ""))
        raise DataError(
            f"{raw.at(at)}: column '{roles.id_col}' has no series name; fill it in or remove the row"
        )
    return np.asarray(labels[codes])


def read_numbers(raw: RawTable, name: str, log: Log) -> NDArray[np.float64]:
    """The values of a column, NaN where missing."""
    column = raw.frame[name]
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        cells = ["" if cell is None or cell is pd.NA else str(cell) for cell in column]
        numbers = parse_numbers(cells, decimal_comma=raw.decimal_comma)
        values = numbers.values
        if numbers.style != "plain":
            log.note("values", f"numbers in column '{name}' are read as written like {numbers.style}")
        _complain_of_text(raw, name, numbers.bad, log)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        log.problem(
            "values",
            f"{raw.at(infinite[0])}: column '{name}' holds an infinite number "
            f"({count(len(infinite), 'such cell')})",
            where=raw.at(infinite[0]),
            fix="write the value, or leave the cell empty if it is unknown",
        )
        values = np.where(np.isinf(values), np.nan, values)
    return np.asarray(values, dtype=np.float64)


def _complain_of_text(raw: RawTable, name: str, bad: NDArray[np.intp], log: Log) -> None:
    if len(bad):
        more = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
        log.problem(
            "values",
            f"{raw.at(bad[0])}: column '{name}' holds '{_short(raw.frame[name].iloc[bad[0]])}', "
            f"which is not a number{more}",
            where=raw.at(bad[0]),
            fix="write a number, or leave the cell empty if it is missing",
        )


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _sorted(
    label: NDArray[np.generic],
    when: NDArray[np.generic],
    values: NDArray[np.float64],
    lines: NDArray[np.int64],
    log: Log,
) -> SeriesRows:
    codes, _ = pd.factorize(label, sort=True)
    moments = when.astype(np.int64)
    order = np.lexsort((moments, codes))
    stays = np.lexsort((np.arange(len(codes)), codes))
    late = int(np.sum((np.diff(moments[stays]) < 0) & (np.diff(codes[stays]) == 0)))
    if late:
        log.note(
            "order",
            f"the rows were not in order of time ({count(late, 'step')} back) and were sorted",
            fix="sort the file by time",
        )
    names = label if label.dtype.kind in "iu" else label.astype(object)
    frame = pd.DataFrame({"unique_id": names[order], "ds": when[order], "y": values[order]})
    return SeriesRows(frame, lines[order])


def _without_duplicates(raw: RawTable, rows: SeriesRows, log: Log) -> SeriesRows:
    frame = rows.frame
    ids, ds = frame["unique_id"].to_numpy(), frame["ds"].to_numpy()
    same = (ids[1:] == ids[:-1]) & (ds[1:] == ds[:-1])
    if not np.any(same):
        return rows
    at = int(np.argmax(same))
    moment = str(frame["ds"].iloc[at]).removesuffix(" 00:00:00")
    where = f"{raw.place}s {rows.lines[at]} and {rows.lines[at + 1]}"
    more = f" ({count(int(same.sum()), 'duplicate')} in all)" if same.sum() > 1 else ""
    log.problem(
        "duplicates",
        f"{raw.source}: series '{ids[at]}' has {moment} twice, on {where}{more}",
        where=where,
        fix="keep one row for each time, or name the column that tells the series apart with --id-col",
    )
    keep = np.r_[True, ~same]
    return SeriesRows(frame[keep].reset_index(drop=True), rows.lines[keep])


def _without_empty_series(raw: RawTable, rows: SeriesRows, log: Log) -> SeriesRows:
    """Leave out series without a single value, and count missing values."""
    frame = rows.frame
    missing = frame["y"].isna().to_numpy()
    if not missing.any():
        return rows
    codes, names = pd.factorize(frame["unique_id"])
    empty = np.bincount(codes, ~missing) == 0
    if empty.all():
        raise DataError(
            f"{raw.source} has no value at all: every cell of the values is missing; fill some in"
        )
    if empty.any():
        listed = listing([str(name) for name in np.asarray(names)[empty]])
        log.note("empty series", f"{count(int(empty.sum()), 'series')} without a value left out: {listed}")
        keep = ~empty[codes]
        rows = SeriesRows(frame[keep].reset_index(drop=True), rows.lines[keep])
        missing = rows.frame["y"].isna().to_numpy()
    if missing.any():
        log.note(
            "missing values",
            f"{count(int(missing.sum()), 'value')} of {len(missing):,} missing, kept as gaps",
            fix="fill them in if they are known",
        )
    return rows
