"""The command `ostinato caption`: learn to describe images or vectors, or describe with a trained model."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.cli import tasks
from ostinato.cli.progress import Progress

if TYPE_CHECKING:
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


def _read(arguments: argparse.Namespace, file: str) -> Any:
    from ostinato.data.captioned import read_captioned

    return read_captioned(file, sentence_col=arguments.sentence_col)


def _train(arguments: argparse.Namespace) -> None:
    """Train, judge, write."""
    from ostinato import report
    from ostinato.tasks.caption.run import run_caption

    started = time.perf_counter()
    examples = _read(arguments, arguments.file)
    valid, test = (
        None if file is None else _read(arguments, file) for file in (arguments.valid, arguments.test)
    )
    parameters = {**tasks.given(arguments, *OPTIONS), "random_state": arguments.seed}
    with report.results_folder(tasks.output_folder(arguments)) as out:
        if not (arguments.json or arguments.quiet):
            print(f"{examples.source}: {len(examples):,} inputs")
        with Progress(silent=arguments.quiet) as progress:

            def watch(label: str) -> Any:
                progress.start(label)
                return progress.update

            result = run_caption(examples, valid=valid, test=test, parameters=parameters, watch=watch)
        result.seconds["total"] = time.perf_counter() - started
        _write(out, arguments, result)


def _write(out: Path, arguments: argparse.Namespace, result: CaptionRun) -> None:
    """Leave the results in a folder and say what came out."""
    from ostinato.report.task import task_summary, write_task, write_task_summary

    content = _report(arguments, result)
    model = out / "model.zip"
    result.captioner.save(model)
    outputs = write_task(
        content,
        out,
        tables={"captions": result.table()},
        page=not arguments.no_report,
        others={"model": model},
    )
    write_task_summary(content, outputs)
    if arguments.json:
        tasks.print_json(task_summary(content, outputs))
        return
    if not arguments.quiet:
        print("\n".join([*result.notes, ""]))
    print(f"{result.verdict}\n")
    tasks.print_table(result.leaderboard, FORMS)
    print()
    for name, path in outputs.items():
        print(f"{name:<14}{path}")


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
    settings = {
        name: str(value) for name, value in result.captioner.get_params().items() if value is not None
    }
    return TaskReport(
        title=f"Descriptions of {Path(arguments.file).name}",
        task="caption",
        file=arguments.file,
        verdict=result.verdict,
        known={"Test inputs": f"{len(result.test):,}", "Epochs": str(len(history["train"]))},
        leaderboard=result.leaderboard,
        forms=FORMS,
        best=str(result.leaderboard["model"].iloc[0]),
        parts=(_looks(result), sure, errors),
        notes=result.notes,
        command=arguments.command_line,
        settings=settings,
        versions=versions(),
        seconds=result.seconds,
        training=(TrainingCurve(result.name, tuple(history["train"]), tuple(history["validation"])),),
        loss_label="loss, nats per token",
        results={"model": result.name, "settings": settings},
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
    from ostinato.errors import ConfigError
    from ostinato.tasks.caption.captioner import SequenceCaptioner
    from ostinato.tasks.model_file import load

    tasks.refuse_with_model(arguments, "valid", "test", *(name for name in OPTIONS if name != "beam"))
    captioner = load(arguments.model)
    if not isinstance(captioner, SequenceCaptioner):
        raise ConfigError(f"{arguments.model} is no model of ostinato caption; name one with --model")
    examples = _read(arguments, arguments.file)
    with Progress(silent=arguments.quiet) as progress:
        progress.start("describe")
        texts = captioner.predict(examples.inputs, beam=arguments.beam, progress=progress.update)
    if arguments.json:
        captions = [{"name": name, "caption": text} for name, text in zip(examples.names, texts, strict=True)]
        tasks.print_json({"task": "caption", "file": arguments.file, "captions": captions})
    else:
        print("\n".join(texts))
