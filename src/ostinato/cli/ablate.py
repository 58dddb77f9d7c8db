"""The command `ostinato ablate`: what each ingredient of the default recipe is worth on a file."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from ostinato.cli.cells import CELL_NAMES
from ostinato.cli.series_options import add_series_options


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = commands.add_parser(
        "ablate", help="switch off each ingredient of the default recipe on a file", description=run.__doc__
    )
    command.add_argument("file", metavar="FILE", help="as for forecast")
    add_series_options(command)
    command.add_argument(
        "--h", metavar="STEPS", type=int, help="steps to forecast; one season when not given"
    )
    command.add_argument("--cell", choices=CELL_NAMES, default="lstm", metavar="CELL", help="recurrent cell")
    command.add_argument("--seed", type=int, default=0, help="the same seed gives the same table (default 0)")
    command.add_argument("--origins", metavar="N", type=int, help="origins of the backtest; 4 when not given")
    command.add_argument("--jobs", metavar="N", type=int, help="processes; one a core when not given")
    command.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: argparse.Namespace) -> None:
    """Backtest the default recipe with each of its ingredients switched off in turn, and print what that costs."""
    from ostinato.cli.progress import Progress
    from ostinato.cli.reading import read_table
    from ostinato.report.content import json_safe
    from ostinato.tasks.forecasting.ablation import AblationSettings, ablate
    from ostinato.tasks.forecasting.horizon import choose_horizon

    table = read_table(arguments)
    h, _ = choose_horizon(table, arguments.h)
    settings = AblationSettings(
        h=h,
        freq=table.freq,
        cell=arguments.cell,
        season_length=arguments.season_length,
        seed=arguments.seed,
        origins=arguments.origins,
        jobs=arguments.jobs or os.cpu_count() or 1,
    )
    with Progress(silent=arguments.quiet) as progress:
        progress.start("ablate")
        found = ablate(table.frame, settings, progress=progress.update)
    if arguments.json:
        rows = found.to_dict("records")
        print(json.dumps(json_safe({"file": arguments.file, "h": h, "ingredients": rows}), allow_nan=False))
        return
    print(f"{'without':<24}{'MASE':>7}{'change':>10}{'worse in':>10}")
    for name, mase, change, worse in found.itertuples(index=False, name=None):
        share = "" if worse != worse else f"{100 * worse:.0f} %"  # NaN is not itself
        print(f"{name:<24}{mase:>7.3f}{change:>+8.1f} %{share:>10}")
