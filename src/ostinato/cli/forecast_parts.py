"""`ostinato forecast` of a Parquet file that is too large for the memory."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ostinato import report
from ostinato.cli.progress import Progress
from ostinato.data.parts import SeriesParts, large_rows, open_parts
from ostinato.tasks.forecasting.parts import PartsForecast, forecast_parts

RECIPES = ("default", "pretrained")
"""Recipes of which a large file gets the pretrained networks; others read the file as a whole."""


def large(arguments: argparse.Namespace) -> bool:
    """Whether the file is to be forecast in parts."""
    return arguments.recipe in RECIPES and large_rows(arguments.file) > 0


def run(arguments: argparse.Namespace) -> None:
    """Forecast every series of the file in parts and say where the forecasts lie.

    Args:
        arguments: the parsed command line.

    Raises:
        OstinatoError: the input or an option cannot be used.
    """
    parts = open_parts(
        arguments.file,
        time_col=arguments.time_col,
        target_col=arguments.target_col,
        id_col=arguments.id_col,
        freq=arguments.freq,
        season_length=arguments.season_length,
        gaps=arguments.gaps,
    )
    if not arguments.quiet:
        print(
            f"{parts.first.source} has {parts.rows:,} rows, so it is forecast in parts by the pretrained networks, "
            "without a backtest; split the file to have networks trained and judged",
            file=sys.stderr,
        )
    folder = Path(arguments.out or f"ostinato-{parts.first.name}")
    with report.results_folder(folder) as out, Progress(silent=arguments.quiet) as progress:
        progress.start("forecast")
        levels = tuple(arguments.level or (80.0, 95.0))
        found = forecast_parts(
            parts,
            out,
            h=arguments.h,
            levels=levels,
            quantiles=tuple(arguments.quantile or ()),
            progress=progress.update,
        )
    _say(found, parts, arguments)


def _say(found: PartsForecast, parts: SeriesParts, arguments: argparse.Namespace) -> None:
    """Print what was forecast and where it lies."""
    facts = {
        "series": found.series,
        "rows": found.rows,
        "h": found.h,
        "freq": parts.first.freq,
        "season_length": parts.first.season_length,
        "recipe": "pretrained",
        "forecast": str(found.folder),
        "files": found.files,
        "seconds": round(found.seconds, 1),
    }
    if arguments.json:
        print(json.dumps(facts))
        return
    if not arguments.quiet:
        print(f"{found.note}\n")
    for name, value in facts.items():
        print(f"{name:<14}{value:,}" if isinstance(value, int) else f"{name:<14}{value}")
