"""The command `ostinato tag`: learn to tag words from a treebank, or tag a file with a trained model."""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.cli import tasks
from ostinato.cli.progress import Progress

if TYPE_CHECKING:
    from ostinato.data.conllu import Sentence
    from ostinato.report import Part, TaskReport
    from ostinato.tasks.tag.run import TagRun

FORMS = {"accuracy": ".4f", "macro_f1": ".3f", "unknown_words": ".4f", "sentences": ".3f"}
OPTIONS = ("cell", "hidden_size", "output", "epochs")
COLUMNS = ("upos", "xpos", "feats", "deprel")
SHOWN = 6
"""Sentences whose confidence is shown."""
MOST_CLASSES = 30
"""Tags that a confusion matrix is drawn for; more would not be read."""


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = commands.add_parser(
        "tag",
        help="learn to tag words from a treebank, beside the most frequent tag",
        description=run.__doc__,
    )
    tasks.add_data_options(command, what="CoNLL-U (also .gz), or words and tags with a tab between them")
    command.add_argument("--column", choices=COLUMNS, help="where the tags are in CoNLL-U (default upos)")
    command.add_argument("--hidden-size", metavar="N", type=int, help="features of the states (default 200)")
    command.add_argument(
        "--output",
        choices=("crf", "softmax"),
        help="score whole sequences of tags (default crf), or each tag",
    )
    tasks.add_training_options(command)
    tasks.add_output_options(command)


def run(arguments: argparse.Namespace) -> None:
    """Learn to tag words, judge beside the most frequent tag of each word, report; or tag a file with --model."""
    if arguments.model is not None:
        _answer(arguments)
    else:
        _train(arguments)


def _train(arguments: argparse.Namespace) -> None:
    """Train, judge, write."""
    from ostinato import report
    from ostinato.data.conllu import read_sentences
    from ostinato.data.findings import count
    from ostinato.tasks.tag.run import run_tag

    started = time.perf_counter()
    column = arguments.column or "upos"
    train, valid, test = tasks.read_all(arguments, partial(read_sentences, column=column))
    parameters = {**tasks.given(arguments, *OPTIONS), "random_state": arguments.seed}
    with report.results_folder(tasks.output_folder(arguments)) as out:
        if not (arguments.json or arguments.quiet):
            print(f"{arguments.file}: {count(len(train), 'sentence')}")
        with Progress(silent=arguments.quiet) as progress:
            result = run_tag(
                train, valid=valid, test=test, column=column, parameters=parameters, watch=progress.part
            )
        result.seconds["total"] = time.perf_counter() - started
        tables = {"predictions": result.table()}
        tasks.leave_results(
            out, arguments, _report(arguments, result), save=result.tagger.save, tables=tables
        )


def _report(arguments: argparse.Namespace, result: TagRun) -> TaskReport:
    """What the report says."""
    from ostinato.report import TaskReport, TrainingCurve
    from ostinato.tasks.info import versions

    history, known = result.tagger.history_, result.calibration()
    words = sum(map(len, result.truth))
    settings = tasks.settings_of(result.tagger)
    return TaskReport(
        title=f"Tags of {Path(arguments.file).name}",
        task="tag",
        file=arguments.file,
        verdict=result.comparison.text,
        known={
            "Column": result.tagger.column_,
            "Tags": str(len(result.tagger.classes_)),
            "Test": f"{len(result.truth):,} sentences, {words:,} words",
            "Calibration error": f"{known['calibration_error']:.4f}",
            "Epochs": str(len(history["train"])),
        },
        leaderboard=result.leaderboard,
        forms=FORMS,
        best=result.comparison.best,
        parts=_parts(result),
        notes=result.notes,
        command=arguments.command_line,
        settings={"Seed": str(result.tagger.seed_), **settings},
        versions=versions(),
        seconds=result.seconds,
        training=(TrainingCurve.of(result.tagger.name, history),),
        loss_label="loss, nats per word",
        results={
            "model": result.tagger.name,
            "best": result.comparison.best,
            "improvement": result.comparison.improvement,
            "interval": list(result.comparison.interval),
            "column": result.tagger.column_,
            **known,
            "settings": settings,
        },
    )


def _parts(result: TagRun) -> tuple[Part, ...]:
    """Confusion matrix, errors, and how sure the network was of each word."""
    from ostinato.report import HeatMap, MarkedText, MarkedTexts, TablePart

    parts: list[Part] = []
    classes, counts = result.confusion()
    if len(classes) <= MOST_CLASSES:
        names = tuple(classes)
        remark = "Rows are the true tags, columns what was predicted; colours by row."
        parts.append(
            HeatMap(
                "Confusion of tags", counts.astype(float), names, names, "true", by_row=True, remark=remark
            )
        )
    errors = {"tag": "", "prediction": "", "times": "d"}
    parts.append(TablePart("Commonest errors", result.commonest_errors(), errors))
    surest = {"tag": "", "prediction": "", "confidence": ".3f", "sentence": "d"}
    parts.append(
        TablePart(
            "Surest errors",
            result.surest_errors(),
            surest,
            "Wrong tags given with the most confidence: hard words, or mistakes in the file.",
        )
    )
    table = result.table()
    doubts = table.groupby("sentence")["confidence"].min().nsmallest(SHOWN).index
    texts = []
    for number in doubts:
        rows = table[table["sentence"] == number]
        pieces = tuple(f"{word}/{tag}" for word, tag in zip(rows["word"], rows["prediction"], strict=True))
        texts.append(MarkedText(f"Sentence {number}", pieces, tuple(1 - rows["confidence"])))
    parts.append(
        MarkedTexts(
            "Where the network was least sure", tuple(texts), "The darker a word, the less sure its tag."
        )
    )
    return tuple(parts)


def _answer(arguments: argparse.Namespace) -> None:
    """Tag a file with a trained model: in the form it came in, on standard output or in the folder of --out."""
    from ostinato.data.conllu import format_conllu, format_plain, is_plain, read_sentences
    from ostinato.tasks.tag.run import tag_sentences
    from ostinato.tasks.tag.tagger import SequenceTagger

    tasks.refuse_with_model(arguments, "valid", "test", "column", *OPTIONS)
    tagger = tasks.open_model(arguments, SequenceTagger)
    sentences = read_sentences(arguments.file, column=tagger.column_)
    plain = is_plain(sentences)
    with Progress(silent=arguments.quiet) as progress:
        progress.start("tag")
        tagged = tag_sentences(tagger, sentences)
    if arguments.json:
        tasks.print_json(_summary(arguments, tagger.column_, sentences, tagged))
        return
    text = format_plain(tagged, column=tagger.column_) if plain else format_conllu(tagged)
    if arguments.out is None:
        print(text, end="")
        return
    from ostinato.report.files import prepare_folder, replace

    path = prepare_folder(arguments.out) / f"tagged.{'tsv' if plain else 'conllu'}"
    replace(path, text.encode())
    print(path)


def _summary(
    arguments: argparse.Namespace, column: str, sentences: list[Sentence], tagged: list[Sentence]
) -> dict[str, Any]:
    """The tags as one object, with the share of right ones where the file had tags."""
    pairs = [
        (true, guess)
        for before, after in zip(sentences, tagged, strict=True)
        for true, guess in zip(before.column(column), after.column(column), strict=True)
        if true != "_"
    ]
    right = {"accuracy": sum(true == guess for true, guess in pairs) / len(pairs)} if pairs else {}
    answers = [{"words": sentence.words, "tags": sentence.column(column)} for sentence in tagged]
    return {"task": "tag", "file": arguments.file, "column": column, **right, "sentences": answers}
