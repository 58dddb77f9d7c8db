"""The command `ostinato classify`: learn classes of texts, series or recordings, or classify with a trained model."""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.cli import tasks
from ostinato.cli.progress import Progress

if TYPE_CHECKING:
    from ostinato.report import Curve, Part, TaskReport
    from ostinato.tasks.classify.inputs import SeriesInput
    from ostinato.tasks.classify.run import ClassifyRun

FORMS = {"accuracy": ".4f", "macro_f1": ".3f", "log_loss": ".3f", "calibration_error": ".3f"}
OPTIONS = ("cell", "hidden_size", "members", "tokens", "class_weight", "distortion", "sample_rate", "epochs")
MOST_CLASSES = 30
"""Classes that a confusion matrix is drawn for; more would not be read."""
MOST_CHANNELS = 3
"""Channels of a series that are drawn."""


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = commands.add_parser(
        "classify",
        help="learn classes of texts, series or recordings, beside the baselines",
        description=run.__doc__,
    )
    what = "a table with texts (CSV, TSV, Parquet, JSON lines), series (.ts, .npz), or a folder of recordings"
    tasks.add_data_options(command, what=what)
    group = command.add_argument_group("what a table holds (found when not given)")
    group.add_argument("--text-col", metavar="NAME", help="column of the texts")
    group.add_argument("--label-col", metavar="NAME", help="column of the classes")
    command.add_argument("--tokens", choices=("word", "char", "subword"), help="of texts (default word)")
    command.add_argument("--hidden-size", metavar="N", type=int, help="features of the hidden state")
    command.add_argument("--members", metavar="N", type=int, help="networks that answer together")
    command.add_argument("--class-weight", choices=("balanced",), help="weigh classes by how rare they are")
    command.add_argument(
        "--distortion",
        metavar="X",
        type=float,
        help="random changes of series in training (default 1; 0 for none)",
    )
    command.add_argument("--sample-rate", metavar="HZ", type=int, help="bring recordings to this rate")
    tasks.add_training_options(command, cell="by the kind of data")
    tasks.add_output_options(command)


def run(arguments: argparse.Namespace) -> None:
    """Learn classes from examples, judge beside the baselines, report; or classify a file with --model."""
    if arguments.model is not None:
        _answer(arguments)
    else:
        _train(arguments)


def _train(arguments: argparse.Namespace) -> None:
    """Train, judge, write."""
    from ostinato import report
    from ostinato.data.examples import read_examples
    from ostinato.tasks.classify.classifier import SequenceClassifier
    from ostinato.tasks.classify.run import NOUNS, run_classify

    started = time.perf_counter()
    read = partial(read_examples, text_col=arguments.text_col, label_col=arguments.label_col)
    train, valid, test = tasks.read_all(arguments, read)
    classifier = SequenceClassifier(**tasks.given(arguments, *OPTIONS), random_state=arguments.seed)
    with report.results_folder(tasks.output_folder(arguments)) as out:
        if not (arguments.json or arguments.quiet):
            print(f"{arguments.file}: {len(train):,} {NOUNS[train.kind]}")
        with Progress(silent=arguments.quiet) as progress:
            progress.start("train")
            result = run_classify(train, classifier, validation=valid, test=test, progress=progress.update)
        result.seconds["total"] = time.perf_counter() - started
        tables = {"predictions": result.predictions}
        tasks.leave_results(
            out, arguments, _report(arguments, result), save=result.classifier.save, tables=tables
        )


def _report(arguments: argparse.Namespace, result: ClassifyRun) -> TaskReport:
    """What the report says."""
    from ostinato.report import TaskReport, TrainingCurve
    from ostinato.tasks.classify.run import NOUNS, name_of
    from ostinato.tasks.info import versions

    classifier = result.classifier
    known = classifier.calibration_
    settings = tasks.settings_of(classifier)
    return TaskReport(
        title=f"Classes of {Path(arguments.file).name}",
        task="classify",
        file=arguments.file,
        verdict=result.verdict.text,
        known={
            "Classes": str(len(classifier.classes_)),
            "Test": f"{len(result.test):,} {NOUNS[classifier.kind_]}",
            "Held out in training": f"{known['sequences']:,.0f}, {100 * known['accuracy']:.1f} % right",
            "Calibration error there": f"{known['error_before']:.3f} before, {known['error']:.3f} after scaling",
            "Temperature": f"{classifier.temperature_:.2f}",
        },
        leaderboard=result.leaderboard,
        forms=FORMS,
        best=result.verdict.best,
        parts=_parts(result),
        notes=result.notes,
        command=arguments.command_line,
        settings={"Seed": str(classifier.seed_), **settings},
        versions=versions(),
        seconds=result.seconds,
        training=tuple(
            TrainingCurve.of(f"network {number}", history)
            for number, history in enumerate(classifier.history_, 1)
        ),
        loss_label="loss, nats",
        results={
            "model": name_of(classifier),
            "kind": classifier.kind_,
            "classes": [str(name) for name in classifier.classes_.tolist()],
            "best": result.verdict.best,
            "difference": result.verdict.difference,
            "interval": list(result.verdict.interval),
            "p_value": result.verdict.p_value,
            "calibration": known,
            "temperature": classifier.temperature_,
            "settings": settings,
        },
    )


