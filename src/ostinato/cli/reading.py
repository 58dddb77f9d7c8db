"""The options that say what a file holds, applied to the file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ostinato.data import tables
from ostinato.data.tables import Table


def read_table(
    arguments: argparse.Namespace, *, covariates: Sequence[str] = (), lenient: bool = False
) -> Table:
    """The series of the file that the command line names.

    Args:
        arguments: the parsed command line.
        covariates: columns of numbers to keep beside the values.
        lenient: report what is wrong with the rows instead of refusing it, where that is possible.
    """
    return tables.read(
        arguments.file,
        time_col=arguments.time_col,
        target_col=_several(arguments.target_col),
        id_col=arguments.id_col,
        freq=arguments.freq,
        season_length=arguments.season_length,
        gaps=arguments.gaps,
        covariates=covariates,
        lenient=lenient,
    )


def _several(names: str | None) -> str | list[str] | None:
    """Column names with commas between them, as a list."""
    return names.split(",") if names and "," in names else names
