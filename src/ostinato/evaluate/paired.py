"""The verdict on predictions of classes: whether a network is right more often than its baselines.

All models answer the same items, so differences are paired: items are drawn again with all their models, and the best
baseline is chosen anew in each draw, as it was chosen by these very items.

References:
    B. Efron and R. J. Tibshirani (1993), An introduction to the bootstrap, chapter 13 (percentiles).
    Q. McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ostinato.errors import ConfigError
from ostinato.evaluate.comparison import FEWEST_ITEMS
from ostinato.evaluate.redrawing import redrawn

Values = NDArray[np.float64]
LEVEL = 0.95
DRAWS = 4000


@dataclass(frozen=True)
class PairedVerdict:
    """Which model is right more often, and how sure that is.

    Attributes:
        best: the model to use.
        baseline: the baseline that was right most often; empty without any.
        difference: share of items that the network has right, less that of the best baseline.
        interval: its 95 % interval; NaN with fewer than ten items.
        p_value: probability of so uneven a split of the items on which the two differ, if both were equally good
            (McNemar's exact test against that baseline).
        items: number of items.
        text: all of this in a sentence.
    """

    best: str
    baseline: str
    difference: float
    interval: tuple[float, float]
    p_value: float
    items: int
    text: str


def compare_accuracy(
    truth: ArrayLike,
    predictions: Mapping[str, ArrayLike],
    *,
    model: str,
    noun: str = "sequences",
    seed: int = 0,
) -> PairedVerdict:
    """Judge a model by the others, its baselines.

    Args:
        truth: true classes, `(items,)`.
        predictions: predicted classes of each model, same shape.
        model: the model to judge.
        noun: what the items are, in the plural, for the sentence.
        seed: seed of the bootstrap.

    Raises:
        ConfigError: the model is not among the predictions, or shapes differ.

    Example:
        >>> truth = ["a", "b"] * 50
        >>> verdict = compare_accuracy(truth, {"lstm": truth, "Majority": ["a"] * 100}, model="lstm")
        >>> verdict.best, verdict.difference, verdict.interval[0] > 0
        ('lstm', 0.5, True)
    """
    true = np.asarray(truth, dtype=object)
    if model not in predictions:
        raise ConfigError(
            f"there are predictions of {', '.join(predictions)} and none of {model!r}; add them"
        )
    right = {name: np.asarray(guess, dtype=object) == true for name, guess in predictions.items()}
    wrong = next((name for name, hits in right.items() if np.shape(hits) != true.shape), None)
    if wrong is not None or not len(true):
        raise ConfigError(
            f"{wrong or model} has not one prediction for each of the {len(true)} items; give one each"
        )
    own = right[model].astype(np.float64)
    start = f"{model} is right for {100 * own.mean():.1f} % of {_counted(len(true), noun)}"
    baselines = [name for name in predictions if name != model]
    if not baselines:
        unknown = float("nan")
        text = f"{start}; there is no baseline to compare with."
        return PairedVerdict(model, "", unknown, (unknown, unknown), unknown, len(true), text)
    others = np.stack([right[name].astype(np.float64) for name in baselines])
    best = baselines[int(others.mean(axis=1).argmax())]
    difference = float(own.mean() - others.mean(axis=1).max())
    low = high = float("nan")
    if len(true) >= FEWEST_ITEMS:
        draws = _draws(own, others, np.random.default_rng(seed))
        low, high = (float(edge) for edge in np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    p_value = mcnemar(right[model], right[best])
    use = model if difference > 0 else best
    text = _sentence(start, use, best, difference, (low, high))
    return PairedVerdict(use, best, difference, (low, high), p_value, len(true), text)


def mcnemar(first: ArrayLike, second: ArrayLike) -> float:
    """McNemar's exact test: how likely so uneven a split is, if both models were equally good.

    Args:
        first: whether the first model is right, `(items,)`.
        second: whether the second is.

    Returns:
        The two-sided p-value; 1 where they never differ.

    Example:
        >>> mcnemar([True] * 5 + [False], [False] * 6)
        0.0625
    """
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    total, less = only_one + only_other, min(only_one, only_other)
    tail = sum(math.comb(total, number) for number in range(less + 1))  # whole numbers: exact for any size
    return min(1.0, 2 * tail / 2**total) if total else 1.0


def _draws(own: Values, others: Values, random: np.random.Generator) -> Values:
    """Differences to the best baseline when items are drawn again, `(draws,)`."""
    patterns, index = np.unique(np.vstack([own, others]), axis=1, return_inverse=True)
    counts = np.bincount(np.ravel(index), minlength=patterns.shape[1])
    shares = redrawn(patterns, random, draws=DRAWS, counts=counts) / len(own)  # (models, draws)
    difference: Values = shares[0] - shares[1:].max(axis=0)
    return difference


def _counted(number: int, noun: str) -> str:
    """A number with its noun, which comes in the plural."""
    return f"{number:,} {noun.removesuffix('s') if number == 1 and noun != 'series' else noun}"


def _sentence(start: str, use: str, best: str, difference: float, interval: tuple[float, float]) -> str:
    """The verdict in words."""
    if difference == 0:
        return f"{start}, as often as the best baseline, {best}. {use} is the one to use."
    points = f"{100 * abs(difference):.1f} points {'more' if difference > 0 else 'fewer'}"
    if math.isnan(interval[0]):
        return (
            f"{start}, {points} than the best baseline, {best}, too few to be sure. {use} is the one to use."
        )
    doubt = ", though that may be chance" if interval[0] <= 0 <= interval[1] else ""
    bounds = f"95 % interval {100 * interval[0]:+.1f} to {100 * interval[1]:+.1f} points"
    return f"{start}, {points} than the best baseline, {best}{doubt} ({bounds}). {use} is the one to use."
