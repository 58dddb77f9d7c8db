"""What the commands of the sequence tasks have in common: their options, and how results are printed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.cli.cells import CELL_NAMES
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd


def add_data_options(command: argparse.ArgumentParser, *, what: str) -> None:
    """Add the files of a task: what to train on, or what to answer with a trained model.

    Args:
        command: the parser of the subcommand.
        what: what a file holds, for the help, such as "CSV, TSV, Parquet or JSON lines".
    """
    command.add_argument("file", metavar="FILE", help=f"what to train on, or with --model to answer: {what}")
    command.add_argument("--valid", metavar="FILE", help="validation data; a part of FILE when not given")
    command.add_argument("--test", metavar="FILE", help="test data to judge by, beside the baselines")
    command.add_argument("--model", metavar="DIR", help="a trained model: answer FILE instead of training")


def add_training_options(command: argparse.ArgumentParser, *, cell: str = "lstm") -> None:
    """Add the options of a training.

    Args:
        command: the parser of the subcommand.
        cell: the cell when none is given.
    """
    command.add_argument("--cell", choices=CELL_NAMES, help=f"recurrent cell (default {cell})")
    command.add_argument("--epochs", metavar="N", type=int, help="passes over the training data at most")
    command.add_argument(
        "--seed", type=int, default=0, help="the same seed gives the same result (default 0)"
    )


def add_output_options(command: argparse.ArgumentParser) -> None:
    """Add the options about results and words; `--json` and `--debug` are added to every command by the root."""
    command.add_argument("--out", metavar="DIR", help="folder to write to (default ./ostinato-NAME)")
    command.add_argument("--quiet", action="store_true", help="no progress and no word about the file")
    command.add_argument("--no-report", action="store_true", help="no report.html")


def given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The options that were given, by the names of the estimator's parameters, so that its defaults stay its own.

    Args:
        arguments: the parsed command line.
        names: options that are parameters of the same name.
    """
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}


def output_folder(arguments: argparse.Namespace) -> Path:
    """Where the results go."""
    name = Path(arguments.file).name.split(".")[0] if arguments.file != "-" else "stdin"
    return Path(arguments.out or f"ostinato-{name or 'results'}")


def refuse_with_model(arguments: argparse.Namespace, *names: str) -> None:
    """Refuse options of a training beside `--model`.

    Raises:
        ConfigError: one was given.
    """
    for name in names:
        if getattr(arguments, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option} came with --model, which is trained already; leave one of them out")


def print_json(result: Mapping[str, Any]) -> None:
    """Print a result as one JSON object."""
    print(json.dumps(result, allow_nan=False))


def print_table(frame: pd.DataFrame, forms: Mapping[str, str]) -> None:
    """Print some columns of a frame under each other; a dash where a number is missing.

    Args:
        frame: the first column holds names.
        forms: format of each column of numbers, such as `{"accuracy": ".3f"}`.
    """
    print("\n".join(table_lines(frame, forms)))


def table_lines(frame: pd.DataFrame, forms: Mapping[str, str]) -> list[str]:
    """The lines that `print_table` prints."""
    import pandas as pd  # not at the top: --help imports this module

    first = str(frame.columns[0])
    columns = [[first, *map(str, frame[first])]]
    for name, form in forms.items():
        cells = ["-" if pd.isna(value) else format(value, form) for value in frame[name]]
        columns.append([name.replace("_", " "), *cells])
    widths = [max(map(len, column)) for column in columns]
    return ["  ".join(_aligned(row, widths)).rstrip() for row in zip(*columns, strict=True)]


def _aligned(row: Iterable[str], widths: Iterable[int]) -> list[str]:
    """Names to the left, numbers to the right."""
    return [
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
