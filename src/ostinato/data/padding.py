"""Sequences of unequal lengths as tensors, with little padding and in an order that a seed decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ostinato.data.batch import Batch
from ostinato.errors import ConfigError, DataError

POOL = 50
"""Batches whose sequences are sorted by length together: enough to be alike, few enough to be shuffled well."""


def pad(sequences: Sequence[ArrayLike], dtype: torch.dtype, *, least: int = 1) -> tuple[Tensor, Tensor]:
    """Put sequences side by side, with zeros after the end of each.

    Args:
        sequences: arrays `(time, ...)` that differ in time only; an empty one is all padding.
        dtype: type of the tensor.
        least: steps of the result at least.

    Returns:
        `(batch, time, ...)` and the lengths `(batch,)`, int64.

    Raises:
        DataError: the sequences differ in more than their time.

    Example:
        >>> padded, lengths = pad([[1, 2, 3], [4]], torch.int64)
        >>> padded.tolist(), lengths.tolist()
        ([[1, 2, 3], [4, 0, 0]], [3, 1])
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    shapes = {array.shape[1:] for array in arrays if len(array)} or {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        raise DataError(
            f"the sequences have steps of the shapes {sorted(shapes)}; give all the same features"
        )
    longest = max(int(lengths.max(initial=0)), least)
    padded = torch.zeros((len(arrays), longest, *(shapes.pop() if shapes else ())), dtype=dtype)
    for row, array in enumerate(arrays):
        if len(array):
            padded[row, : len(array)] = torch.as_tensor(array, dtype=dtype)
    return padded, torch.from_numpy(lengths)


def length_buckets(
    lengths: ArrayLike, batch_size: int, rng: np.random.Generator | None
) -> list[NDArray[np.int64]]:
    """Which sequences go into which batch, so that those of a batch are about equally long.

    Sequences are shuffled, sorted by length within pools of 50 batches, cut into batches, and the batches are shuffled.

    Args:
        lengths: steps of each sequence.
        batch_size: sequences in a batch.
        rng: source of the order; None sorts all by length, for predictions.

    Returns:
        Places of the sequences of each batch; every sequence is in one.

    Raises:
        ConfigError: `batch_size` is below 1.

    Example:
        >>> [batch.tolist() for batch in length_buckets([5, 1, 4, 2], 2, None)]
        [[1, 3], [2, 0]]
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; use at least 1")
    steps = np.asarray(lengths, dtype=np.int64)
    order = np.arange(len(steps)) if rng is None else rng.permutation(len(steps))
    pool = batch_size * POOL if rng is not None else max(len(steps), 1)
    batches = []
    for start in range(0, len(steps), pool):
        members = order[start : start + pool]
        members = members[np.argsort(steps[members], kind="stable")]
        batches += [members[first : first + batch_size] for first in range(0, len(members), batch_size)]
    return batches if rng is None else [batches[place] for place in rng.permutation(len(batches))]


Change = Callable[[list[NDArray[Any]], np.random.Generator], list[NDArray[Any]]]


class RaggedBatches:
    """A source of padded batches of sequences of unequal lengths, for the training loop.

    A batch has `inputs` `(batch, time, ...)`, `rows["lengths"]` `(batch,)`, and `targets`: one a row `(batch,)`, or,
    where targets are sequences, `(batch, target time)` with `mask` and `rows["target_lengths"]`. The order depends on
    the seed and the number of the epoch alone.

    Args:
        sequences: arrays `(time, ...)` or lists of numbers.
        targets: a number for each sequence, or a sequence of numbers for each.
        batch_size: sequences in a batch.
        seed: seed of the order; None keeps the batches sorted by length, for judging.
        dtype: type of the inputs.
        change: alters the arrays of a batch before they are padded, with a random generator of the epoch; only
            where there is a seed.

    Example:
        >>> source = RaggedBatches([[1, 2], [3]], [0, 1], batch_size=2, seed=0)
        >>> [batch.rows["lengths"].tolist() for batch in source.epoch(0)]
        [[1, 2]]
    """

    def __init__(
        self,
        sequences: Sequence[ArrayLike],
        targets: Sequence[Any] | NDArray[Any],
        *,
        batch_size: int = 32,
        seed: int | None = 0,
        dtype: torch.dtype = torch.int64,
        change: Change | None = None,
    ) -> None:
        if len(sequences) != len(targets):
            raise DataError(
                f"there are {len(sequences)} sequences and {len(targets)} targets; give one for each"
            )
        self.sequences = [np.asarray(sequence) for sequence in sequences]
        self.targets = targets
        self.batch_size = batch_size
        self.seed = seed
        self.dtype = dtype
        self.change = change
        self.lengths = np.array([len(sequence) for sequence in self.sequences], dtype=np.int64)

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        return len(length_buckets(self.lengths, self.batch_size, None))

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, from 0."""
        rng = None if self.seed is None else np.random.default_rng([self.seed, number])
        for index in length_buckets(self.lengths, self.batch_size, rng):
            yield self.batch(index, rng)

    def batch(self, index: NDArray[np.int64], rng: np.random.Generator | None = None) -> Batch:
        """The sequences at these places."""
        arrays = [self.sequences[place] for place in index]
        if self.change is not None and rng is not None:
            arrays = self.change(arrays, rng)
        inputs, lengths = pad(arrays, self.dtype)
        chosen = [self.targets[place] for place in index]
        if np.ndim(chosen[0]) == 0:
            return Batch(inputs, torch.as_tensor(np.asarray(chosen)), rows={"lengths": lengths})
        targets, target_lengths = pad(chosen, torch.int64)
        mask = torch.arange(targets.size(1)) < target_lengths[:, None]
        return Batch(inputs, targets, mask, rows={"lengths": lengths, "target_lengths": target_lengths})
