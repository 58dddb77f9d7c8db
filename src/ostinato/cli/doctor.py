"""The command `ostinato doctor`: how far back a network remembers, what is wrong with it, and what to change."""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.cli.cells import CELL_NAMES
from ostinato.cli.series_options import add_series_options
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.train.diagnosis.diagnosis import Diagnosis


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = commands.add_parser(
        "doctor",
        help="say how far back a network remembers and what is wrong with it",
        description=run.__doc__,
    )
    command.add_argument(
        "model",
        metavar="MODEL|FILE",
        help="a saved forecaster (folder or .zip), or a file of series to train the default network on for a moment",
    )
    command.add_argument(
        "file",
        metavar="DATA",
        nargs="?",
        help="with MODEL: series to run through it, in place of its history",
    )
    add_series_options(command)
    command.add_argument(
        "--h", metavar="STEPS", type=int, help="with FILE: steps to forecast; one season when not given"
    )
    command.add_argument(
        "--cell",
        choices=CELL_NAMES,
        default="lstm",
        metavar="CELL",
        help=f"with FILE: recurrent cell: {', '.join(CELL_NAMES)}",
    )
    command.add_argument("--seed", type=int, default=0, help="with FILE: of the training (default 0)")
    command.add_argument(
        "--out", metavar="DIR", help="folder for pictures and doctor.json; none when not given"
    )
    command.add_argument(
        "--tensorboard",
        metavar="DIR",
        help="with FILE: folder for what is seen of the training, for TensorBoard; none when not given",
    )
    command.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: argparse.Namespace) -> None:
    """Say how far back a network remembers, what is wrong with it, and what to change; with evidence for each."""
    diagnosis = _diagnose(arguments)
    values = diagnosis.to_dict()
    outputs: dict[str, Path] = {}
    if arguments.out is not None:
        outputs = _write(diagnosis, values, Path(arguments.out))
    if arguments.json:
        named = {name: str(path) for name, path in outputs.items()}
        print(json.dumps(values | {"outputs": named}, allow_nan=False))
        return
    print("\n".join(diagnosis.to_text()))
    for name, path in outputs.items():
        print(f"{name:<12}{path}")


def _diagnose(arguments: argparse.Namespace) -> Diagnosis:
    """Diagnose a saved forecaster, or the default network on a file."""
    from ostinato.cli.progress import Progress
    from ostinato.cli.reading import read_table
    from ostinato.tasks.doctor import diagnose, diagnose_series
    from ostinato.tasks.forecasting.forecaster import Forecaster
    from ostinato.tasks.model_file import load

    path = Path(arguments.model)
    if path.is_dir() or path.suffix == ".zip":
        model = load(path)
        if not isinstance(model, Forecaster):
            raise ConfigError(
                f"{path} holds a {type(model).__name__} and the command looks into forecasters; in Python use "
                "ostinato.diagnose(model, examples, loss)"
            )
        frame = None if arguments.file is None else read_table(arguments).frame
        return diagnose(model, frame, season_length=arguments.season_length)
    arguments.file = arguments.model
    table = read_table(arguments)
    writer = contextlib.nullcontext() if arguments.tensorboard is None else _writer(arguments.tensorboard)
    with writer as numbers, Progress(silent=arguments.quiet or arguments.json) as progress:
        progress.start("train")
        return diagnose_series(
            table.frame,
            table.freq,
            season_length=table.season_length,
            h=arguments.h,
            cell=arguments.cell,
            seed=arguments.seed,
            progress=progress.update,
            writer=numbers,
        )


def _writer(folder: str) -> Any:
    """A writer for TensorBoard, closed where its context ends."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError(
            "--tensorboard needs the package tensorboard; install it with pip install 'ostinato[tensorboard]'"
        ) from error
    return SummaryWriter(folder)


def _write(diagnosis: Diagnosis, values: dict[str, Any], folder: Path) -> dict[str, Path]:
    """Leave pictures and the numbers in a folder."""
    from ostinato import report
    from ostinato.report.doctor import write_pictures

    with report.results_folder(folder) as out:
        paths = write_pictures(diagnosis, out)
        numbers = out / "doctor.json"
        numbers.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return {**paths, "numbers": numbers}
