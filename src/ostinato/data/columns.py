"""Which column holds the time, which the values and which the names of the series."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ostinato.data.findings import Log, listing
from ostinato.data.numbers import is_missing, parse_numbers
from ostinato.data.readers import RawTable
from ostinato.data.times import is_time
from ostinato.errors import DataError

TIME_NAMES = (
    *(
        "ds",
        "timestamp",
        "datetime",
        "date_time",
        "date",
        "time",
        "month",
        "period",
        "week",
        "quarter",
        "day",
    ),
    *("year", "hour", "yyyymm", "yearmonth", "t", "step", "index", "idx", "time_idx", "unnamed: 0"),
)
ID_NAMES = ("unique_id", "item_id", "series_id", "series", "ts_id", "id", "item", "sku", "store")
TARGET_NAMES = ("y", "target", "value", "values")
ALL_COLUMNS = "*"
_COVARIATE = re.compile(
    r"(price|cost|promo|promotion|discount|holiday|weekday|dayofweek|day_of_week|dow|week|month|year|quarter|day|hour"
    r"|temp|temperature|humidity|rain|weather|wind|open|high|low|close|volume|id|index|is_.*|has_.*|flag.*|.*_flag"
    r"|.*_lag_?\d*|lag_?\d*|cutoff|fold)s?",
    re.IGNORECASE,
)
_SAMPLE = 200
_ALIKE_SCALES = 1000.0


@dataclass(frozen=True)
class Roles:
    """The column of each role.

    Args:
        time_col: Times.
        target_cols: Values; more than one means a wide table with one column a series.
        id_col: Names of the series, or None.
        unused: The other columns.
    """

    time_col: str
    target_cols: tuple[str, ...]
    id_col: str | None
    unused: tuple[str, ...]


def choose(
    raw: RawTable,
    *,
    time_col: str | None,
    target_col: str | Sequence[str] | None,
    id_col: str | None,
    log: Log,
) -> Roles:
    """Find the time, value and id columns; what the caller names is taken as it is.

    Args:
        raw: The columns as they stand in the source.
        time_col: Name of the time column, or None to find it.
        target_col: Name of the value column; several names, or names joined by commas, make one
            series of each; ``"*"`` takes every number column; None to find it.
        id_col: Name of the column that tells the series apart, or None to find it.
        log: Where findings go.

    Raises:
        DataError: A named column is not there, or none or several could have the role.
    """
    names = [str(name) for name in raw.frame.columns]
    targets = _named_targets(raw, names, target_col)
    for option, name in (("--time-col", time_col), ("--id-col", id_col)):
        if name is not None:
            _require(raw, names, name, option)
    kinds = {name: _kind(raw, name) for name in names}
    time = time_col or _time_column(raw, kinds, exclude={*targets, id_col})
    identity = id_col or _id_column(raw, kinds, time, exclude={time, *targets})
    if not targets:
        wide = target_col == ALL_COLUMNS
        targets = _target_columns(raw, kinds, identity, exclude={time, identity}, wide=wide)
    unused = tuple(name for name in names if name not in {time, identity, *targets})
    roles = Roles(time, targets, identity, unused)
    _say(roles, log)
    return roles


def _say(roles: Roles, log: Log) -> None:
    values = f"values from '{roles.target_cols[0]}'"
    if len(roles.target_cols) > 1:
        values = f"one series from each of {listing(list(roles.target_cols), 4)}"
    series = f", series named by '{roles.id_col}'" if roles.id_col else ""
    log.note("columns", f"times come from '{roles.time_col}', {values}{series}")
    if roles.unused:
        log.note("columns", f"not used: {listing(list(roles.unused))}")


def _require(raw: RawTable, names: list[str], name: str, option: str) -> None:
    if name not in names:
        raise DataError(
            f"{raw.source} has no column '{name}' for {option}; its columns are {listing(names, 20)}"
        )


def _named_targets(
    raw: RawTable, names: list[str], target_col: str | Sequence[str] | None
) -> tuple[str, ...]:
    if target_col is None or target_col == ALL_COLUMNS:
        return ()
    if isinstance(target_col, str):
        target_col = [target_col] if target_col in names or "," not in target_col else target_col.split(",")
    targets = tuple(dict.fromkeys(name if name in names else name.strip() for name in target_col))
    for name in targets:
        _require(raw, names, name, "--target-col")
    return targets


def _kind(raw: RawTable, name: str) -> str:
    """``number``, ``time``, ``either`` of these, ``text`` or ``empty``, from a sample of the column."""
    column = raw.frame[name]
    if pd.api.types.is_bool_dtype(column.dtype):
        return "text"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "time"
    cells = [text for text in map(str, column[:_SAMPLE]) if not is_missing(text)]
    if not cells and len(column) > _SAMPLE:
        cells = [text for text in map(str, column) if not is_missing(text)][:_SAMPLE]
    if not cells:
        return "empty"
    numbers = len(cells) - len(parse_numbers(cells, decimal_comma=raw.decimal_comma).bad)
    times = sum(map(is_time, cells))
    if max(numbers, times) * 2 < len(cells):
        return "text"
    if times < numbers:
        return "number"
    return "either" if numbers == times else "time"  # 1962.01 is a month or a price


def _time_column(raw: RawTable, kinds: dict[str, str], *, exclude: set[str | None]) -> str:
    """By name among columns of times or whole numbers, else the first column of times."""
    free = [name for name in kinds if name not in exclude]
    by_name = sorted(
        (TIME_NAMES.index(key), i) for i, n in enumerate(free) if (key := n.strip().lower()) in TIME_NAMES
    )
    dated = [free[i] for _, i in by_name if kinds[free[i]] in ("time", "either")]
    dated += [name for kind in ("time", "either") for name in free if kinds[name] == kind]
    counted = [free[i] for _, i in by_name if kinds[free[i]] == "number"]
    if dated:
        return dated[0]
    if counted:
        return counted[0]
    named = [free[i] for _, i in by_name if kinds[free[i]] == "text"]
    if named:
        return named[0]  # reading it will say which line is no date
    first = str(raw.frame.columns[0])
    if first in free and kinds[first] == "number" and len(kinds) > 1 and _counts_up(raw, first):
        return first
    raise DataError(
        f"{raw.source} has no time column among {listing(list(kinds), 20)}; "
        "add a column of dates, or name the one to use with --time-col"
    )


def _is_time_name(name: str) -> bool:
    return name.strip().lower() in TIME_NAMES


def _counts_up(raw: RawTable, name: str) -> bool:
    """Tell whether a nameless first column simply counts, as an index does."""
    if not name.startswith("column ") and not re.search(r"year|date|time|month", name, re.IGNORECASE):
        return False
    values = pd.to_numeric(raw.frame[name], errors="coerce").to_numpy(dtype=np.float64)
    return bool(
        len(values) > 1
        and np.all(np.isfinite(values))
        and np.all(np.diff(values) > 0)
        and np.all(values == np.floor(values))
    )


def _id_column(raw: RawTable, kinds: dict[str, str], time: str, *, exclude: set[str | None]) -> str | None:
    """By name, else the text column that tells rows of equal time apart."""
    free = [name for name in kinds if name not in exclude]
    by_name = sorted(
        (ID_NAMES.index(key), i) for i, n in enumerate(free) if (key := n.strip().lower()) in ID_NAMES
    )
    if by_name:
        return free[by_name[0][1]]
    if not raw.frame[time].duplicated().any():
        return None
    texts = [name for name in free if kinds[name] == "text"]
    apart = [name for name in texts if not raw.frame.duplicated(subset=[time, name]).any()]
    return apart[0] if apart else texts[0] if len(texts) == 1 else None


def _target_columns(
    raw: RawTable, kinds: dict[str, str], identity: str | None, *, exclude: set[str | None], wide: bool
) -> tuple[str, ...]:
    free = [name for name in kinds if name not in exclude]
    numbers = [
        name
        for name in free
        if kinds[name] == "number" or (kinds[name] == "either" and not _is_time_name(name))
    ]
    if not numbers:
        empty = [name for name in free if kinds[name] == "empty"]
        if len(empty) == 1:
            return (empty[0],)  # reading it will say that every value is missing
        raise DataError(
            f"{raw.source} has no column of numbers beside {listing([str(n) for n in exclude if n])}; "
            "add one, or name it with --target-col"
        )
    if wide or len(numbers) == 1:
        return tuple(numbers)
    for name in sorted(numbers, key=lambda n: n.strip().lower()):
        if name.strip().lower() in TARGET_NAMES:
            return (name,)
    if identity is None and _wide(raw, numbers):
        return tuple(numbers)
    raise DataError(
        f"{raw.source} has {len(numbers)} columns that could hold the values: {listing(numbers, 20)}; "
        f"choose one with --target-col '{numbers[0]}', "
        f"or make a series of each with --target-col '{','.join(numbers[:2])}'"
    )


def _wide(raw: RawTable, numbers: list[str]) -> bool:
    """Three or more number columns, none named like a covariate, of similar scale or with one stem."""
    if len(numbers) < 3 or any(_COVARIATE.fullmatch(name.strip()) for name in numbers):
        return False
    if len({re.sub(r"[\d\W_]+", "", name).lower() for name in numbers}) == 1:
        return True
    scales = [_scale(raw, name) for name in numbers[:_SAMPLE]]
    present = [scale for scale in scales if scale > 0]
    return bool(present) and max(present) / min(present) <= _ALIKE_SCALES


def _scale(raw: RawTable, name: str) -> float:
    column = raw.frame[name]
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = parse_numbers([str(cell) for cell in column], decimal_comma=raw.decimal_comma).values
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if len(sizes) else 0.0
