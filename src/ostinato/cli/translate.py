"""The command `ostinato translate`: learn to translate from pairs of texts, or translate with a trained model."""

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
    from ostinato.data.text_pairs import TextPairs
    from ostinato.report.parts import Part
    from ostinato.report.task import TaskReport
    from ostinato.tasks.translate.run import TranslateRun

FORMS = {"bleu": ".1f", "chrf": ".1f", "exact": ".3f"}
OPTIONS = ("tokens", "max_tokens", "cell", "hidden_size", "epochs", "beam")
SHOWN = 4
"""Sentences whose attention is drawn."""


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = commands.add_parser(
        "translate",
        help="learn to translate texts from pairs, beside word-by-word translation",
        description=run.__doc__,
    )
    tasks.add_data_options(
        command, what="TSV, text lines, CSV, Parquet or JSON lines of texts and translations"
    )
    command.add_argument("--source-col", metavar="NAME", help="column of the texts; the first when not given")
    command.add_argument(
        "--target-col", metavar="NAME", help="column of the translations; the second when not given"
    )
    command.add_argument(
        "--tokens", choices=("subword", "word", "char"), help="what texts are cut into (default subword)"
    )
    command.add_argument("--max-tokens", metavar="N", type=int, help="tokens of each language (default 4000)")
    command.add_argument("--hidden-size", metavar="N", type=int, help="features of the states (default 256)")
    command.add_argument("--beam", metavar="N", type=int, help="width of the search (default 5); 1 is greedy")
    tasks.add_training_options(command, cell="gru")
    tasks.add_output_options(command)


def run(arguments: argparse.Namespace) -> None:
    """Learn to translate from pairs of texts, judge beside word-by-word translation, report; or answer with --model."""
    if arguments.model is not None:
        _answer(arguments)
    else:
        _train(arguments)


def _reader(arguments: argparse.Namespace) -> Callable[[str], TextPairs]:
    """What reads a file as it is asked for."""
    from ostinato.data.text_pairs import read_text_pairs

    return partial(read_text_pairs, source_col=arguments.source_col, target_col=arguments.target_col)


def _train(arguments: argparse.Namespace) -> None:
    """Train, judge, write."""
    from ostinato import report
    from ostinato.tasks.translate.run import run_translate

    started = time.perf_counter()
    pairs, valid, test = tasks.read_all(arguments, _reader(arguments))
    parameters = {**tasks.given(arguments, *OPTIONS), "random_state": arguments.seed}
    with report.results_folder(tasks.output_folder(arguments)) as out:
        if not (arguments.json or arguments.quiet):
            print(f"{pairs.source}: {len(pairs):,} pairs")
        with Progress(silent=arguments.quiet) as progress:
            result = run_translate(pairs, valid=valid, test=test, parameters=parameters, watch=progress.part)
        result.seconds["total"] = time.perf_counter() - started
        tables = {"translations": result.table()}
        tasks.leave_results(
            out, arguments, _report(arguments, result), save=result.translator.save, tables=tables
        )


def _report(arguments: argparse.Namespace, result: TranslateRun) -> TaskReport:
    """What the report says."""
    from ostinato.report import TrainingCurve
    from ostinato.report.task import TaskReport
    from ostinato.tasks.info import versions

    history = result.translator.history_
    settings = tasks.settings_of(result.translator)
    return TaskReport(
        title=f"Translation of {Path(arguments.file).name}",
        task="translate",
        file=arguments.file,
        verdict=result.verdict,
        known={"Test sentences": f"{len(result.test):,}", "Epochs": str(len(history["train"]))},
        leaderboard=result.leaderboard,
        forms=FORMS,
        best=result.best,
        parts=_parts(result),
        notes=(*result.notes, "the training loss has label smoothing in it, the validation loss has not"),
        command=arguments.command_line,
        settings=settings,
        versions=versions(),
        seconds=result.seconds,
        training=(TrainingCurve.of(result.name, history),),
        loss_label="loss, nats per token",
        results={"model": result.name, "best": result.best, "settings": settings},
    )


def _parts(result: TranslateRun) -> tuple[Part, ...]:
    """Where some translations come from, how sure the network was of them, and the worst ones."""
    from ostinato.report.parts import HeatMap, MarkedText, MarkedTexts, TablePart

    shown = [one for one in result.translations if len(one.source) > 1][:SHOWN]
    pictures = tuple(
        HeatMap(
            f"Where the words of “{one.text}” come from",
            one.attention.astype(float),
            one.tokens,
            one.source,
            form=None,
            remark="Each row is a token that was written; the darker a cell, the more it looked at the token above."
            if place == 0
            else "",
        )
        for place, one in enumerate(shown)
    )
    sure = MarkedTexts(
        "How sure it was of each token",
        tuple(
            MarkedText(one.text, one.tokens, tuple(1 - float(share) for share in one.confidence))
            for one in shown
        ),
        "The darker a token, the less probable the network found it after those before it.",
    )
    worst = TablePart(
        "Translations least like the reference",
        result.worst(),
        {"reference": "", "translation": "", "chrf": ".0f"},
        "By chrF, the share of pieces of words in common; another wording of the same may be among them.",
    )
    return (*pictures, sure, worst)


def _answer(arguments: argparse.Namespace) -> None:
    """Translate a file with a trained model, one translation a line."""
    from ostinato.evaluate.translation import bleu, has_sacrebleu
    from ostinato.tasks.translate.translator import SequenceTranslator

    tasks.refuse_with_model(arguments, "valid", "test", *(name for name in OPTIONS if name != "beam"))
    translator = tasks.open_model(arguments, SequenceTranslator)
    pairs = _reader(arguments)(arguments.file)
    with Progress(silent=arguments.quiet) as progress:
        progress.start("translate")
        texts = translator.predict(pairs.texts, beam=arguments.beam, progress=progress.update)
    if not arguments.json:
        print("\n".join(texts))
        return
    score = {}
    if pairs.translations is not None and has_sacrebleu():
        score["bleu"] = bleu(texts, pairs.translations)
    tasks.print_json({"task": "translate", "file": arguments.file, "translations": texts, **score})
