"""Frames of any library to sorted long frames on a regular grid, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data import columns, frequency
from ostinato.data.covariates import attach, without
from ostinato.data.findings import Finding, Log, count
from ostinato.data.grid import moments, parse_freq, positions, to_integers, to_times
from ostinato.data.readers import from_frame
from ostinato.data.rows import to_rows
from ostinato.errors import ConfigError, DataError

MAX_GROWTH = 20  # filling gaps may not make a frame more than this many times longer
GAPS = ("fill", "refuse")


@dataclass(frozen=True)
class LongFrame:
    """Series in long form, with what is needed to give results back as they came.

    Args:
        frame: ``unique_id, ds, y`` and covariates, sorted by series and time, not yet on a grid.
        library: ``pandas``, or the narwhals name of another library, such as ``polars``.
        id_dtype: narwhals type of the id column; None where there was none.
        ds_dtype: narwhals type of the time column; None where it was an index.
        findings: What was found and mended.
        id_col: The column that named the series, or None.
        time_col: The column of the times.
    """

    frame: pd.DataFrame
    library: str
    id_dtype: Any
    ds_dtype: Any
    findings: tuple[Finding, ...] = ()
    id_col: str | None = "unique_id"
    time_col: str = "ds"


def to_long(
    df: Any,
    *,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | Sequence[str] | None = None,
    covariates: Sequence[str] = (),
) -> LongFrame:
    """Read a frame of any library that narwhals knows as series in long form.

    Args:
        df: A pandas, polars or pyarrow frame, long or wide, or a pandas Series or frame whose index holds
            the times.
        id_col: Column that names the series; None to find it.
        time_col: Column of the times; None to find it.
        target_col: Column of the values, several names or ``"*"`` for a wide frame; None to find it.
        covariates: Columns of numbers to keep beside the values.

    Returns:
        The series sorted by ``unique_id, ds``, values as float64 with NaN for missing ones.

    Raises:
        DataError: The frame holds no series that can be read.

    >>> prices = pd.Series([1.0, 2.0], index=pd.to_datetime(["2024-01-01", "2024-01-02"]), name="price")
    >>> to_long(prices).frame["unique_id"].tolist()
    ['price', 'price']
    """
    frame, library, schema = as_pandas(df)
    log = Log()
    raw = from_frame(frame, "the frame")
    plain = without(raw, covariates)
    roles = columns.choose(plain, time_col=time_col, target_col=target_col, id_col=id_col, log=log)
    rows = to_rows(plain, roles, log, name=roles.target_cols[0])
    types = [
        schema.get(name) or _type(frame, name) if name else None for name in (roles.id_col, roles.time_col)
    ]
    return LongFrame(
        attach(raw, rows, covariates, log),
        library,
        types[0],
        types[1],
        tuple(log.findings),
        roles.id_col,
        roles.time_col,
    )


def from_long(df: pd.DataFrame, like: LongFrame) -> Any:
    """Give a pandas result back in the library, and with the id and time types, of what came in.

    Args:
        df: A result with ``unique_id`` and ``ds`` and any other columns.
        like: What ``to_long`` returned.
    """
    import narwhals as nw

    table = nw.from_native(df.reset_index(drop=True), eager_only=True)
    if like.library != "pandas":
        data = {name: _plain(df[name]) for name in df.columns}
        backend: Any = like.library
        table = nw.from_dict(data, backend=backend)
    for name, dtype in (("unique_id", like.id_dtype), ("ds", like.ds_dtype)):
        if dtype is None or name not in table.columns or table.schema[name] == dtype:
            continue
        if name == "ds" and not _castable(dtype, table.schema[name]):
            continue
        table = table.with_columns(nw.col(name).cast(dtype))
    return table.to_native()


def detect_freq(df: pd.DataFrame) -> str | int:
    """Find the frequency that all series of a long frame share.

    Args:
        df: ``unique_id, ds`` sorted by series and time.

    Returns:
        A pandas alias, or the step of integer times.

    Raises:
        DataError: Too few rows, irregular steps or mixed frequencies.

    >>> detect_freq(pd.DataFrame({"unique_id": "a", "ds": pd.to_datetime(["1962-01-31", "1962-02-28"])}))
    'ME'
    """
    return frequency.detect(frequency.rows_of(df))


def regularise(df: pd.DataFrame, freq: str | int, *, gaps: str = "fill") -> pd.DataFrame:
    """Put every series on the grid of a frequency, with NaN in the gaps.

    Args:
        df: ``unique_id, ds, y`` and other columns of numbers, in any order.
        freq: A pandas alias, or an integer step.
        gaps: ``fill`` puts a NaN at each missing time; ``refuse`` raises instead.

    Returns:
        The same columns, sorted, one row per step from each series' first time to its last. Months,
        quarters and years are written as the frequency writes them, whatever day they came with.

    Raises:
        ConfigError: The frequency or ``gaps`` is unknown.
        DataError: A time is off the grid or occurs twice, or there are gaps to refuse.
    """
    if gaps not in GAPS:
        raise ConfigError(f"gaps is '{gaps}'; use 'fill' or 'refuse'")
    grid = parse_freq(freq)
    rows = frequency.rows_of(df)
    if rows.integer != (grid.kind == "integer"):
        kind = "integers" if rows.integer else "dates"
        raise DataError(
            f"freq is '{freq}' but the times are {kind}; use {'an integer' if rows.integer else 'an alias'}"
        )
    df = sort(df)
    rows = frequency.rows_of(df)
    start = rows.start()
    place, fits = positions(rows.times, start, grid)
    _check_places(df, rows, place, fits, freq)
    first = np.flatnonzero(np.r_[True, rows.codes[1:] != rows.codes[:-1]])
    lengths = np.r_[place[first[1:] - 1], place[-1:]] + 1
    total = int(lengths.sum())
    if total > len(df) and gaps == "refuse":
        at = int(np.argmax(np.diff(place) > 1))
        raise DataError(
            f"series '{rows.name(at)}' has a gap after {when(df['ds'].iloc[at])} "
            f"({count(total - len(df), 'gap')} in all); fill in the rows, or use --gaps fill"
        )
    if total > MAX_GROWTH * len(df) + 1000:
        raise DataError(
            f"filling the gaps would make {total:,} rows of {len(df):,}, so '{freq}' does not fit the times; "
            "name a longer step with --freq"
        )
    offset = np.repeat(np.cumsum(lengths) - lengths, lengths)
    ds = moments(np.repeat(start[first], lengths), np.arange(total) - offset, grid)
    ids = df["unique_id"].iloc[first].repeat(lengths).reset_index(drop=True)
    regular = pd.DataFrame({"unique_id": ids, "ds": to_times(ds, grid)})
    target = (np.cumsum(lengths) - lengths)[rows.codes] + place
    for name in df.columns.drop(["unique_id", "ds"]):
        column = np.full(total, np.nan)
        column[target] = df[name].to_numpy(dtype=np.float64)
        regular[name] = column
    return regular


def future(df: pd.DataFrame, freq: str | int, h: int) -> pd.DataFrame:
    """The next ``h`` times of every series.

    Args:
        df: ``unique_id, ds`` on the grid of the frequency, sorted by series and time.
        freq: A pandas alias, or an integer step.
        h: Steps ahead, at least 1.

    Returns:
        ``unique_id, ds``, ``h`` rows a series.

    >>> past = pd.DataFrame({"unique_id": "milk", "ds": pd.to_datetime(["1962-01-31", "1962-02-28"])})
    >>> future(past, "ME", 2)["ds"].dt.strftime("%Y-%m-%d").tolist()
    ['1962-03-31', '1962-04-30']
    """
    if h < 1:
        raise ConfigError(f"h is {h}; use a horizon of at least 1 step")
    grid = parse_freq(freq)
    last = ~df["unique_id"].duplicated(keep="last").to_numpy()
    start = np.repeat(to_integers(df["ds"])[last], h)
    steps = np.tile(np.arange(1, h + 1), int(last.sum()))
    ids = df["unique_id"][last].repeat(h).reset_index(drop=True)
    return pd.DataFrame({"unique_id": ids, "ds": to_times(moments(start, steps, grid), grid)})


def sort(df: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by ``unique_id, ds``, those of equal time in the order they came."""
    codes, _ = pd.factorize(df["unique_id"], sort=True)
    order = np.lexsort((to_integers(df["ds"]), codes))
    return (df if np.all(order[1:] > order[:-1]) else df.iloc[order]).reset_index(drop=True)


