"""The network that classifies sequences: recurrent layers over time, pooled to one vector, and a softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ostinato.nn import AttentionPooling, Embedding, Encoder, SoftmaxHead, SpelledEmbedding, step_mask


@dataclass(frozen=True)
class Shape:
    """The sizes of a network that classifies.

    Attributes:
        features: features of a step, or tokens of the vocabulary.
        classes: number of classes.
        pieces: pieces of spelling, padding included; 0 for none.
        embedding: features of a token's vector; None where steps have features of their own.
        cell: "lstm", "gru" or "rnn".
        hidden_size: features of the hidden state, in each direction.
        num_layers: layers, one on the other.
        dropout: probability of dropping a feature of the input and of the pooled vector.
        word_dropout: probability of hiding a token.
        piece: steps that are read as one.
        ends: whether the last state of each direction is pooled, too, which has read all steps in their order.
    """

    features: int
    classes: int
    pieces: int
    embedding: int | None
    cell: str
    hidden_size: int
    num_layers: int
    dropout: float
    word_dropout: float = 0.0
    piece: int = 1
    ends: bool = False


@final
class ClassifierNetwork(nn.Module):
    """Tokens or features to scores of classes.

    The hidden states of both directions are pooled by attention and by their maximum over time, side by side, and
    perhaps the last state of each direction beside them. A sequence without steps has the pooled vector 0: its answer
    comes from the bias alone.

    Args:
        shape: the sizes.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        embedding = _embedding(shape)
        width = shape.features * shape.piece if embedding is None else embedding.size
        self.encoder = Encoder(
            width,
            shape.hidden_size,
            cell=shape.cell,
            num_layers=shape.num_layers,
            dropout=shape.dropout if shape.num_layers > 1 else 0.0,
            embedding=embedding,
        )
        self.pooling = AttentionPooling(self.encoder.output_size)
        self.head = SoftmaxHead((3 if shape.ends else 2) * self.encoder.output_size, shape.classes)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Return logits `(batch, classes)` for `(batch, time, features)`, or tokens."""
        return self.attend(inputs, lengths)[0]

    def attend(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and the attention of each piece of steps, `(batch, pieces)`."""
        if self.encoder.embedding is None:
            inputs, lengths = in_pieces(inputs, lengths, self.shape.piece)
        states, _ = self.encoder(inputs, lengths)
        attended, weights = self.pooling(states, lengths)
        mask = step_mask(lengths, states.size(0), states.size(1), states.device).unsqueeze(-1)
        highest = states.masked_fill(~mask, torch.finfo(states.dtype).min).amax(dim=1)
        highest = highest.masked_fill(~mask.any(dim=1), 0.0)
        parts = [attended, highest]
        if self.shape.ends:
            parts.append(_ends(states, lengths))
        pooled = torch.cat(parts, dim=-1)  # (batch, 2 or 3 * directions * hidden)
        pooled = F.dropout(pooled, self.shape.dropout, self.training)
        return self.head(pooled), weights


def _ends(states: Tensor, lengths: Tensor) -> Tensor:
    """The last state of each direction, `(batch, directions * hidden)`; 0 without steps, as states are in padding."""
    hidden = states.size(-1) // 2
    rows = torch.arange(len(states), device=states.device)
    forward = states[rows, (lengths - 1).clamp(min=0), :hidden]
    return torch.cat([forward, states[:, 0, hidden:]], dim=-1)


def _embedding(shape: Shape) -> Embedding | SpelledEmbedding | None:
    """Vectors of tokens; None where steps have features of their own."""
    if shape.embedding is None:
        return None
    if not shape.pieces:
        return Embedding(
            shape.features, shape.embedding, word_dropout=shape.word_dropout, dropout=shape.dropout
        )
    return SpelledEmbedding(
        shape.features,
        shape.pieces,
        shape.embedding,
        word_dropout=shape.word_dropout,
        dropout=shape.dropout,
    )


def in_pieces(inputs: Tensor, lengths: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Read several steps as one, so that a long series is short for a network.

    Args:
        inputs: `(batch, time, features)`, 0 in the padding.
        lengths: `(batch,)`.
        size: steps of a piece.

    Returns:
        `(batch, ceil(time / size), size * features)` and the pieces of each row.

    Example:
        >>> pieces, count = in_pieces(torch.ones(1, 5, 3), torch.tensor([4]), 2)
        >>> pieces.shape, count.tolist()
        (torch.Size([1, 3, 6]), [2])
    """
    if size == 1:
        return inputs, lengths
    padded = F.pad(inputs, (0, 0, 0, -inputs.size(1) % size))
    pieces = padded.reshape(inputs.size(0), -1, size * inputs.size(2))
    return pieces, (lengths + size - 1) // size
