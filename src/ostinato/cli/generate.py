"""The command `ostinato generate`: learn to write from a text, or write with a trained model."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.cli import tasks
from ostinato.cli.progress import Progress
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.report import Part, TaskReport
    from ostinato.tasks.generate.generator import SequenceGenerator
    from ostinato.tasks.generate.run import GenerateRun

FORMS = {"nats": ".4f", "perplexity": ".2f", "bits_per_character": ".3f"}
OPTIONS = ("kind", "cell", "hidden_size", "num_layers", "max_size", "epochs")
WRITING = ("prompt", "length", "temperature", "top_k", "top_p", "condition", "number", "resume", "save_state")
KEPT = ("prompt", "temperature", "top_k", "top_p", "condition")
"""What the state of a text has in it."""
LENGTH = 500


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = commands.add_parser(
        "generate", help="learn to write from a text, beside n-gram models; write on", description=run.__doc__
    )
    command.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="a text, or a table with a column of sequences; not with --model",
    )
    command.add_argument("--valid", metavar="FILE", help="validation data; a tenth of FILE when not given")
    command.add_argument("--test", metavar="FILE", help="test data to judge by, beside the n-gram models")
    command.add_argument("--model", metavar="DIR", help="a trained model: write instead of training")
    _add_learning(command)
    _add_writing(command)
    tasks.add_training_options(command)
    tasks.add_output_options(command)


def _add_learning(command: argparse.ArgumentParser) -> None:
    """Add what concerns the text to learn from, and the network."""
    group = command.add_argument_group("what to learn")
    group.add_argument("--lines", action="store_true", help="each line is a sequence with an end of its own")
    group.add_argument("--text-col", metavar="NAME", help="column of the sequences of a table")
    group.add_argument("--condition-col", metavar="NAME", help="column of what each sequence is of")
    group.add_argument("--kind", choices=("char", "word", "subword"), help="what a token is (default char)")
    group.add_argument("--max-size", metavar="N", type=int, help="tokens of the vocabulary at most")
    group.add_argument("--hidden-size", metavar="N", type=int, help="features of the states (default 512)")
    group.add_argument("--num-layers", metavar="N", type=int, help="recurrent layers (default 2)")


def _add_writing(command: argparse.ArgumentParser) -> None:
    """Add what concerns the text to be written."""
    group = command.add_argument_group("what to write, with --model")
    group.add_argument("--prompt", metavar="TEXT", help="what the text begins with")
    group.add_argument("--length", metavar="N", type=int, help=f"tokens at most (default {LENGTH})")
    group.add_argument(
        "--temperature", metavar="T", type=float, help="below 1 bolder, 0 the likeliest (default 1)"
    )
    group.add_argument("--top-k", metavar="K", type=int, help="draw from the K likeliest tokens only")
    group.add_argument(
        "--top-p", metavar="P", type=float, help="draw from the likeliest with that probability only"
    )
    group.add_argument("--condition", metavar="NAME", help="what the text is to be of")
    group.add_argument("--number", metavar="N", type=int, help="how many texts (default 1)")
    group.add_argument(
        "--save-state", metavar="PATH", help="where to keep the state, to go on from the last token"
    )
    group.add_argument("--resume", metavar="PATH", help="go on from a state that was kept")


def run(arguments: argparse.Namespace) -> None:
    """Learn to write from a text, judge beside n-gram models, report; or write with --model."""
    if arguments.model is not None:
        _answer(arguments)
    else:
        _train(arguments)


def _train(arguments: argparse.Namespace) -> None:
    """Train, judge, write."""
    if arguments.file is None:
        raise ConfigError("there is no FILE to learn from; name one, or a trained model with --model")
    for name in WRITING:
        if getattr(arguments, name) is not None:
            raise ConfigError(f"--{name.replace('_', '-')} needs a trained model; name one with --model")
    from ostinato import report
    from ostinato.data.findings import count
    from ostinato.tasks.generate.run import read_texts, run_generate

    started = time.perf_counter()
    read = partial(
        read_texts,
        lines=arguments.lines,
        text_col=arguments.text_col,
        condition_col=arguments.condition_col,
    )
    (texts, notes), *others = tasks.read_all(arguments, read)
    valid, test = (None if one is None else one[0] for one in others)
    parameters = {**tasks.given(arguments, *OPTIONS), "random_state": arguments.seed}
    with report.results_folder(tasks.output_folder(arguments)) as out:
        if not (arguments.json or arguments.quiet):
            sequences = "" if texts.whole else f"{count(len(texts.texts), 'sequence')}, "
            print(f"{arguments.file}: {sequences}{count(sum(map(len, texts.texts)), 'character')}")
        with Progress(silent=arguments.quiet) as progress:
            result = run_generate(
                texts, valid=valid, test=test, parameters=parameters, watch=progress.part, notes=notes
            )
        result.seconds["total"] = time.perf_counter() - started
        tasks.leave_results(out, arguments, _report(arguments, result), save=result.generator.save, tables={})


def _report(arguments: argparse.Namespace, result: GenerateRun) -> TaskReport:
    """What the report says."""
    from ostinato.report import TaskReport, TrainingCurve
    from ostinato.tasks.info import versions

    generator, history = result.generator, result.generator.history_
    settings = tasks.settings_of(generator)
    samples = [{"title": title, "text": text} for title, text in result.samples]
    return TaskReport(
        title=f"Text after {Path(arguments.file).name}",
        task="generate",
        file=arguments.file,
        verdict=result.comparison.text,
        known={
            "Tokens": f"{len(generator.tokenizer_):,} ({generator.kind})",
            "Conditions": str(len(generator.conditions_) or ""),
            "Judged by": f"{result.judged.characters:,} characters",
            "Epochs": str(len(history["train"])),
        },
        leaderboard=result.leaderboard,
        forms=FORMS,
        best=result.comparison.best,
        parts=_parts(result),
        notes=result.notes,
        command=arguments.command_line,
        settings={"Seed": str(generator.seed_), **settings},
        versions=versions(),
        seconds=result.seconds,
        training=(TrainingCurve.of(generator.name, history),),
        loss_label="loss, nats per token",
        results={
            "model": generator.name,
            "best": result.comparison.best,
            "improvement": result.comparison.improvement,
            "interval": list(result.comparison.interval),
            "settings": settings,
            "samples": samples,
        },
    )


def _parts(result: GenerateRun) -> tuple[Part, ...]:
    """What the network writes, and how it reads."""
    from ostinato.report import MarkedText, MarkedTexts, Texts

    pieces = tuple(piece.replace("\n", "⏎ ") for piece, _ in result.surprise)
    marked = MarkedText(
        "Unseen text",
        pieces,
        tuple(1 - share for _, share in result.surprise),
        joint="" if _tight(result) else " ",
    )
    return (
        Texts("What it writes", result.samples),
        MarkedTexts(
            "How it reads",
            (marked,),
            "The darker a token, the less the network expected it (1 - its probability).",
        ),
    )


def _tight(result: GenerateRun) -> bool:
    """Whether tokens stand side by side without spaces."""
    return result.generator.kind != "word"


def _answer(arguments: argparse.Namespace) -> None:
    """Write with a trained model, on standard output as it comes."""
    from ostinato.tasks.generate.generator import SequenceGenerator

    if arguments.file is not None:
        raise ConfigError("FILE came with --model, which is trained already; leave one of them out")
    tasks.refuse_with_model(arguments, "valid", "test", "text_col", "condition_col", *OPTIONS)
    generator = tasks.open_model(arguments, SequenceGenerator)
    if arguments.number is not None and (arguments.resume or arguments.save_state):
        raise ConfigError("--number came with the state of one text; leave one of them out")
    if arguments.number is not None and arguments.number < 1:
        raise ConfigError(f"--number is {arguments.number}; use at least 1 text")
    texts = []
    for number in range(1 if arguments.number is None else arguments.number):
        texts.append(_text(arguments, generator, arguments.seed + number))
    if arguments.json:
        tasks.print_json({"task": "generate", "model": arguments.model, "texts": texts})


def _text(arguments: argparse.Namespace, generator: SequenceGenerator, seed: int) -> str:
    """Write one text, and print it piece by piece unless it goes into JSON."""
    length = LENGTH if arguments.length is None else arguments.length
    prompt = arguments.prompt or ""
    if arguments.resume is not None:
        for name in KEPT:
            if getattr(arguments, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option} came with --resume, which has its own; leave one of them out")
        stream = generator.resume(arguments.resume, length=length)
    else:
        stream = generator.stream(
            prompt,
            length=length,
            temperature=1.0 if arguments.temperature is None else arguments.temperature,
            top_k=arguments.top_k,
            top_p=arguments.top_p,
            seed=seed,
            condition=arguments.condition,
        )
    pieces = [prompt]
    if not arguments.json:
        print(prompt, end="")
    for piece in stream:
        pieces.append(piece)
        if not arguments.json:
            print(piece, end="")
            sys.stdout.flush()
    if not arguments.json:
        print()
    if arguments.save_state is not None:
        stream.save(arguments.save_state)
    return "".join(pieces)
