"""Measures of how well classes, and the probabilities of classes, were predicted: pure functions of arrays.

Every function takes the true classes first. Where there is nothing to compare, a score is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ostinato.errors import ConfigError

Values = NDArray[np.float64]


def accuracy(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Share of predictions that are the true class.

    Args:
        truth: true classes, `(items,)`.
        prediction: predicted classes, same shape.

    Example:
        >>> accuracy(["a", "b", "b", "b"], ["a", "b", "b", "a"])
        0.75
    """
    true, guess = _pair(truth, prediction)
    return float(np.mean(true == guess)) if len(true) else float("nan")


def confusion_matrix(truth: ArrayLike, prediction: ArrayLike, classes: Sequence[object]) -> NDArray[np.int64]:
    """How often each class was predicted for each true class.

    Args:
        truth: true classes, `(items,)`.
        prediction: predicted classes, same shape.
        classes: the classes in the order of rows and columns.

    Returns:
        `(classes, classes)`: rows are true classes, columns predicted ones.

    Raises:
        ConfigError: an item is of none of the classes.

    Example:
        >>> confusion_matrix(["a", "b", "b"], ["a", "a", "b"], ["a", "b"]).tolist()
        [[1, 0], [1, 1]]
    """
    true, guess = _pair(truth, prediction)
    numbers = {name: number for number, name in enumerate(classes)}
    unknown = next((name for name in [*true.tolist(), *guess.tolist()] if name not in numbers), None)
    if unknown is not None:
        raise ConfigError(f"the class {unknown!r} is none of {', '.join(map(repr, classes))}; add it")
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(
        counts, ([numbers[name] for name in true.tolist()], [numbers[name] for name in guess.tolist()]), 1
    )
    return counts


def macro_f1(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Mean over the classes of the harmonic mean of precision and recall, each class counting the same.

    Args:
        truth: true classes, `(items,)`.
        prediction: predicted classes, same shape.

    Returns:
        The mean over all classes that are true or predicted for some item; a class that is never predicted right has 0.

    Example:
        >>> macro_f1(["a", "b", "b", "b"], ["a", "b", "b", "b"])
        1.0
    """
    true, guess = _pair(truth, prediction)
    if not len(true):
        return float("nan")
    classes = list(dict.fromkeys([*true.tolist(), *guess.tolist()]))
    counts = confusion_matrix(true, guess, classes)
    right = np.diag(counts)
    return float(np.mean(2 * right / (counts.sum(axis=0) + counts.sum(axis=1))))


def log_loss(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean of minus the logarithm of the probability given to the true class.

    Args:
        truth: numbers of the true classes, `(items,)`.
        probabilities: `(items, classes)`, rows that sum to 1.

    Returns:
        Nats per item; probabilities below 1e-15 count as that.

    Example:
        >>> round(log_loss([0, 1], [[0.5, 0.5], [0.5, 0.5]]), 4)
        0.6931
    """
    numbers, shares = _probabilities(truth, probabilities)
    given = shares[np.arange(len(numbers)), numbers]
    surprise = 0.0 - np.log(np.clip(given, 1e-15, 1.0))  # not -log(1), which would be -0.0
    return float(surprise.mean()) if len(numbers) else float("nan")


def calibration_error(truth: ArrayLike, probabilities: ArrayLike, *, bins: int = 15) -> float:
    """Expected calibration error: how far confidence lies from the share that is right, on the average.

        sum over bins of (items in the bin / all items) |share right in the bin - mean confidence in the bin|

    Args:
        truth: numbers of the true classes, `(items,)`.
        probabilities: `(items, classes)`, rows that sum to 1; the confidence of an item is its largest.
        bins: equal bins of confidence between 0 and 1.

    Returns:
        0 (what is said with 80 % confidence is right in 80 %) to 1.

    References:
        Guo et al. (2017), On calibration of modern neural networks, eq. 3, https://arxiv.org/abs/1706.04599.

    Example:
        >>> round(calibration_error([0, 0], [[0.9, 0.1], [0.9, 0.1]]), 4)
        0.1
    """
    numbers, shares = _probabilities(truth, probabilities)
    if not len(numbers):
        return float("nan")
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == numbers
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(place, right - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(numbers))


def _pair(truth: ArrayLike, prediction: ArrayLike) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """True and predicted classes as arrays of one length."""
    true, guess = np.asarray(truth, dtype=object), np.asarray(prediction, dtype=object)
    if true.shape != guess.shape or true.ndim != 1:
        raise ConfigError(
            f"there are true classes of shape {true.shape} and predictions of {guess.shape}; give one for each item"
        )
    return true, guess


def _probabilities(truth: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.int64], Values]:
    """Numbers of the true classes and the probabilities of all."""
    numbers, shares = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    if shares.ndim != 2 or numbers.shape != shares.shape[:1]:
        raise ConfigError(
            f"there are true classes of shape {numbers.shape} and probabilities of {shares.shape}; "
            "give (items,) and (items, classes)"
        )
    return numbers.astype(np.int64), shares