def _parts(result: ClassifyRun) -> tuple[Part, ...]:
    """Confusion matrix, errors with what was attended to, and confidence step by step."""
    from ostinato.report import HeatMap, TablePart
    from ostinato.tasks.classify.run import classes_of

    parts: list[Part] = []
    names = tuple(classes_of(result.classifier, result.predictions["truth"].to_numpy()))
    if len(names) <= MOST_CLASSES:
        remark = "Rows are the true classes, columns what was predicted; colours by row."
        parts.append(
            HeatMap(
                "Confusion", result.confusion.astype(float), names, names, "true", by_row=True, remark=remark
            )
        )
    forms = {"truth": "", "prediction": "", "confidence": ".3f"}
    remark = "Wrong answers given with the most confidence: hard cases, or mistakes in the file."
    parts.append(TablePart("Errors worth looking at", result.errors, forms, remark))
    parts += _explained(result)
    return tuple(parts)


def _explained(result: ClassifyRun) -> list[Part]:
    """The errors as they are, attention to their words or steps, and what was said after each step."""
    from ostinato.report import Curve, Curves, MarkedText, MarkedTexts
    from ostinato.tasks.classify.inputs import SeriesInput, TextInput

    classifier, rows = result.classifier, list(result.errors.itertuples(index=False))
    headings = [f"{row.name}: {row.truth}, taken for {row.prediction}" for row in rows]
    classes = [str(name) for name in classifier.classes_.tolist()]
    texts, series, attended, confident = [], [], [], []
    for place, heading, row, found in zip(
        result.errors.index, headings, rows, result.explanations, strict=True
    ):
        shares = found.attention / max(found.attention.max(initial=0.0), 1e-12)
        shown = classifier.input_
        if isinstance(shown, TextInput):
            texts.append(MarkedText(heading, shown.steps(result.test.inputs[place]), tuple(shares)))
        else:
            attended.append((heading, (Curve("attention", found.attention),)))
        if isinstance(shown, SeriesInput):
            series.append((heading, _channels(shown, result.test.inputs[place])))
        curves = [Curve(str(row.prediction), found.after_each_step(classes.index(str(row.prediction))))]
        if str(row.truth) in classes:
            curves.append(Curve(f"{row.truth} (true)", found.after_each_step(classes.index(str(row.truth)))))
        confident.append((heading, tuple(curves)))
    return [
        Curves(
            "What they look like",
            tuple(series),
            "step",
            "standard deviations",
            f"Each channel less its mean in training; of several the first {MOST_CHANNELS} at most.",
        ),
        MarkedTexts(
            "What was attended to", tuple(texts), "The darker a word, the more of the answer rests on it."
        ),
        Curves("What was attended to", tuple(attended), "step", "share of the attention"),
        Curves(
            "Confidence step by step",
            tuple(confident),
            "steps read",
            "probability",
            "What the networks say when they have read only the beginning.",
        ),
    ]


def _channels(shown: SeriesInput, series: Any) -> tuple[Curve, ...]:
    """The first channels of a series, of one scale."""
    from ostinato.report import Curve

    (scaled,) = shown.encode([series])
    first = scaled.T[:MOST_CHANNELS]
    names = (
        [f"channel {number}" for number in range(1, len(first) + 1)] if scaled.shape[1] > 1 else ["series"]
    )
    return tuple(Curve(name, values) for name, values in zip(names, first, strict=True))


def _answer(arguments: argparse.Namespace) -> None:
    """Classify a file with a trained model: a table on standard output, or in the folder of --out."""
    from ostinato.data.examples import read_examples
    from ostinato.report.files import prepare_folder, replace, to_csv
    from ostinato.tasks.classify.classifier import SequenceClassifier
    from ostinato.tasks.classify.inputs import SeriesInput
    from ostinato.tasks.classify.run import check_alike, predictions_frame

    tasks.refuse_with_model(arguments, "valid", "test", *OPTIONS)
    classifier = tasks.open_model(arguments, SequenceClassifier)
    examples = read_examples(arguments.file, text_col=arguments.text_col, label_col=arguments.label_col)
    known = classifier.input_
    check_alike(examples, classifier.kind_, known.features if isinstance(known, SeriesInput) else None)
    table = predictions_frame(classifier, examples, classifier.predict_proba(examples.inputs))
    if arguments.json:
        right = (
            {"accuracy": float((table["truth"] == table["prediction"]).mean())} if "truth" in table else {}
        )
        rows = table.to_dict("records")
        tasks.print_json({"task": "classify", "file": arguments.file, **right, "predictions": rows})
    elif arguments.out is None:
        print(to_csv(table).decode(), end="")
    else:
        path = prepare_folder(arguments.out) / "predictions.csv"
        replace(path, to_csv(table))
        print(path)
