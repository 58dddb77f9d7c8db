"""Items kept from a training by chance, to judge by where no others are given."""

from __future__ import annotations

import numpy as np

from ostinato.data.findings import count
from ostinato.errors import DataError

SHARE, MOST = 0.05, 1000


def hold_out(number: int, *, seed: int, source: str, noun: str) -> tuple[list[int], list[int]]:
    """Which items to learn from, and which twentieth of them, 1,000 at most, to judge by.

    Args:
        number: items there are.
        seed: source of the choice.
        source: how messages name where they are from.
        noun: what one is, for messages.

    Returns:
        Places of those to learn from and of those to judge by, each in order.

    Raises:
        DataError: there are fewer than two.

    Example:
        >>> kept, judged = hold_out(40, seed=0, source="file 'pairs.tsv'", noun="pair")
        >>> len(kept), len(judged)
        (38, 2)
    """
    if number < 2:
        raise DataError(f"{source} has {count(number, noun)}; give at least 2, one of them to judge by")
    size = min(max(int(SHARE * number), 1), MOST)
    order = np.random.default_rng([seed, 3]).permutation(number)
    return sorted(order[size:].tolist()), sorted(order[:size].tolist())
