"""How the next token is drawn from the scores of a network. Without torch, so that generating starts at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ostinato.errors import ConfigError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """What may be drawn, and how boldly.

    Args:
        temperature: scores are divided by it: below 1 likely tokens become likelier, 0 always takes the likeliest.
        top_k: only so many of the likeliest tokens are drawn from; None for all.
        top_p: only the fewest likeliest tokens that together have this probability are drawn from; None for all.

    References:
        Fan, Lewis and Dauphin (2018), Hierarchical neural story generation, section 5.4 (top-k).
        Holtzman et al. (2020), The curious case of neural text degeneration, section 3.1 (top-p).

    Example:
        >>> Sampling(top_k=1).probabilities([1.0, 3.0, 2.0]).tolist()
        [0.0, 1.0, 0.0]
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.temperature, int | float | np.number) or not 0 <= self.temperature < inf:
            raise ConfigError(
                f"temperature is {self.temperature!r}; use 0 for the likeliest token, or a number above"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"top_k is {self.top_k}; use at least 1, or leave it out for all tokens")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p is {self.top_p}; use a probability above 0 and at most 1")

    def probabilities(self, scores: ArrayLike) -> Values:
        """The probability of each token, first by temperature, then by top-k, then by top-p.

        Args:
            scores: `(tokens,)` logits; minus infinity where a token must not be drawn.

        Returns:
            `(tokens,)`, which sum to 1. Of tokens with equal scores the first come first.
        """
        logits = np.asarray(scores, dtype=np.float64)
        order = np.argsort(-logits, kind="stable")
        if self.temperature == 0:
            return np.bincount(order[:1], minlength=len(logits)).astype(np.float64)
        with np.errstate(over="ignore"):  # at a tiny temperature all but the likeliest become minus infinity
            shares: Values = np.exp((logits - logits.max()) / self.temperature)
        if self.top_k is not None:
            shares[order[self.top_k :]] = 0.0
        shares /= shares.sum()
        if self.top_p is not None:
            before = np.cumsum(shares[order]) - shares[order]  # probability of all likelier tokens
            shares[order[before >= self.top_p]] = 0.0
            shares /= shares.sum()
        return shares

    def draw(self, scores: ArrayLike, random: np.random.Generator) -> int:
        """Draw a token.

        Args:
            scores: `(tokens,)` logits.
            random: source of one uniform number.
        """
        rising = np.cumsum(self.probabilities(scores))
        # The sum may fall short of 1 by rounding; the last token with a probability takes the rest.
        place = int(np.searchsorted(rising, random.random() * rising[-1], side="right"))
        return min(place, int(np.searchsorted(rising, rising[-1])))