def when(moment: Any) -> str:
    """Write a time for a message, without a midnight.

    >>> when(pd.Timestamp("1962-01-31")), when(7)
    ('1962-01-31', '7')
    """
    return str(moment).removesuffix(" 00:00:00")


def _check_places(
    df: pd.DataFrame, rows: frequency.Rows, place: NDArray[np.int64], fits: NDArray[np.bool_], freq: str | int
) -> None:
    if not np.all(fits):
        at = int(np.argmin(fits))
        raise DataError(
            f"series '{rows.name(at)}' has the time {when(df['ds'].iloc[at])}, which is off the grid of "
            f"frequency '{freq}'; mend the time, or name another frequency with --freq"
        )
    same = (rows.codes[1:] == rows.codes[:-1]) & (place[1:] == place[:-1])
    if np.any(same):
        at = int(np.argmax(same))
        raise DataError(
            f"series '{rows.name(at)}' has {when(df['ds'].iloc[at])} and {when(df['ds'].iloc[at + 1])} in "
            f"one step of frequency '{freq}'; keep one row a step, or name a shorter step with --freq"
        )


def as_pandas(df: Any) -> tuple[pd.DataFrame, str, dict[str, Any]]:
    """A frame of any library in pandas.

    Args:
        df: A pandas, polars or pyarrow frame, or a pandas Series or frame whose index holds the times.

    Returns:
        The frame with its times in a column, the library's name, and its narwhals types.

    Raises:
        DataError: It is no frame, or two of its columns have one name.
    """
    if isinstance(df, pd.Series):
        df = df.to_frame(name="y" if df.name is None else str(df.name))
    if isinstance(df, pd.DataFrame):
        if isinstance(df.index, (pd.DatetimeIndex, pd.PeriodIndex)) or df.index.name is not None:
            df = df.reset_index(names=df.index.name or "ds")
        frame = pd.DataFrame(df)
        frame.columns = frame.columns.map(str)
        if frame.columns.has_duplicates:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise DataError(f"the frame has several columns named '{twice}'; rename one")
        for name in frame.columns:
            if isinstance(frame[name].dtype, pd.PeriodDtype):
                frame = frame.assign(**{str(name): frame[name].dt.to_timestamp()})
        return frame, "pandas", {}
    import narwhals as nw

    try:
        table = nw.from_native(df, eager_only=True)
    except TypeError as error:
        raise DataError(
            f"the data are a {type(df).__name__}; give a pandas, polars or pyarrow frame, or a pandas Series"
        ) from error
    data = {name: table[name].to_pandas() for name in table.columns}
    return pd.DataFrame(data), str(table.implementation.value), dict(table.schema)


def _plain(column: pd.Series) -> Any:
    """A column without its pandas type, as other libraries read it."""
    values = column.to_numpy()
    return values.tolist() if values.dtype == object else values


def _type(frame: pd.DataFrame, name: str) -> Any:
    import narwhals as nw

    return nw.from_native(frame[[name]], eager_only=True).schema[name]


def _castable(dtype: Any, present: Any) -> bool:
    """Text columns of dates stay dates; a zone cannot be put back on a naive time."""
    if dtype.is_integer():
        return bool(present.is_integer())
    return bool(dtype.is_temporal() and getattr(dtype, "time_zone", None) is None)
