"""A file of numbers over time to series on a regular grid, saying what was found."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ostinato.data import columns, frames, frequency, seasons
from ostinato.data.covariates import attach, without
from ostinato.data.findings import Finding, Log, count, listing
from ostinato.data.grid import parse_freq
from ostinato.data.readers import READERS, RawTable, read_bytes
from ostinato.data.rows import to_rows
from ostinato.errors import ConfigError, DataError

__all__ = ["READERS", "Table", "read"]

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Table:
    """Series read from a file, and what was found on the way.

    Args:
        frame: ``unique_id, ds, y`` and covariates, sorted, one row per step of the frequency, NaN where missing.
        freq: A pandas alias, or the step of integer times.
        season_length: Steps in a season; 1 for none.
        name: The file's name without its ending, for the output folder; ``series`` for standard input.
        source: How messages name the file.
        rows: Rows of the file, before gaps were filled.
        series: Number of series.
        time_col: The column the times came from.
        target_cols: The columns the values came from; more than one for a wide file.
        id_col: The column that names the series, or None.
        findings: What was found and mended, in order.
    """

    frame: pd.DataFrame
    freq: str | int
    season_length: int
    name: str
    source: str
    rows: int
    series: int
    time_col: str
    target_cols: tuple[str, ...]
    id_col: str | None
    findings: tuple[Finding, ...]

    @property
    def target_col(self) -> str:
        """The column of the values; of a wide file the columns, joined by commas."""
        return ",".join(self.target_cols)

    @property
    def notes(self) -> list[str]:
        """One sentence per thing found or mended."""
        return [finding.text for finding in self.findings]


def read(  # noqa: PLR0913 - what a file may need to be told
    path: str | Path,
    *,
    time_col: str | None = None,
    target_col: str | Sequence[str] | None = None,
    id_col: str | None = None,
    freq: str | int | None = None,
    season_length: int | None = None,
    gaps: str = "fill",
    covariates: Sequence[str] = (),
    lenient: bool = False,
) -> Table:
    """Read a file as series on their grid, with findings; what is not named is found in the file.

    Args:
        path: CSV, TSV, Parquet or JSON lines, gzipped or not; ``"-"`` is standard input.
        time_col: Column of the times.
        target_col: Column of the values; several (listed, or joined by commas) or ``"*"`` for a wide file.
        id_col: Column that names the series.
        freq: A pandas alias, or an integer step for integer times.
        season_length: Steps in a season.
        gaps: ``fill`` treats missing times as missing values; ``refuse`` raises instead.
        covariates: Columns of numbers to keep beside the values.
        lenient: Record problems such as duplicates as findings and go on, as ``inspect`` does.

    Raises:
        DataError: The file cannot be used; one sentence says what, where and what to do.
        ConfigError: An option cannot be used.
    """
    _check_options(season_length, gaps)
    wanted = None if freq is None else parse_freq(freq).freq
    log = Log(lenient)
    raw, name = read_raw(path, log)
    plain = without(raw, covariates)
    roles = columns.choose(plain, time_col=time_col, target_col=target_col, id_col=id_col, log=log)
    rows = to_rows(plain, roles, log, name=name)
    found = _frequency(rows.frame, wanted, raw.source, log)
    frame = _on_grid(attach(raw, rows, covariates, log), found, gaps, raw.source, log)
    season = _season(frame, found, season_length, log)
    return Table(
        frame=frame,
        freq=found,
        season_length=season,
        name=name,
        source=raw.source,
        rows=len(raw.frame),
        series=frame["unique_id"].nunique(),
        time_col=roles.time_col,
        target_cols=roles.target_cols,
        id_col=roles.id_col,
        findings=tuple(log.findings),
    )


def _check_options(season_length: int | None, gaps: str) -> None:
    if season_length is not None and season_length < 1:
        raise ConfigError(f"season_length is {season_length}; use 1 for no season, or the steps in a season")
    if gaps not in frames.GAPS:
        raise ConfigError(f"gaps is '{gaps}'; use 'fill' or 'refuse'")


def read_raw(path: str | Path, log: Log) -> tuple[RawTable, str]:
    """The columns of a file as they stand in it, and its name.

    Args:
        path: as for `read`.
        log: where findings go.

    Raises:
        DataError: The file cannot be read.
    """
    if str(path) == STANDARD_INPUT:
        return read_bytes(sys.stdin.buffer.read(), "", "standard input", log), "series"
    file = Path(path)
    source = f"file '{path}'"
    try:
        if file.is_dir():
            raise DataError(f"'{path}' is a folder; give the file in it")
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{source} does not exist; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{source} cannot be read ({reason}); check the path and its permissions") from error
    stem = file.with_suffix("") if file.suffix.lower() == ".gz" else file
    return read_bytes(content, stem.suffix.lower(), source, log), stem.stem or "series"


def _frequency(frame: pd.DataFrame, wanted: str | int | None, source: str, log: Log) -> str | int:
    if wanted is not None:
        log.note("frequency", f"the frequency is {frequency.describe(wanted)}, as asked")
        return wanted
    try:
        found = frames.detect_freq(frame)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    log.note("frequency", f"the frequency is {frequency.describe(found)}")
    return found


def _on_grid(frame: pd.DataFrame, freq: str | int, gaps: str, source: str, log: Log) -> pd.DataFrame:
    try:
        regular = frames.regularise(frame, freq, gaps=gaps)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    added = len(regular) - len(frame)
    if added:
        holes = regular["y"].isna().to_numpy() & ~_present(regular, frame)
        first = int(np.argmax(holes))
        where = f"series '{regular['unique_id'].iloc[first]}' at {frames.when(regular['ds'].iloc[first])}"
        log.note(
            "gaps",
            f"{count(added, 'gap')} in the times filled with missing values, the first in {where}",
            where=where,
            fix="add the missing rows if they are known",
        )
    elif not np.array_equal(regular["ds"].to_numpy(), frame["ds"].to_numpy()):
        log.note("times", f"the dates were moved to the points of frequency '{freq}'")
    _say_constant(regular, log)
    return regular


def _present(regular: pd.DataFrame, frame: pd.DataFrame) -> np.ndarray:
    """Which rows of the grid had a row in the file."""
    first = ~regular["unique_id"].duplicated()
    number = first.cumsum().to_numpy()
    counts = frame["unique_id"].value_counts(sort=False)
    if len(counts) != number[-1]:
        return np.zeros(len(regular), dtype=bool)
    keys = pd.MultiIndex.from_arrays([regular["unique_id"], regular["ds"]])
    return np.asarray(keys.isin(pd.MultiIndex.from_arrays([frame["unique_id"], frame["ds"]])))


def _season(frame: pd.DataFrame, freq: str | int, wanted: int | None, log: Log) -> int:
    if wanted is not None:
        log.note("season", f"the season is {count(wanted, 'step')} long, as asked")
        return wanted
    found = seasons.detect_common_season(frame, freq)
    if found > 1:
        log.note("season", f"the season is {found} steps long")
    else:
        log.note("season", "no season was found", fix="name one with --season-length if you know better")
    return found


def _say_constant(frame: pd.DataFrame, log: Log) -> None:
    spread = frame.groupby("unique_id", sort=False)["y"].agg(["min", "max", "count"])
    constant = spread.index[(spread["min"] == spread["max"]) & (spread["count"] > 1)]
    if len(constant):
        names = listing([str(name) for name in constant], 4)
        log.note(
            "constant series",
            f"{count(len(constant), 'series')} never changed: {names}",
            where=names,
            fix="leave out what is no measurement, or expect the same value as the forecast",
        )
