"""One long text for truncated backpropagation: columns side by side, whose state is carried from piece to piece."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ostinato.data.batch import Batch
from ostinato.errors import ConfigError, DataError


class Stream:
    """A source of batches that reads one long sequence from its beginning to its end.

    The sequence is cut into as many columns of equal length as a batch has rows, and the columns into pieces. A row
    of a batch goes on where the same row of the batch before ended, so the training loop carries its state and cuts
    only the gradient; each epoch begins with the state reset. What is predicted is the next token, so without a seed
    every token but the first is a target once.

    Args:
        tokens: `(time,)` numbers of tokens, at least two.
        columns: rows of a batch.
        steps: steps of a piece, through which gradients go.
        seed: skips a few tokens at the beginning, less than a piece and others each epoch, so that columns and pieces
            begin elsewhere; None skips none, for judging.

    References:
        Mikolov et al. (2010), Recurrent neural network based language model, section 2.
        Graves (2013), Generating sequences with recurrent neural networks, section 3, https://arxiv.org/abs/1308.0850.

    Example:
        >>> batches = list(Stream(range(10), columns=2, steps=3, seed=None).epoch(0))
        >>> [batch.inputs.tolist() for batch in batches]
        [[[0, 1, 2], [5, 6, 7]], [[3, 4], [8, 0]]]
        >>> batches[1].targets.tolist(), batches[1].mask.tolist()
        ([[4, 5], [9, 0]], [[True, True], [True, False]])
    """

    def __init__(
        self, tokens: ArrayLike, *, columns: int = 32, steps: int = 128, seed: int | None = 0
    ) -> None:
        if columns < 1 or steps < 1:
            raise ConfigError(f"columns is {columns} and steps {steps}; use at least 1 for both")
        self.tokens = np.asarray(tokens, dtype=np.int64)
        if self.tokens.ndim != 1 or len(self.tokens) < 2:
            raise DataError(
                f"the text has {self.tokens.size} tokens; give at least 2, one to read and one to predict"
            )
        self.columns = columns
        self.steps = steps
        self.seed = seed

    def __len__(self) -> int:
        """The number of pieces of an epoch that skips no token."""
        return -(-(len(self.tokens) - 1) // (self.columns * self.steps))

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the pieces of an epoch, from 0; only the first begins with the state reset."""
        skipped = 0
        if self.seed is not None:
            most = min(self.steps, len(self.tokens) // 2)
            skipped = int(np.random.default_rng([self.seed, number]).integers(most))
        yield from _columns(self.tokens[skipped:], self.columns).chunks(self.steps)


def _columns(tokens: NDArray[np.int64], columns: int) -> Batch:
    """A whole sequence as one batch `(columns, time)`; where it does not fill the columns, the end is masked."""
    targets = len(tokens) - 1
    time = -(-targets // columns)
    padded = np.zeros((2, columns * time), dtype=np.int64)
    padded[0, :targets], padded[1, :targets] = tokens[:-1], tokens[1:]
    inputs, following = torch.from_numpy(padded.reshape(2, columns, time))
    mask = (torch.arange(columns * time) < targets).reshape(columns, time)
    return Batch(inputs, following, mask)
