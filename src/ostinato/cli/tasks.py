"""What the commands of the sequence tasks have in common: their options, what they read, and what they leave."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ostinato.cli.cells import CELL_NAMES
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from ostinato.report.task import TaskReport
    from ostinato.tasks.parameters import Parameters

Value = TypeVar("Value")


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


def read_all(
    arguments: argparse.Namespace, read: Callable[[str], Value]
) -> tuple[Value, Value | None, Value | None]:
    """What to train on, to watch the training by, and to judge by; None for what was not given.

    Args:
        arguments: the parsed command line.
        read: reads a file.
    """
    train = read(arguments.file)
    valid, test = (None if file is None else read(file) for file in (arguments.valid, arguments.test))
    return train, valid, test


def open_model(arguments: argparse.Namespace, kind: type[Value]) -> Value:
    """The trained model of `--model`.

    Args:
        arguments: the parsed command line.
        kind: the estimator of the command.

    Raises:
        ConfigError: it is another estimator.
        ModelFileError: it cannot be read.
    """
    from ostinato.tasks.model_file import load

    model = load(arguments.model)
    if not isinstance(model, kind):
        raise ConfigError(
            f"{arguments.model} is no model of ostinato {arguments.command}; name one with --model"
        )
    return model


def settings_of(estimator: Parameters) -> dict[str, str]:
    """The parameters of an estimator as a report shows them, without those left open."""
    return {name: str(value) for name, value in estimator.get_params().items() if value is not None}


def leave_results(
    out: Path,
    arguments: argparse.Namespace,
    report: TaskReport,
    *,
    save: Callable[[Path], None],
    tables: Mapping[str, pd.DataFrame],
) -> None:
    """Leave the trained model, tables, the page and its summary in a folder, and say what came out.

    Args:
        out: the folder.
        arguments: the parsed command line.
        report: what came out.
        save: writes the model to a path.
        tables: frames by name, each written to `NAME.csv`.
    """
    from ostinato.report.task import task_summary, write_task, write_task_summary

    model = out / "model.zip"
    save(model)
    outputs = write_task(report, out, tables=tables, page=not arguments.no_report, others={"model": model})
    write_task_summary(report, outputs)
    if arguments.json:
        print_json(task_summary(report, outputs))
        return
    if not arguments.quiet:
        print("\n".join([*report.notes, ""]))
    print(f"{report.verdict}\n")
    print_table(report.leaderboard, report.forms)
    print()
    for name, path in outputs.items():
        print(f"{name:<14}{path}")


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
