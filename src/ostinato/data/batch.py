"""Batches of named tensors, cut along time, and the shuffled source they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from ostinato.errors import ConfigError


@dataclass(frozen=True)
class Batch:
    """Named tensors, one row a sequence.

    Args:
        inputs: `(batch, time, features)`.
        targets: `(batch, time, ...)` where every step has a target, or `(batch, horizon)` where each row has.
        mask: True = real, of the shape of `targets`; every target is real where None.
        extras: More tensors `(batch, time, ...)`, cut along time with the inputs.
        rows: More tensors `(batch, ...)`, one entry a row, not cut.
        first: `(batch,)`, True where a row begins a series, so that the state carried from the batch before
            is reset there; every row begins one where None.

    Examples:
        >>> batch = Batch(torch.zeros(2, 5, 1), torch.zeros(2, 5))
        >>> [chunk.inputs.shape[1] for chunk in batch.chunks(2)]
        [2, 2, 1]
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    rows: Mapping[str, Tensor] = field(default_factory=dict)
    first: Tensor | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.inputs.size(0)

    @property
    def real(self) -> int:
        """The number of real targets."""
        return self.targets.numel() if self.mask is None else int(self.mask.sum())

    def chunks(self, size: int) -> Iterator[Batch]:
        """Cut along time into pieces of `size` steps; the last may be shorter.

        Args:
            size: Steps of a piece, at least 1.

        Yields:
            Batches that are views of this one; only the first carries the beginnings of series.

        Raises:
            ConfigError: If `size` is below 1, or the targets are not one a time step.
        """
        time = self.inputs.size(1)
        if size < 1:
            raise ConfigError(f"a chunk has {size} steps; use at least 1")
        if size >= time:
            yield self
            return
        if self.targets.dim() < 2 or self.targets.size(1) != time:
            raise ConfigError(
                f"targets have shape {tuple(self.targets.shape)} for {time} steps of input and cannot be cut "
                "along time; give one target a step, or train without tbptt"
            )
        later = torch.zeros(len(self), dtype=torch.bool, device=self.inputs.device)
        for start in range(0, time, size):
            steps = slice(start, start + size)
            piece = self._map_steps(lambda tensor, steps=steps: tensor[:, steps])  # type: ignore[misc]  # bound now
            yield piece if start == 0 else replace(piece, first=later)

    def select(self, index: Tensor) -> Batch:
        """Return the rows at these places, a copy.

        Args:
            index: `(rows,)` integers.
        """
        return self._map(lambda tensor: tensor.index_select(0, index))

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on another device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def _map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Apply a function to every tensor."""
        batch = self._map_steps(change)
        first = None if self.first is None else change(self.first)
        return replace(batch, rows={name: change(tensor) for name, tensor in self.rows.items()}, first=first)

    def _map_steps(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Apply a function to every tensor that has a time."""
        return Batch(
            change(self.inputs),
            change(self.targets),
            None if self.mask is None else change(self.mask),
            {name: change(tensor) for name, tensor in self.extras.items()},
            self.rows,
            self.first,
        )


class Batches:
    """A source of batches in a shuffled order that depends on the seed and the epoch alone.

    Any epoch can be asked for at any time, so training resumes in the middle with the order it would have
    had.

    Args:
        data: All rows.
        batch_size: Rows of a batch; the last of an epoch may be smaller.
        seed: Seed of the order.
        shuffle: Whether to shuffle; otherwise the rows come as they are.

    Examples:
        >>> source = Batches(Batch(torch.zeros(10, 4, 1), torch.zeros(10, 2)), batch_size=4, seed=0)
        >>> [len(batch) for batch in source.epoch(3)]
        [4, 4, 2]
    """

    def __init__(self, data: Batch, *, batch_size: int = 32, seed: int = 0, shuffle: bool = True) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size is {batch_size}; use at least 1")
        self.data = data
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return -(-len(self.data) // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of an epoch.

        Args:
            number: The epoch, from 0.
        """
        rows = len(self.data)
        order = (
            np.random.default_rng([self.seed, number]).permutation(rows) if self.shuffle else np.arange(rows)
        )
        for start in range(0, rows, self.batch_size):
            yield self.data.select(torch.from_numpy(order[start : start + self.batch_size]))
