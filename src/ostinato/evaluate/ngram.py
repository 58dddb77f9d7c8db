"""An n-gram model with Kneser-Ney smoothing: what a network that models sequences has to beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError

Token = TypeVar("Token", bound=Hashable)
LEAST_DISCOUNT, MOST_DISCOUNT = 0.1, 0.95
"""Where counts of once and twice are too few to say how much to take off each count."""


@dataclass(frozen=True)
class _Beginning:
    """Stands before the first token of a sequence, and says of what kind the sequence is."""

    kind: Hashable


Gram = tuple[Hashable, ...]


@dataclass(frozen=True)
class _Order:
    """What one length of n-gram tells.

    Attributes:
        counts: of each n-gram.
        totals: of each history, the sum of the counts of its n-grams.
        kinds: of each history, how many different tokens follow it.
        discount: what is taken off each count.
    """

    counts: Mapping[Gram, int]
    totals: Mapping[Gram, int]
    kinds: Mapping[Gram, int]
    discount: float


class KneserNey(Generic[Token]):
    """Interpolated Kneser-Ney smoothing with one discount for each order.

        p(w | h) = max(c(h w) - D, 0) / c(h .) + D * kinds(h .) / c(h .) * p(w | h without its first token)

    In the longest n-grams, and in those that stand at the beginning of a sequence, c counts how often they come; in
    the others, how many different tokens come before them. D = n1 / (n1 + 2 n2), where n1 and n2 n-grams have the
    counts 1 and 2. Below the single tokens lies the same probability for each token of the vocabulary.

    Args:
        order: tokens of the longest n-gram, 5 for the four tokens before and the token itself.
        size: tokens of the vocabulary, unknown ones together as one of them.

    References:
        Kneser and Ney (1995), Improved backing-off for m-gram language modeling.
        Chen and Goodman (1999), An empirical study of smoothing techniques for language modeling, section 2.7,
        https://doi.org/10.1006/csla.1999.0128.

    Example:
        >>> model = KneserNey(order=2, size=3).fit([list("abab"), list("ab")])
        >>> bool(model.log_probabilities(list("ab")).mean() > model.log_probabilities(list("ba")).mean())
        True
    """

    def __init__(self, order: int = 5, *, size: int) -> None:
        if order < 1 or size < 1:
            raise ConfigError(f"order is {order} and size {size}; use at least 1 for both")
        self.order = order
        self.size = size
        self._orders: list[_Order] = []

    def fit(
        self, sequences: Sequence[Sequence[Token]], kinds: Sequence[Hashable] | None = None
    ) -> KneserNey[Token]:
        """Count the n-grams of some sequences.

        Args:
            sequences: sequences of tokens; one long text is one sequence.
            kinds: what each sequence is of, if that may tell about its first tokens.

        Returns:
            The model itself.
        """
        begun = [
            (_Beginning(kind), *sequence)
            for sequence, kind in zip(sequences, kinds or [None] * len(sequences), strict=True)
        ]
        raw: list[Counter[Gram]] = []
        for length in range(1, self.order + 1):
            grams: Counter[Gram] = Counter()
            for sequence in begun:
                grams.update(zip(*(sequence[shift:] for shift in range(length)), strict=False))
            raw.append(grams)
        for sequence in begun:
            raw[0].pop(sequence[:1], None)
        self._orders = [
            _order(grams if length == self.order else _continuations(grams, raw[length]))
            for length, grams in enumerate(raw, 1)
        ]
        return self

    def log_probabilities(self, sequence: Sequence[Token], kind: Hashable = None) -> NDArray[np.float64]:
        """The log-probability of each token of a sequence, given those before it.

        Args:
            sequence: tokens; one that did not come in training shares the probability left for all such.
            kind: what the sequence is of, for a model that was fitted with kinds.

        Returns:
            `(tokens,)` in nats.

        Raises:
            ConfigError: the model is not fitted.
        """
        if not self._orders:
            raise ConfigError("this n-gram model is not fitted yet; call fit first")
        begun = (_Beginning(kind), *sequence)
        return np.log(
            [
                self._probability(begun[max(0, place - self.order + 1) : place], begun[place])
                for place in range(1, len(begun))
            ]
        )

    def _probability(self, history: Gram, token: Hashable) -> float:
        """The probability of a token after at most `order - 1` others."""
        share = 1.0 / self.size
        for length, order in enumerate(self._orders[: len(history) + 1]):
            near = history[len(history) - length :]
            total = order.totals.get(near, 0)
            if total:
                seen = max(order.counts.get((*near, token), 0) - order.discount, 0.0)
                share = (seen + order.discount * order.kinds[near] * share) / total
        return share


def _continuations(grams: Counter[Gram], longer: Counter[Gram]) -> Counter[Gram]:
    """How many different tokens come before each n-gram; how often it comes, where it begins a sequence."""
    before = Counter(gram[1:] for gram in longer)
    return Counter(
        {gram: count if isinstance(gram[0], _Beginning) else before[gram] for gram, count in grams.items()}
    )


def _order(counts: Counter[Gram]) -> _Order:
    """The sums that smoothing needs, of the counts of one order."""
    totals: Counter[Gram] = Counter()
    for gram, count in counts.items():
        totals[gram[:-1]] += count
    of_counts = Counter(counts.values())
    once, twice = of_counts[1], of_counts[2]
    discount = once / (once + 2 * twice) if once else LEAST_DISCOUNT
    return _Order(
        counts,
        totals,
        Counter(gram[:-1] for gram in counts),
        min(max(discount, LEAST_DISCOUNT), MOST_DISCOUNT),
    )
