"""The command `ostinato caption`: learn to describe images or vectors, or describe with a trained model."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.cli import tasks
from ostinato.cli.progress import Progress

if TYPE_CHECKING:
    from ostinato.data.captioned import Captioned
    from ostinato.report.looks import Looks
    from ostinato.report.task import TaskReport
    from ostinato.tasks.caption.run import CaptionRun

FORMS = {"exact": ".3f", "words": ".3f"}
OPTIONS = ("tokens", "cell", "hidden_size", "epochs", "beam")
SHOWN = 3
"""Images whose words are drawn."""


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = commands.add_parser(
        "caption", help="learn to describe images or vectors by sentences", description=run.__doc__
    )
    tasks.add_data_options(
        command, what="a folder of images with captions.csv, a table, or .npz with arrays X and y"
    )
    command.add_argument(
        "--sentence-col", metavar="NAME", help="column of the sentences; found when not given"
    )
    command.add_argument(
        "--tokens", choices=("word", "subword", "char"), help="what sentences are cut into (default word)"
    )
    command.add_argument("--hidden-size", metavar="N", type=int, help="features of the states (default 128)")
    command.add_argument("--beam", metavar="N", type=int, help="width of the search (default 3); 1 is greedy")
    tasks.add_training_options(command, cell="gru")
    tasks.add_output_options(command)


def run(arguments: argparse.Namespace) -> None:
    """Learn to describe images or vectors by sentences, judge beside baselines, and report; or answer with --model."""
    if arguments.model is not None:
        _answer(arguments)
    else:
        _train(arguments)


def _reader(arguments: argparse.Namespace) -> Callable[[str], Captioned]:
    """What reads a file as it is asked for."""
    from ostinato.data.captioned import read_captioned

    return partial(read_captioned, sentence_col=arguments.sentence_col)


def _train(arguments: argparse.Namespace) -> None:
    """Train, judge, write."""
    from ostinato import report
    from ostinato.tasks.caption.run import run_caption

    started = time.perf_counter()
    examples, valid, test = tasks.read_all(arguments, _reader(arguments))
    parameters = {**tasks.given(arguments, *OPTIONS), "random_state": arguments.seed}
    with report.results_folder(tasks.output_folder(arguments)) as out:
        if not (arguments.json or arguments.quiet):
            print(f"{examples.source}: {len(examples):,} inputs")
        with Progress(silent=arguments.quiet) as progress:
            result = run_caption(examples, valid=valid, test=test, parameters=parameters, watch=progress.part)
        result.seconds["total"] = time.perf_counter() - started
        tables = {"captions": result.table()}
        tasks.leave_results(
            out, arguments, _report(arguments, result), save=result.captioner.save, tables=tables
        )


def _report(arguments: argparse.Namespace, result: CaptionRun) -> TaskReport:
    """What the report says."""
    from ostinato.report import TrainingCurve
    from ostinato.report.parts import MarkedText, MarkedTexts, TablePart
    from ostinato.report.task import TaskReport
    from ostinato.tasks.info import versions

    history = result.captioner.history_
    sure = MarkedTexts(
        "How sure it was of each word",
        tuple(
            MarkedText(f"{name}: {one.text}", one.tokens, tuple(1 - float(share) for share in one.confidence))
            for name, one in list(zip(result.test.names, result.captions, strict=True))[:SHOWN]
        ),
        "The darker a word, the less probable the network found it after those before it.",
    )
    errors = TablePart("Wrong sentences that it was surest of", result.errors(), {"truth": "", "caption": ""})
    settings = tasks.settings_of(result.captioner)
    return TaskReport(
        title=f"Descriptions of {Path(arguments.file).name}",
        task="caption",
        file=arguments.file,
        verdict=result.verdict,
        known={"Test inputs": f"{len(result.test):,}", "Epochs": str(len(history["train"]))},
        leaderboard=result.leaderboard,
        forms=FORMS,
        best=result.comparison.best,
        parts=(_looks(result), sure, errors),
        notes=result.notes,
        command=arguments.command_line,
        settings=settings,
        versions=versions(),
        seconds=result.seconds,
        training=(TrainingCurve.of(result.name, history),),
        loss_label="loss, nats per token",
        results={
            "model": result.name,
            "best": result.comparison.best,
            "difference": result.comparison.difference,
            "interval": list(result.comparison.interval),
            "p_value": result.comparison.p_value,
            "settings": settings,
        },
    )


def _looks(result: CaptionRun) -> Looks:
    """The first test images, once a word; none for vectors."""
    from ostinato.data.images import same_shape, to_inputs
    from ostinato.report.looks import Look, Looks

    shape = result.captioner.shape_
    images = to_inputs(result.test.inputs[:SHOWN]) if len(shape) == 3 else []
    looks = tuple(
        Look(f"{name}: {said.text}", same_shape(image, shape, 0), said.tokens, said.attention)
        for name, said, image in zip(result.test.names, result.captions, images, strict=False)
    )
    return Looks(
        "Where each word looks", looks, "The brighter a place, the more of its attention a word gave it."
    )


def _answer(arguments: argparse.Namespace) -> None:
    """Describe a file with a trained model, one sentence a line."""
    from ostinato.tasks.caption.captioner import SequenceCaptioner

    tasks.refuse_with_model(arguments, "valid", "test", *(name for name in OPTIONS if name != "beam"))
    captioner = tasks.open_model(arguments, SequenceCaptioner)
    examples = _reader(arguments)(arguments.file)
    with Progress(silent=arguments.quiet) as progress:
        progress.start("describe")
        texts = captioner.predict(examples.inputs, beam=arguments.beam, progress=progress.update)
    if arguments.json:
        captions = [{"name": name, "caption": text} for name, text in zip(examples.names, texts, strict=True)]
        tasks.print_json({"task": "caption", "file": arguments.file, "captions": captions})
    else:
        print("\n".join(texts))
