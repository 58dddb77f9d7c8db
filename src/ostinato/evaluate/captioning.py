"""Ways to describe images or vectors that need no network, to be compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_FEATURES = 512
"""Features by which neighbours are found; larger images are brought down to about so many by means over blocks."""
_ROWS_AT_ONCE = 500

Input = NDArray[Any]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class MostFrequent:
    """The sentence that comes most often in training, whatever is shown.

    Attributes:
        sentence: that sentence; of several the first.

    Example:
        >>> MostFrequent.fit(["a dog", "a cat", "a dog"]).predict([0, 0])
        ['a dog', 'a dog']
    """

    sentence: str

    @classmethod
    def fit(cls, sentences: Sequence[str]) -> MostFrequent:
        """Count the sentences of the training."""
        return cls(Counter(sentences).most_common(1)[0][0])

    def predict(self, inputs: Sequence[Any]) -> list[str]:
        """The same sentence for each input."""
        return [self.sentence] * len(inputs)


@dataclass(frozen=True)
class NearestNeighbour:
    """The sentence of the training example that looks most alike: the least sum of squared differences.

    Attributes:
        known: `(examples, features)`, standardised.
        sentences: the sentence of each.
        mean, deviation: `(features,)` of the training examples.

    Example:
        >>> NearestNeighbour.fit([np.zeros(2), np.ones(2)], ["dark", "light"]).predict([np.full(2, 0.9)])
        ['light']
    """

    known: Values
    sentences: tuple[str, ...]
    mean: Values
    deviation: Values

    @classmethod
    def fit(cls, inputs: Sequence[Input], sentences: Sequence[str]) -> NearestNeighbour:
        """Remember the training examples, all of one shape."""
        rows = _features(inputs)
        mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
        return cls((rows - mean) / deviation, tuple(sentences), mean, deviation)

    def predict(self, inputs: Sequence[Input]) -> list[str]:
        """The sentence of the nearest training example for each input."""
        rows = (_features(inputs) - self.mean) / self.deviation
        squares = (self.known**2).sum(axis=1)
        nearest: list[int] = []
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            # |a - b|^2 without |a|^2, which is the same for all b
            distance = squares - 2 * rows[start : start + _ROWS_AT_ONCE] @ self.known.T
            nearest += distance.argmin(axis=1).tolist()
        return [self.sentences[place] for place in nearest]


def _features(inputs: Sequence[Input]) -> Values:
    """Inputs as rows; images by means over blocks, so that the search stays quick."""
    rows = np.stack([_blocks(one) for one in inputs])
    return rows.astype(np.float32)


def _blocks(one: Input) -> Input:
    """A vector as it is, an image `(height, width, channels)` by means over blocks of equal size."""
    if one.ndim == 1 or one.size <= MOST_FEATURES:
        return one.ravel()
    side = int(np.ceil(np.sqrt(one.size / MOST_FEATURES)))
    height, width = (max(size // side, 1) * min(side, size) for size in one.shape[:2])
    cut = one[:height, :width].astype(np.float32)
    down, across = min(side, one.shape[0]), min(side, one.shape[1])
    blocks = cut.reshape(height // down, down, width // across, across, one.shape[2])
    means: Input = blocks.mean(axis=(1, 3)).ravel()
    return means
