"""The command `ostinato forecast`: options to a run, a run to files and words."""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import replace
from pathlib import Path

from ostinato import report
from ostinato.cli import forecast_parts
from ostinato.cli.covariates import has_covariates, names_of_columns, read_extras
from ostinato.cli.progress import Progress
from ostinato.cli.reading import read_table
from ostinato.data.tables import Table
from ostinato.report import ReportContent, TrainingCurve
from ostinato.report.inside import look_inside
from ostinato.tasks.forecasting.exogenous import Extras
from ostinato.tasks.forecasting.recipes import find_recipe
from ostinato.tasks.forecasting.run import ForecastRun, RunSettings, run_forecast
from ostinato.tasks.info import versions


def run(arguments: argparse.Namespace) -> None:
    """Read, run, write and say what came out.

    Args:
        arguments: the parsed command line.

    Raises:
        OstinatoError: the input or an option cannot be used, or the work failed.
    """
    started = time.perf_counter()
    _settings(arguments, Extras())  # what is wrong with an option is said before a large file is read
    if not has_covariates(arguments) and forecast_parts.large(arguments):
        forecast_parts.run(arguments)
        return
    table = read_table(arguments, covariates=names_of_columns(arguments))
    settings = _settings(arguments, read_extras(arguments, table))
    seconds = {"read": time.perf_counter() - started}
    with report.results_folder(Path(arguments.out or f"ostinato-{table.name}")) as out:
        _run_into(out, arguments, settings, table, seconds)


def _run_into(
    out: Path, arguments: argparse.Namespace, settings: RunSettings, table: Table, seconds: dict[str, float]
) -> None:
    """Forecast a table and leave the results in a folder."""
    started = time.perf_counter() - seconds["read"]
    speak = not (arguments.json or arguments.quiet)
    if speak:
        print(f"{table.source}: {_count(table.rows, 'row')}, {_count(table.series, 'series', '')}")
        _print_lines(table.notes)
    with Progress(silent=arguments.quiet) as progress:
        result = run_forecast(table, settings, progress)
    seconds |= result.seconds
    reported = time.perf_counter()
    content = _content(result, settings, arguments, seconds)
    if not arguments.no_report:
        content = replace(content, inside=look_inside(result.forecaster))
    model = out / "model.zip"
    result.forecaster.save(model)
    outputs = report.write(content, out, pictures=not arguments.no_report, others={"model": model})
    seconds |= {"report": time.perf_counter() - reported, "total": time.perf_counter() - started}
    report.write_summary(content, outputs)
    if arguments.json:
        print(json.dumps(report.summary(content, outputs), allow_nan=False))
        return
    if speak:
        _print_lines([*result.notes, ""])
    print(f"{result.verdict.text}\n\n{_board(result)}\n")
    _print_lines([f"{name:<12}{path}" for name, path in outputs.items()])
    if speak:
        print(f"{'seconds':<12}{seconds['total']:.1f}")


def _settings(arguments: argparse.Namespace, extras: Extras) -> RunSettings:
    return RunSettings(
        h=arguments.h,
        levels=tuple(arguments.level or (80.0, 95.0)),
        recipe=arguments.recipe,
        cell=arguments.cell,
        season_length=arguments.season_length,
        seed=arguments.seed,
        origins=arguments.origins,
        baselines=arguments.baselines,
        jobs=arguments.jobs,
        quantiles=tuple(arguments.quantile or ()),
        extras=extras,
        time_budget=arguments.time_budget,
        checkpoint=None if arguments.checkpoint is None else Path(arguments.checkpoint),
    )


def _content(
    result: ForecastRun, settings: RunSettings, arguments: argparse.Namespace, seconds: dict[str, float]
) -> ReportContent:
    table = result.table
    tested = find_recipe(settings.recipe).protocol == "holdout"
    return ReportContent(
        title=f"Forecast of {table.name}",
        file=arguments.file,
        rows=table.rows,
        freq=table.freq,
        season_length=table.season_length,
        h=result.h,
        levels=settings.levels,
        recipe=settings.recipe,
        cell=settings.cell,
        seed=settings.seed,
        model=result.name,
        history=table.frame,
        forecast=result.forecast,
        backtest=result.backtest,
        leaderboard=result.leaderboard,
        verdict=result.verdict,
        notes=(*table.notes, *result.notes),
        command=arguments.command_line,
        versions=versions(),
        seconds=seconds,
        tried=result.tried,
        training=tuple(
            TrainingCurve.of(f"network {number}", history)
            for number, history in enumerate(result.training, 1)
        ),
        test=result.backtest.drop(columns="cutoff") if tested else None,
        value_label=table.target_cols[0] if len(table.target_cols) == 1 else "value",
    )


def _board(result: ForecastRun) -> str:
    """The leaderboard as lines of text."""
    board = result.leaderboard
    if board.empty:
        return "no scores: the history is too short for a backtest"
    width = max(len(name) for name in board["model"])
    lines = [f"{'model':<{width}}  {'MAE':>9}  {'RMSE':>9}  {'MASE':>7}  {'sMAPE':>7}"]
    forms = {"mae": "9.4g", "rmse": "9.4g", "mase": "7.3f", "smape": "7.2f"}
    for name, *values in board[["model", *forms]].itertuples(index=False, name=None):
        scores = "  ".join(_score(value, form) for value, form in zip(values, forms.values(), strict=True))
        lines.append(f"{name:<{width}}  {scores}")
    return "\n".join(lines)


def _score(value: float, form: str) -> str:
    """A number of the leaderboard in its column; a dash where there is none, as the MASE of constant series."""
    width = form.partition(".")[0]
    return f"{'-':>{width}}" if math.isnan(value) else f"{value:>{form}}"


def _count(number: int, singular: str, plural: str = "s") -> str:
    return f"{number:,} {singular}{'' if number == 1 else plural}"


def _print_lines(lines: list[str] | tuple[str, ...]) -> None:
    for line in lines:
        print(line)
