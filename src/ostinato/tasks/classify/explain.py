"""Why a classifier says what it says: where it looked, and what it would have said earlier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.tasks.classify.fitting import log_probabilities, log_softmax
from ostinato.tasks.forecasting.fitting import one_thread

if TYPE_CHECKING:
    from ostinato.tasks.classify.fitting import Member
    from ostinato.tasks.classify.inputs import Input

Values = NDArray[np.float64]
MOST_READINGS = 60
"""Prefixes of one sequence that are read at most."""


@dataclass(frozen=True)
class Explanation:
    """One sequence as the networks saw it.

    Attributes:
        attention: `(steps,)` share of the attention that each step has; they sum to 1.
        read: `(readings,)` steps read, rising to the whole sequence.
        confidence: `(readings, classes)` probabilities after so many steps.
    """

    attention: Values
    read: NDArray[np.int64]
    confidence: Values

    def after_each_step(self, place: int) -> Values:
        """The probability of a class after each step, `(steps,)`; on a straight line between two readings.

        Args:
            place: of the class in `classes_`.
        """
        steps = np.arange(1, self.read[-1] + 1)
        return np.interp(steps, self.read, self.confidence[:, place])


def explain(
    members: Sequence[Member], shown: Input, inputs: Sequence[Any], temperature: float
) -> list[Explanation]:
    """Explain a few sequences.

    Args:
        members: the networks.
        shown: encodes the sequences.
        inputs: the sequences.
        temperature: what log-probabilities are divided by.
    """
    return [_explain(members, array, temperature) for array in shown.encode(inputs)]


def _explain(members: Sequence[Member], array: NDArray[Any], temperature: float) -> Explanation:
    read = np.unique(
        np.linspace(1, max(len(array), 1), min(max(len(array), 1), MOST_READINGS)).astype(np.int64)
    )
    scores = log_probabilities(members, [array[:steps] for steps in read])
    return Explanation(_attention(members, array), read, np.exp(log_softmax(scores / temperature)))


def _attention(members: Sequence[Member], array: NDArray[Any]) -> Values:
    """The mean attention of the networks to each step; that of a piece is shared by its steps."""
    import torch

    if not len(array):
        return np.zeros(0)
    piece = members[0].network.shape.piece
    inputs, lengths = torch.from_numpy(np.ascontiguousarray(array))[None], torch.tensor([len(array)])
    with one_thread(), torch.inference_mode():
        weights = torch.stack([member.network.attend(inputs, lengths)[1][0] for member in members]).mean(
            dim=0
        )
    spread: Values = np.repeat(weights.double().numpy(), piece)[: len(array)]
    shares: Values = spread / spread.sum()
    return shares
