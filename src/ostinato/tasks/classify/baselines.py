"""What classifies sequences without a recurrence: the usual class, a bag of words, the nearest neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.data.text import words
from ostinato.errors import DataError

Values = NDArray[np.float64]
Series = Sequence[NDArray[Any]]
Numbers = NDArray[np.int64]
MOST_CELLS = 1.5e9
"""Cells of warping tables that are computed at most; beyond, dynamic time warping is left out."""
GRID = 32
"""Steps that series of unequal lengths are brought to for the Euclidean distance."""


class Baseline(Protocol):
    """A classifier of encoded sequences."""

    def predict(self, inputs: Sequence[Any]) -> NDArray[Any]:
        """The class of each sequence."""
        ...


class Majority:
    """The most frequent class of the training data, whatever the sequence.

    Example:
        >>> Majority(["a", "b", "b"]).predict([None, None]).tolist()
        ['b', 'b']
    """

    def __init__(self, classes: Sequence[Any]) -> None:
        names, counts = np.unique(np.asarray(classes), return_counts=True)
        self.usual = names[counts.argmax()]

    def predict(self, inputs: Sequence[Any]) -> NDArray[Any]:
        """The usual class, once for each sequence."""
        return np.full(len(inputs), self.usual)


class BagOfWords:
    """Logistic regression on how often each word comes, weighed by how rare it is.

    The strength of its penalty is the best of five by threefold cross-validation on the training data.

    Args:
        texts: training texts.
        classes: the class of each.
        seed: of the folds.

    Raises:
        ImportError: scikit-learn is not installed.
        DataError: no text has a word.
    """

    def __init__(self, texts: Sequence[str], classes: Sequence[Any], seed: int = 0) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, StratifiedKFold

        self.vectorizer = TfidfVectorizer(tokenizer=words, token_pattern=None, sublinear_tf=True)
        try:
            features = self.vectorizer.fit_transform(texts)
        except ValueError as error:
            raise DataError("no training text has a word; a bag of words cannot be made") from error
        labels = np.asarray(classes)
        least = int(np.unique(labels, return_counts=True)[1].min())
        model = LogisticRegression(C=10.0, max_iter=1000)
        if least >= 3:
            folds = StratifiedKFold(3, shuffle=True, random_state=seed)
            model = GridSearchCV(model, {"C": [1.0, 3.0, 10.0, 30.0, 100.0]}, cv=folds)
        self.model = model.fit(features, labels)

    def predict(self, inputs: Sequence[str]) -> NDArray[Any]:
        """The most likely class of each text."""
        classes: NDArray[Any] = self.model.predict(self.vectorizer.transform(inputs))
        return classes


class NearestNeighbour:
    """The class of the training series that is nearest, in the Euclidean sense.

    Series of unequal lengths are first brought to 32 steps, on straight lines between their own.

    Args:
        series: training series `(time, channels)`.
        classes: the class of each.

    Example:
        >>> NearestNeighbour([np.zeros((3, 1)), np.ones((3, 1))], ["low", "high"]).predict([np.full((3, 1), 0.8)])
        array(['high'], dtype='<U4')
    """

    def __init__(self, series: Series, classes: Sequence[Any]) -> None:
        lengths = {len(values) for values in series}
        self.steps = lengths.pop() if len(lengths) == 1 else GRID
        self.known = self._flat(series)
        self.classes = np.asarray(classes)

    def predict(self, inputs: Series) -> NDArray[Any]:
        """The class of the nearest training series of each."""
        if not len(inputs):
            return self.classes[:0]
        asked = self._flat(inputs)
        squared = (self.known**2).sum(axis=1) - 2 * asked @ self.known.T  # less the length of what is asked
        nearest: NDArray[Any] = self.classes[squared.argmin(axis=1)]
        return nearest

    def _flat(self, series: Series) -> Values:
        """Series of the same number of steps, `(series, steps * channels)`."""
        return np.stack(
            [_on_grid(np.asarray(values, dtype=np.float64), self.steps).ravel() for values in series]
        )


class WarpingNeighbour:
    """The class of the training series that is nearest by dynamic time warping.

    Args:
        series: training series `(time, channels)`.
        classes: the class of each.

    References:
        Sakoe and Chiba (1978), Dynamic programming algorithm optimization for spoken word recognition.

    Example:
        >>> late, early = np.array([[0.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [1.0]])
        >>> WarpingNeighbour([late, np.zeros((3, 1))], ["step", "flat"]).predict([early]).tolist()
        ['step']
    """

    def __init__(self, series: Series, classes: Sequence[Any]) -> None:
        self.known = [_at_least_one(values) for values in series]
        self.classes = np.asarray(classes)

    def predict(self, inputs: Series) -> NDArray[Any]:
        """The class of the nearest training series of each."""
        if not len(inputs):
            return self.classes[:0]
        asked = [_at_least_one(values) for values in inputs]
        lengths = np.array([len(values) for values in asked])
        padded = np.zeros((len(asked), lengths.max(), asked[0].shape[1]))
        for row, values in enumerate(asked):
            padded[row, : len(values)] = values
        distances = np.stack([_warped(values, padded, lengths) for values in self.known], axis=1)
        nearest: NDArray[Any] = self.classes[distances.argmin(axis=1)]
        return nearest


def warping_cells(known: Series, asked: Series) -> float:
    """Cells of the tables that warping all pairs would fill."""
    return float(sum(map(len, known))) * len(asked) * max(map(len, asked), default=0)


def _warped(values: NDArray[Any], asked: Values, lengths: Numbers) -> Values:
    """Squared distances from one series to many after the best warping of each, `(asked,)`.

    The tables of all are filled diagonal by diagonal, whose cells do not need each other.
    """
    rows, columns = len(values), asked.shape[1]
    before = np.full(
        (len(asked), rows + 1), np.inf
    )  # of the last diagonal: the cell in each row, row 0 outside
    twice, ends = before.copy(), np.empty((len(asked), columns))
    twice[:, 0] = 0.0
    for diagonal in range(rows + columns - 1):
        low, high = max(0, diagonal - columns + 1), min(rows, diagonal + 1)
        turned = asked[:, diagonal - high + 1 : diagonal - low + 1][:, ::-1]
        cost = ((turned - values[low:high]) ** 2).sum(axis=2)  # (asked, rows of this diagonal)
        now = np.full_like(before, np.inf)
        reached = np.minimum(
            np.minimum(before[:, low:high], before[:, low + 1 : high + 1]), twice[:, low:high]
        )
        now[:, low + 1 : high + 1] = cost + reached
        if high == rows:
            ends[:, diagonal - rows + 1] = now[:, rows]
        before, twice = now, before
    distances: Values = ends[np.arange(len(asked)), lengths - 1]
    return distances


def _on_grid(values: Values, steps: int) -> Values:
    """A series at so many evenly spaced places."""
    values = _at_least_one(values)
    if len(values) == steps:
        return values
    places = np.linspace(0, len(values) - 1, steps)
    return np.stack([np.interp(places, np.arange(len(values)), channel) for channel in values.T], axis=1)


def _at_least_one(values: NDArray[Any]) -> NDArray[Any]:
    """An empty series as one step of zeros."""
    return values if len(values) else np.zeros((1, *values.shape[1:]))
