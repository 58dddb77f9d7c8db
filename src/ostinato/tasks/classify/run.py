"""The main job of classification: labelled sequences to a trained classifier, judged beside the baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.examples import Examples
from ostinato.data.findings import count
from ostinato.errors import DataError
from ostinato.evaluate.classification import accuracy, calibration_error, confusion_matrix, log_loss, macro_f1
from ostinato.evaluate.paired import PairedVerdict, compare_accuracy
from ostinato.tasks.classify.baselines import (
    MOST_CELLS,
    BagOfWords,
    Baseline,
    Majority,
    NearestNeighbour,
    WarpingNeighbour,
    warping_cells,
)
from ostinato.tasks.classify.classifier import SequenceClassifier
from ostinato.tasks.classify.explain import Explanation
from ostinato.tasks.job import timed

Values = NDArray[np.float64]
Progress = Callable[[int, int], None]
HELD_OUT = 0.2
"""Share of the data that is kept for the test where no test data is given."""
NOUNS = {"text": "texts", "series": "series", "speech": "recordings"}
SHOWN = 6
"""Errors that are explained."""


@dataclass(frozen=True)
class ClassifyRun:
    """A trained classifier and what is known about it.

    Attributes:
        classifier: trained on the training data alone.
        test: what it was judged on.
        predictions: name, truth, prediction, confidence, one row a test sequence, and a probability for each class.
        leaderboard: model, accuracy, macro_f1, log_loss, calibration_error; the best first.
        verdict: whether it is better than the baselines.
        confusion: `(classes, classes)`; rows are true classes.
        errors: rows of `predictions` that are worth a look: wrong, and sure.
        explanations: one for each of `errors`.
        notes: one sentence per thing found or decided.
        seconds: time taken by each part.
    """

    classifier: SequenceClassifier
    test: Examples
    predictions: pd.DataFrame
    leaderboard: pd.DataFrame
    verdict: PairedVerdict
    confusion: NDArray[np.int64]
    errors: pd.DataFrame
    explanations: list[Explanation]
    notes: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)


def run_classify(
    train: Examples,
    classifier: SequenceClassifier,
    *,
    validation: Examples | None = None,
    test: Examples | None = None,
    progress: Progress | None = None,
) -> ClassifyRun:
    """Train a classifier and judge it on data that it has not seen.

    Args:
        train: labelled sequences; without `test`, a fifth of them, all classes in proportion, is kept for judging.
        classifier: not fitted yet; it is fitted here.
        validation: labelled sequences to stop early by and to calibrate on; parts of `train` when None.
        test: labelled sequences to judge on.
        progress: called with (epochs done, epochs in all).

    Raises:
        DataError: data without classes, or of another kind.
    """
    seconds: dict[str, float] = {}
    notes = list(train.notes)
    if len(set(labelled(train))) == 1:
        raise DataError(
            f"{train.source} has one class only, {labelled(train)[0]!r}; give sequences of at least two classes"
        )
    if test is None:
        train, test = split(train, seed=classifier.random_state or 0)
        notes.append(
            f"{len(test):,} of {len(train) + len(test):,} {NOUNS[train.kind]} were kept for the test"
        )
    channels = None if train.kind != "series" else max(map(_channels, train.inputs))
    for other in (validation, test):
        if other is not None:
            labelled(other)
            check_alike(other, train.kind, channels)
    known = set(labelled(train))
    strange = sorted(set(labelled(test)) - known)
    if strange:
        notes.append(f"the test data has classes that were not in training: {', '.join(strange)}")
    judge = None if validation is None else (validation.inputs, labelled(validation))
    with timed(seconds, "train"):
        classifier.fit(train.inputs, labelled(train), validation=judge, progress=progress)
    return judge_classifier(classifier, train, test, notes, seconds)


def judge_classifier(
    classifier: SequenceClassifier,
    train: Examples,
    test: Examples,
    notes: Sequence[str],
    seconds: dict[str, float],
) -> ClassifyRun:
    """Compare a trained classifier with the baselines on test data."""
    truth = np.array(labelled(test))
    with timed(seconds, "predict"):
        probabilities = classifier.predict_proba(test.inputs)
        predictions = predictions_frame(classifier, test, probabilities)
    answers: dict[str, Any] = {name_of(classifier): predictions["prediction"].to_numpy()}
    with timed(seconds, "baselines"):
        found, remarks = baselines(classifier, train, test)
    answers |= found
    verdict = compare_accuracy(truth, answers, model=name_of(classifier), noun=NOUNS[train.kind])
    errors = worth_a_look(predictions)
    answers = {verdict.best: answers[verdict.best], **answers}  # the first of equals on the leaderboard
    return ClassifyRun(
        classifier=classifier,
        test=test,
        predictions=predictions,
        leaderboard=_leaderboard(truth, answers, probabilities, classifier),
        verdict=verdict,
        confusion=confusion_matrix(
            truth, predictions["prediction"].to_numpy(), classes_of(classifier, truth)
        ),
        errors=errors,
        explanations=classifier.explain([test.inputs[place] for place in errors.index]),
        notes=(*notes, *remarks),
        seconds=seconds,
    )


def labelled(examples: Examples) -> list[str]:
    """The classes of examples.

    Raises:
        DataError: there are none.
    """
    if examples.labels is None:
        raise DataError(f"{examples.source} has no classes; name their column with label_col (--label-col)")
    return examples.labels


def check_alike(examples: Examples, kind: str, channels: int | None) -> None:
    """Refuse examples of another kind than those of the training.

    Args:
        examples: to judge by, or to answer.
        kind: the kind in training.
        channels: the channels of series in training; None for other kinds.

    Raises:
        DataError: another kind, or series with other channels.
    """
    if examples.kind != kind:
        raise DataError(f"{examples.source} has {NOUNS[examples.kind]} and the training data {NOUNS[kind]}")
    for name, series in zip(examples.names, examples.inputs if kind == "series" else (), strict=False):
        if len(series) and _channels(series) != channels:
            raise DataError(
                f"{examples.source}: {name} has {count(_channels(series), 'channel')} and the training data had "
                f"{channels}; give the same channels"
            )


def _channels(series: NDArray[Any]) -> int:
    return series.shape[1] if series.ndim > 1 else 1


def split(examples: Examples, *, seed: int) -> tuple[Examples, Examples]:
    """Training and test data, all classes in proportion; a class with one sequence stays in training.

    Raises:
        DataError: there is nothing left to test on.
    """
    rng = np.random.default_rng([seed, 2])
    labels = np.array(labelled(examples))
    chosen: list[int] = []
    for name in np.unique(labels):
        places = rng.permutation(np.flatnonzero(labels == name))
        chosen += places[: round(HELD_OUT * len(places))].tolist()
    if not chosen:
        raise DataError(
            f"{examples.source} has too few sequences of each class to keep some for a test; give test data"
        )
    kept = np.setdiff1d(np.arange(len(labels)), chosen)
    return _part(examples, kept.tolist()), _part(examples, sorted(chosen))


def _part(examples: Examples, places: Sequence[int]) -> Examples:
    labels = labelled(examples)
    return replace(
        examples,
        inputs=[examples.inputs[place] for place in places],
        labels=[labels[place] for place in places],
        names=[examples.names[place] for place in places],
        notes=(),
    )


def name_of(classifier: SequenceClassifier) -> str:
    """The name of the networks on a leaderboard."""
    shape = classifier.members_[0].network.shape
    return f"Bi{shape.cell.upper()}"


def classes_of(classifier: SequenceClassifier, truth: NDArray[Any]) -> list[str]:
    """The classes of training, then those that only the test data has."""
    known = [str(name) for name in classifier.classes_.tolist()]
    return known + sorted(set(truth.tolist()) - set(known))


def predictions_frame(classifier: SequenceClassifier, test: Examples, probabilities: Values) -> pd.DataFrame:
    """What was said about each sequence: name, truth where known, prediction, confidence, all probabilities."""
    columns: dict[str, Any] = {"name": test.names}
    if test.labels is not None:
        columns["truth"] = test.labels
    columns["prediction"] = classifier.classes_[probabilities.argmax(axis=1)].astype(str)
    columns["confidence"] = probabilities.max(axis=1)
    for number, name in enumerate(classifier.classes_.tolist()):
        columns[f"p({name})"] = probabilities[:, number]
    return pd.DataFrame(columns)


def worth_a_look(predictions: pd.DataFrame) -> pd.DataFrame:
    """The wrong answers that were given with most confidence."""
    wrong = predictions[predictions["truth"] != predictions["prediction"]]
    return wrong.sort_values("confidence", ascending=False, kind="stable").head(SHOWN)


def baselines(
    classifier: SequenceClassifier, train: Examples, test: Examples
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """What the baselines answer to the test data, and why one is missing."""
    classes = labelled(train)
    models: dict[str, Baseline] = {"Majority": Majority(classes)}
    asked: Sequence[Any] = test.inputs
    remarks: list[str] = []
    if train.kind == "text":
        try:
            models["BagOfWords"] = BagOfWords(train.inputs, classes)
        except ImportError:
            remarks.append("there is no bag of words to compare with: install ostinato[tasks]")
        except DataError as error:
            remarks.append(str(error))
    else:
        known, asked = classifier.input_.encode(train.inputs), classifier.input_.encode(test.inputs)
        models["NearestNeighbour"] = NearestNeighbour(known, classes)
        if warping_cells(known, asked) <= MOST_CELLS:
            models["NearestNeighbourDTW"] = WarpingNeighbour(known, classes)
        else:
            remarks.append(
                "there is no neighbour by dynamic time warping: it would take too long with so many series"
            )
    return {name: model.predict(asked) for name, model in models.items()}, remarks


def _leaderboard(
    truth: NDArray[Any], answers: dict[str, Any], probabilities: Values, classifier: SequenceClassifier
) -> pd.DataFrame:
    """The scores of all models, the best first; only the network gives probabilities."""
    rows = [
        {"model": name, "accuracy": accuracy(truth, guess), "macro_f1": macro_f1(truth, guess)}
        for name, guess in answers.items()
    ]
    known = np.isin(truth, classifier.classes_.astype(str))
    numbers = np.searchsorted(classifier.classes_.astype(str), truth[known])
    frame = pd.DataFrame(rows)
    own = frame["model"] == name_of(classifier)
    frame["log_loss"] = np.where(own, log_loss(numbers, probabilities[known]), np.nan)
    frame["calibration_error"] = np.where(own, calibration_error(numbers, probabilities[known]), np.nan)
    return frame.sort_values("accuracy", ascending=False, kind="stable").reset_index(drop=True)
