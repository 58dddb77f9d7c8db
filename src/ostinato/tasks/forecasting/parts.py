"""Forecasts a file of any number of series with the pretrained networks, a part at a time."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ostinato.data.parts import SeriesParts
from ostinato.errors import ConfigError
from ostinato.tasks.checks import check_levels, check_quantiles
from ostinato.tasks.forecasting.horizon import choose_horizon
from ostinato.tasks.pretrained import forecaster as pretrained

FOLDER = "forecast"


@dataclass(frozen=True)
class PartsForecast:
    """What was forecast and where it lies.

    Attributes:
        folder: the folder of Parquet files `part-00001.parquet`, ...: unique_id, ds, forecast, intervals.
        files: how many there are.
        series: series forecast.
        rows: rows of the file.
        h: steps forecast.
        note: a sentence about the horizon.
        seconds: that it took.
    """

    folder: Path
    files: int
    series: int
    rows: int
    h: int
    note: str
    seconds: float


def forecast_parts(
    parts: SeriesParts,
    out: Path,
    *,
    h: int | None = None,
    levels: tuple[float, ...] = (80.0, 95.0),
    quantiles: tuple[float, ...] = (),
    progress: Callable[[int, int], None] | None = None,
) -> PartsForecast:
    """Forecasts all series; memory is needed for one part only.

    The files are written in a hidden folder that takes the place of an earlier forecast at the end.

    Args:
        parts: the series.
        out: an existing folder; the files go to `forecast` in it.
        h: steps to forecast; one season, or a sensible length, when None.
        levels: widths of intervals in percent.
        quantiles: between 0 and 1, beside the intervals.
        progress: is told how many rows of how many are done.

    Returns:
        What was forecast.

    Raises:
        ConfigError: the horizon or a level or a quantile cannot be used, or the folder cannot be written to.
        DataError: the rows cannot be used.
    """
    started = time.perf_counter()
    levels, quantiles = check_levels(levels), check_quantiles(quantiles)
    steps, note = choose_horizon(parts.first, h)
    draft = out / f".{FOLDER}-{os.getpid()}"
    series = files = 0
    try:
        draft.mkdir()
        for frame, done in parts:
            files += 1
            forecast = _forecast(frame, parts, steps, levels, quantiles)
            series += len(forecast) // steps
            _write(forecast, draft / f"part-{files:05d}.parquet")
            if progress:
                progress(done, parts.rows)
        folder = _into_place(draft, out / FOLDER)
    except OSError as error:
        raise _cannot_write(out, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return PartsForecast(folder, files, series, parts.rows, steps, note, time.perf_counter() - started)


def _forecast(
    frame: pd.DataFrame,
    parts: SeriesParts,
    h: int,
    levels: tuple[float, ...],
    quantiles: tuple[float, ...],
) -> pd.DataFrame:
    """The forecast of one part."""
    return pretrained.forecast(
        frame,
        h,
        season_length=parts.first.season_length,
        freq=parts.first.freq,
        level=levels,
        quantiles=quantiles,
    )


def _cannot_write(out: Path, error: OSError) -> ConfigError:
    """The sentence about a folder that cannot be written to."""
    reason = (error.strerror or str(error)).lower()
    return ConfigError(f"cannot write to {out} ({reason}); choose another folder with --out")


def _write(forecast: pd.DataFrame, path: Path) -> None:
    """One part as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pandas(forecast, preserve_index=False), path)


def _into_place(draft: Path, folder: Path) -> Path:
    """Moves the finished folder to its place, from which an earlier one goes first."""
    if folder.exists():
        old = folder.with_name(f".{FOLDER}-old-{os.getpid()}")
        folder.replace(old)
        draft.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        draft.replace(folder)
    return folder
