"""The command line: one subcommand a task. It parses, calls and prints.

Results go to standard output, progress and warnings to standard error. The exit code is 0, 1 for a failure while
working, or 2 for input or options that cannot be used.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from ostinato import __version__
from ostinato.cli.cells import CELL_NAMES
from ostinato.cli.covariate_options import add_covariate_options
from ostinato.cli.series_options import add_series_options
from ostinato.errors import OstinatoError, TrainingError

DESCRIPTION = "Recurrent networks for sequences that people can trust."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after the program's name; those of this process when None.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = parser().parse_args(words)
    arguments.command_line = "ostinato " + shlex.join(words)
    try:
        with warnings.catch_warnings():
            if not arguments.debug:
                warnings.simplefilter("ignore")  # other libraries' remarks are not for the user of a command
            _run(arguments)
        sys.stdout.flush()
    except OstinatoError as error:
        if arguments.debug:
            raise
        print(f"ostinato: {error}", file=sys.stderr)
        return 1 if isinstance(error, TrainingError) else 2
    except KeyboardInterrupt:
        print("ostinato: interrupted; files of an earlier run are untouched", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader left: say nothing more
        return 0
    return 0


def _run(arguments: argparse.Namespace) -> None:
    """Run the command that was asked for."""
    if arguments.command in _MODULES:
        _module(arguments.command).run(arguments)
    else:
        _COMMANDS[arguments.command](arguments)


def _module(name: str) -> Any:
    """The module of a command: `add(commands)` adds its parser, `run(arguments)` runs it."""
    return import_module(f"ostinato.cli.{name}")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, like all others."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        self.exit(2, f"ostinato: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The parser of all subcommands."""
    root = _Parser(prog="ostinato", description=DESCRIPTION)
    root.add_argument("--version", action="version", version=f"ostinato {__version__}")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    forecast = commands.add_parser(
        "forecast",
        help="forecast a file of numbers over time, beside the baselines",
        description=_forecast.__doc__,
    )
    _add_file_options(forecast)
    _add_forecast_options(forecast)
    inspect = commands.add_parser(
        "inspect", help="say what a file holds and what is wrong with it", description=_inspect.__doc__
    )
    _add_file_options(inspect)
    commands.add_parser("info", help="say what this installation can do", description=_info.__doc__)
    for name in _MODULES:
        _module(name).add(commands)
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        command.add_argument(
            "--debug", action="store_true", help="show warnings, and where an error came from"
        )
    return root


def _add_file_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file", metavar="FILE", help="CSV (also .gz), TSV, Parquet or JSON lines; - for standard input"
    )
    add_series_options(command)


def _add_forecast_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--h", metavar="STEPS", type=int, help="steps to forecast; one season when not given"
    )
    command.add_argument(
        "--level", metavar="PERCENT", type=float, action="append", help="interval, such as 80; repeatable"
    )
    command.add_argument(
        "--recipe",
        metavar="NAME",
        default="default",
        help="default, pretrained (no training), combined (these and a trained one averaged), finetuned, auto (the "
        "best of several), streaming or classic",
    )
    command.add_argument(
        "--cell",
        choices=CELL_NAMES,
        default="lstm",
        metavar="CELL",
        help=f"recurrent cell: {', '.join(CELL_NAMES)}",
    )
    command.add_argument(
        "--seed", type=int, default=0, help="the same seed gives the same forecast (default 0)"
    )
    command.add_argument("--origins", metavar="N", type=int, help="origins of the backtest; 8 when not given")
    command.add_argument(
        "--baselines",
        choices=("auto", "simple", "all"),
        default="auto",
        help="simple: naive, seasonal naive, drift; all: also AutoETS, AutoARIMA, AutoTheta; auto: all where quick",
    )
    command.add_argument("--jobs", metavar="N", type=int, help="processes; one a core when not given")
    command.add_argument(
        "--quantile", metavar="Q", type=float, action="append", help="quantile, such as 0.9; repeatable"
    )
    command.add_argument(
        "--time-budget",
        metavar="SECONDS",
        type=float,
        help="for --recipe auto: all choices together (default 60)",
    )
    command.add_argument(
        "--checkpoint",
        metavar="DIR",
        help="keep the state of trainings there; the same command again goes on",
    )
    add_covariate_options(command)
    command.add_argument("--out", metavar="DIR", help="folder to write to (default ./ostinato-NAME)")
    command.add_argument("--quiet", action="store_true", help="no progress and no word about the file")
    command.add_argument("--no-report", action="store_true", help="no report and no picture")


def _forecast(arguments: argparse.Namespace) -> None:
    """Forecast a file of numbers over time by a recurrent network, judge it beside the baselines, and report."""
    from ostinato.cli.forecast import run

    run(arguments)


def _inspect(arguments: argparse.Namespace) -> None:
    """Say what a file holds (columns, frequency, season) and what is wrong with it, each with a way to mend it."""
    from ostinato.cli.reading import read_table
    from ostinato.data.inspection import inspect

    found = inspect(read_table(arguments, lenient=True))
    print(json.dumps(found.to_dict(), allow_nan=False) if arguments.json else "\n".join(found.to_text()))


def _info(arguments: argparse.Namespace) -> None:
    """Say which versions are installed and which operators the recurrent layers run on."""
    from ostinato.tasks.info import information

    found = information()
    if arguments.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<14}{value}")


_COMMANDS = {"forecast": _forecast, "inspect": _inspect, "info": _info}

_MODULES: tuple[str, ...] = (
    "ablate",
    "caption",
    "classify",
    "doctor",
    "generate",
    "tag",
    "translate",
    "update",
)
"""Commands that are a module of this package each, of the same name."""
