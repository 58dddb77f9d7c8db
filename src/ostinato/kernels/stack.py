"""What a recurrent layer is made of, without its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    State = tuple[Tensor, ...]
    Scan = Callable[[Tensor, State, Sequence[Tensor], Tensor | None, bool], tuple[Tensor, State]]


@dataclass(frozen=True)
class Stack:
    """What a recurrent layer is made of, without its numbers.

    Args:
        kind: `"rnn_tanh"`, `"rnn_relu"`, `"lstm"` or `"gru"`.
        num_layers: Layers, one on the other.
        bidirectional: Whether each layer also runs backwards in time.
        bias: Whether the weights include biases.
        dropout: Probability of dropping an output between two layers while training.
        training: Whether the layer is being trained.
        weights_per_scan: Weights of one layer in one direction.
        recurrent_dropout: Probability of dropping a hidden value on its way into the gates while training,
            with one mask for all steps of a row.

    References:
        Gal and Ghahramani (2016), A Theoretically Grounded Application of Dropout in Recurrent Neural
        Networks, for the recurrent dropout.
    """

    kind: str
    num_layers: int
    bidirectional: bool
    bias: bool
    dropout: float
    training: bool
    weights_per_scan: int
    recurrent_dropout: float = 0.0

    @property
    def directions(self) -> int:
        """2 where the stack is bidirectional, otherwise 1."""
        return 2 if self.bidirectional else 1

    @property
    def active_dropout(self) -> float:
        """The dropout between layers that acts in this call."""
        return self.dropout if self.training and self.num_layers > 1 else 0.0

    @property
    def active_recurrent_dropout(self) -> float:
        """The recurrent dropout that acts in this call."""
        return self.recurrent_dropout if self.training else 0.0
