"""The options that say what a file of series holds; importing them is cheap."""

from __future__ import annotations

import argparse


def add_series_options(command: argparse.ArgumentParser) -> None:
    """Add the columns, frequency, season and gaps of a file, which are found when not given.

    Args:
        command: the parser of the subcommand; `cli.reading.read_table` applies the options.
    """
    group = command.add_argument_group("what the file holds (found when not given)")
    group.add_argument("--time-col", metavar="NAME", help="column of the timestamps")
    group.add_argument(
        "--target-col", metavar="NAME", help="column of the values; several, with commas, for a wide file"
    )
    group.add_argument("--id-col", metavar="NAME", help="column that tells the series apart")
    group.add_argument("--freq", metavar="FREQ", help="pandas alias such as MS, D, h, or a whole number")
    group.add_argument("--season-length", metavar="STEPS", type=int, help="steps in a season; 1 for none")
    group.add_argument(
        "--gaps",
        choices=("fill", "refuse"),
        default="fill",
        help="missing timestamps: fill (default) or refuse",
    )
