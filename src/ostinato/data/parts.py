"""Series of a Parquet file that is too large for the memory, some at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data import columns, frames, seasons
from ostinato.data.columns import Roles
from ostinato.data.findings import Log
from ostinato.data.grid import parse_freq
from ostinato.data.readers import RawTable
from ostinato.data.rows import to_rows
from ostinato.data.tables import Table
from ostinato.errors import ConfigError, DataError

LARGE_ROWS = 2_000_000
"""Rows from which a file is read in parts."""
PART_ROWS = 400_000
"""Rows read at once; a series that is longer is still held as a whole."""
HEAD_ROWS = 10_000
"""Least rows from which the columns are found."""
SMALL_FILE = 4_000_000
"""Bytes up to which a file is not even opened to count its rows."""


def large_rows(path: str | Path) -> int:
    """The rows of a Parquet file that has to be read in parts, 0 for any other file.

    Args:
        path: any file, or "-" for standard input.
    """
    file = Path(path)
    if file.suffix.lower() != ".parquet" or not file.is_file() or file.stat().st_size <= SMALL_FILE:
        return 0
    rows = int(_open(path).metadata.num_rows)
    return rows if rows >= LARGE_ROWS else 0


@dataclass(frozen=True)
class SeriesParts:
    """A Parquet file whose rows are sorted by series, as regular frames of some whole series each.

    Attributes:
        path: the file.
        first: the first part as a table; its frequency and season hold for all parts.
        roles: which column is what.
        rows: rows of the whole file.
        part_rows: rows read at once.
        gaps: "fill" or "refuse".
    """

    path: Path
    first: Table
    roles: Roles
    rows: int
    part_rows: int
    gaps: str

    def __iter__(self) -> Iterator[tuple[pd.DataFrame, int]]:
        """Regular frames `unique_id, ds, y`, and how many rows of the file have been read by then.

        Raises:
            DataError: a series occurs again after others, or its rows cannot be used.
        """
        for raw, done in _whole_series(self.path, self.roles, self.part_rows):
            yield _frame(raw, self.roles, self.first.freq, self.gaps), done


def open_parts(
    path: str | Path,
    *,
    time_col: str | None = None,
    target_col: str | Sequence[str] | None = None,
    id_col: str | None = None,
    freq: str | int | None = None,
    season_length: int | None = None,
    gaps: str = "fill",
    part_rows: int = PART_ROWS,
) -> SeriesParts:
    """Opens a file and finds in its first part what holds for all: columns, frequency, season.

    Args:
        path: a Parquet file in long form, its rows sorted by series.
        time_col: column of the times; None to find it.
        target_col: column of the values; None to find it.
        id_col: column that names the series; None to find it.
        freq: a pandas alias or an integer step; None to find it.
        season_length: steps in a season; None to find it.
        gaps: "fill" treats missing times as missing values, "refuse" raises.
        part_rows: rows to read at once.

    Returns:
        The parts.

    Raises:
        DataError: the file cannot be read, or no column names the series.
        ConfigError: an option cannot be used.
    """
    if season_length is not None and season_length < 1:
        raise ConfigError(f"season_length is {season_length}; use 1 for no season, or the steps in a season")
    wanted = None if freq is None else parse_freq(freq).freq
    file = _open(path)
    log = Log()
    head = next(file.iter_batches(batch_size=max(part_rows, HEAD_ROWS)), None)
    if head is None:
        raise DataError(f"file '{path}' has no rows; give a file with series")
    raw = _raw(head.to_pandas(), path, 0)
    roles = columns.choose(raw, time_col=time_col, target_col=target_col, id_col=id_col, log=log)
    if roles.id_col is None:
        raise DataError(
            f"file '{path}' has {file.metadata.num_rows:,} rows but no column that names series; "
            "name one with --id-col"
        )
    first = _first_part(Path(path), roles, part_rows, log, (wanted, season_length, gaps))
    return SeriesParts(Path(path), first, roles, int(file.metadata.num_rows), part_rows, gaps)


def _first_part(
    path: Path, roles: Roles, part_rows: int, log: Log, asked: tuple[str | int | None, int | None, str]
) -> Table:
    """The first part as a table, its frequency and season found where they were not asked for."""
    wanted, season_length, gaps = asked
    raw, _ = next(_whole_series(path, roles, part_rows))
    rows = to_rows(raw, roles, log, name=path.stem)
    freq = frames.detect_freq(rows.frame) if wanted is None else wanted
    frame = frames.regularise(rows.frame, freq, gaps=gaps)
    season = seasons.detect_common_season(frame, freq) if season_length is None else season_length
    return Table(
        frame=frame,
        freq=freq,
        season_length=season,
        name=path.stem,
        source=raw.source,
        rows=len(raw.frame),
        series=int(frame["unique_id"].nunique()),
        time_col=roles.time_col,
        target_cols=roles.target_cols,
        id_col=roles.id_col,
        findings=tuple(log.findings),
    )


def _open(path: str | Path) -> Any:
    """The Parquet file, nothing of it read but its description."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except FileNotFoundError as error:
        raise DataError(f"file '{path}' does not exist; check the path") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"file '{path}' is not a Parquet file or is damaged; write it again") from error


