"""Items drawn again with all that is known of each: the paired bootstrap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
BATCH = 100  # draws at a time, to bound the memory with many items


def redrawn(
    table: Values, random: np.random.Generator, *, draws: int, counts: NDArray[np.intp] | None = None
) -> Values:
    """Sums over as many items as there are, drawn with replacement, the same ones in every row.

    Args:
        table: `(rows, items)` what is known of each item.
        random: source of the draws.
        draws: how often items are drawn.
        counts: how many items each column stands for; one each when None.

    Returns:
        `(rows, draws)`.

    References:
        Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 6.

    Example:
        >>> redrawn(np.ones((2, 5)), np.random.default_rng(0), draws=150).shape
        (2, 150)
    """
    counts = np.ones(table.shape[1], dtype=np.intp) if counts is None else counts
    items = int(counts.sum())
    sizes = [min(BATCH, draws - done) for done in range(0, draws, BATCH)]
    parts = [table @ random.multinomial(items, counts / items, size=size).T for size in sizes]
    return np.concatenate(parts, axis=1)
