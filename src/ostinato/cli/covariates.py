"""Covariates of `ostinato forecast` as the options say: columns of the file, and files beside it."""

from __future__ import annotations

import argparse
from dataclasses import replace

from ostinato.data.findings import Log
from ostinato.data.readers import RawTable
from ostinato.data.tables import Table, read_raw
from ostinato.errors import ConfigError, DataError
from ostinato.tasks.forecasting.exogenous import Exogenous, Extras


def has_covariates(arguments: argparse.Namespace) -> bool:
    """Whether any of the options was given."""
    return any(
        getattr(arguments, name)
        for name in ("futr_cols", "futr", "hist_cols", "static", "calendar", "holidays")
    )


def names_of_columns(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The covariates that are columns of the file."""
    return (*_names(arguments.futr_cols), *_names(arguments.hist_cols))


def read_extras(arguments: argparse.Namespace, table: Table) -> Extras:
    """What the options say, read from the files.

    Args:
        arguments: the parsed command line.
        table: the series.

    Raises:
        ConfigError: an option is missing beside another one.
        DataError: a file cannot be read, or lacks the column of the series' names.
    """
    if bool(arguments.futr) != bool(arguments.futr_cols):
        given, other = ("--futr", "--futr-cols") if arguments.futr else ("--futr-cols", "--futr")
        raise ConfigError(f"{given} is given without {other}; give both, or leave both out")
    static = _renamed(arguments.static, table) if arguments.static else None
    columns: tuple[str, ...] = ()
    if static is not None:
        if "unique_id" not in static.frame.columns:
            wanted = table.id_col or "unique_id"
            raise DataError(
                f"{static.source} has no column '{wanted}' of series' names; name it as in the file"
            )
        columns = tuple(str(name) for name in static.frame.columns if name != "unique_id")
    exogenous = Exogenous(
        known=_names(arguments.futr_cols),
        past=_names(arguments.hist_cols),
        static=columns,
        calendar=_names(arguments.calendar),
        holidays=_names(arguments.holidays),
    )
    futr = _renamed(arguments.futr, table) if arguments.futr else None
    return Extras(exogenous, futr, None if static is None else _typed(static))


def _renamed(path: str, table: Table) -> RawTable:
    """A file whose columns of times and names are called as in our frames."""
    raw, _ = read_raw(path, Log())
    named = {table.time_col: "ds", table.id_col: "unique_id"}
    frame = raw.frame.rename(columns={old: new for old, new in named.items() if old})
    return replace(raw, frame=frame)


def _typed(raw: RawTable) -> object:
    """A table with numbers where a column of text holds nothing else."""
    from ostinato.data.numbers import is_missing, parse_numbers

    frame = raw.frame.copy()
    for name in frame.columns.drop("unique_id"):
        if frame[name].dtype != object:
            continue
        cells = [str(cell) for cell in frame[name]]
        numbers = parse_numbers(cells, decimal_comma=raw.decimal_comma)
        frame[name] = (
            [None if is_missing(cell) else cell for cell in cells] if len(numbers.bad) else numbers.values
        )
    return frame


def _names(text: str | None) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()