def _raw(frame: pd.DataFrame, path: str | Path, row: int) -> RawTable:
    """Rows as they stand in the file, counted from 1."""
    lines = np.arange(row + 1, row + 1 + len(frame), dtype=np.int64)
    return RawTable(frame.reset_index(drop=True), lines, f"file '{path}'", "row")


def _frame(raw: RawTable, roles: Roles, freq: str | int, gaps: str) -> pd.DataFrame:
    """Rows of whole series as a regular frame."""
    rows = to_rows(raw, roles, Log(), name="")
    try:
        return frames.regularise(rows.frame, freq, gaps=gaps)
    except DataError as error:
        raise DataError(f"{raw.source}: {error}") from error


def _whole_series(path: Path, roles: Roles, part_rows: int) -> Iterator[tuple[RawTable, int]]:
    """Rows of whole series, and how many rows have been read by then.

    The rows of the last series of a batch are held back, for the next batch may go on with it.
    """
    names = [str(roles.id_col), roles.time_col, *roles.target_cols]
    seen = np.empty(0, dtype=np.uint64)
    held: list[pd.DataFrame] = []
    row = done = 0
    file = _open(path)
    for batch in file.iter_batches(batch_size=part_rows, columns=names):
        frame = batch.to_pandas()
        done += len(frame)
        last = _last_series(frame[names[0]], held[-1][names[0]] if held else None)
        if last is None or done == file.metadata.num_rows:
            held.append(frame)
            continue
        whole = pd.concat([*held, frame.iloc[:last]])
        held = [frame.iloc[last:]]
        if len(whole):
            raw = _raw(whole, path, row)
            seen = _check_sorted(raw, names[0], seen)
            row += len(whole)
            yield raw, done - len(held[0])
    raw = _raw(pd.concat(held), path, row)
    _check_sorted(raw, names[0], seen)
    yield raw, done


def _last_series(ids: pd.Series, before: pd.Series | None) -> int | None:
    """Where the last series of a batch begins; None where the whole batch goes on with the one before."""
    values = ids.to_numpy()
    changes = np.flatnonzero(values[1:] != values[:-1])
    if len(changes):
        return int(changes[-1]) + 1
    goes_on = before is not None and before.iloc[-1] == ids.iloc[0]
    return None if goes_on else 0


def _check_sorted(raw: RawTable, id_col: str, seen: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hashes of all series so far; raises where one of them begins a second time."""
    values = raw.frame[id_col]
    starts = np.flatnonzero(np.r_[True, values.to_numpy()[1:] != values.to_numpy()[:-1]])
    names = values.iloc[starts]
    hashes = pd.util.hash_pandas_object(names, index=False).to_numpy()
    again = pd.Series(hashes).duplicated().to_numpy() | np.isin(hashes, seen, assume_unique=False)
    if again.any():
        at = int(again.argmax())
        raise DataError(
            f"{raw.at(int(starts[at]))}: series '{names.iloc[at]}' goes on here after other series; "
            f"sort the file by '{id_col}' and time, as a file of this size is read in parts"
        )
    return np.union1d(seen, hashes)
