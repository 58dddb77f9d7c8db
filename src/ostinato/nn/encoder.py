"""Sequences to hidden states: recurrent layers on each other, in both directions, with dropout between them."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ostinato.errors import ConfigError
from ostinato.nn.embedding import Embedding, SpelledEmbedding, locked_dropout
from ostinato.nn.layer import RecurrentLayer
from ostinato.nn.recurrent import LAYERS

State = tuple[Tensor, ...]


@final
class Encoder(nn.Module):
    """Stacked recurrent layers over vectors, or over tokens where there is an embedding.

    Args:
        input_size: Features of a step; with an embedding, that of its vectors.
        hidden_size: Features of the hidden state, in each direction.
        cell: `"lstm"`, `"gru"` or `"rnn"`.
        num_layers: Layers, one on the other.
        bidirectional: Whether each layer also runs backwards in time.
        dropout: Probability of dropping a feature between two layers and after the last, the same features at all
            steps of a row.
        recurrent_dropout: Probability of dropping a hidden value on its way into the gates, as for the layers.
        embedding: Makes vectors of tokens.

    Examples:
        >>> outputs, state = Encoder(3, 8)(torch.zeros(2, 5, 3), torch.tensor([5, 2]))
        >>> outputs.shape, state[0].shape
        (torch.Size([2, 5, 16]), torch.Size([2, 2, 8]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        cell: str = "lstm",
        num_layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        embedding: Embedding | SpelledEmbedding | None = None,
    ) -> None:
        super().__init__()
        if cell not in LAYERS:
            raise ConfigError(f"cell is {cell!r}; use one of {', '.join(LAYERS)}")
        if num_layers < 1:
            raise ConfigError(f"num_layers is {num_layers}; use at least 1")
        directions = 2 if bidirectional else 1
        self.embedding = embedding
        self.dropout = dropout
        self.output_size = hidden_size * directions
        sizes = [input_size] + [self.output_size] * (num_layers - 1)
        self.layers = nn.ModuleList(
            LAYERS[cell](
                size,
                hidden_size,
                batch_first=True,
                bidirectional=bidirectional,
                recurrent_dropout=recurrent_dropout,
            )
            for size in sizes
        )
        if cell == "lstm":
            _remember_first(self.layers)

    def forward(
        self, inputs: Tensor, lengths: Tensor | None = None, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Run over time.

        Args:
            inputs: `(batch, time, features)`, or tokens `(batch, time)` with an embedding.
            lengths: `(batch,)` real steps of each row; all are real where None.
            state: Parts `(num_layers * directions, batch, hidden)` to go on from (h, and c of an LSTM); zeros where
                None.

        Returns:
            Outputs `(batch, time, directions * hidden)`, 0 in the padding, and the state after each row's last step.
        """
        hidden = inputs if self.embedding is None else self.embedding(inputs)
        states = []
        count = len(self.layers)
        for number, layer in enumerate(self.layers):
            rows = None if state is None else _part_of(state, number, count, layer)
            start = None if rows is None else (tuple(rows) if len(rows) > 1 else rows[0])
            hidden, last = layer(hidden, start, lengths)
            states.append(last if isinstance(last, tuple) else (last,))
            hidden = locked_dropout(hidden, self.dropout, self.training)
        return hidden, tuple(_joined(parts) for parts in zip(*states, strict=True))


def _part_of(state: State, number: int, count: int, layer: nn.Module) -> list[Tensor]:
    """The state of one of the layers."""
    assert isinstance(layer, RecurrentLayer)
    widths = layer.cell.state_widths(layer.input_size, layer.hidden_size)
    parts = [part.chunk(count)[number] for part in state]
    return [part[..., :width].contiguous() for part, width in zip(parts, widths, strict=True)]


def _joined(parts: tuple[Tensor, ...]) -> Tensor:
    """One part of the state of all layers; where it is as wide as the input, padded to the widest with zeros."""
    widest = max(part.size(2) for part in parts)
    return torch.cat([F.pad(part, (0, widest - part.size(2))) for part in parts])


def _remember_first(layers: nn.ModuleList) -> None:
    """Open the forget gates of LSTMs at the start, so that gradients reach far back (Jozefowicz et al. 2015)."""
    for layer in layers:
        for name, weight in layer.named_parameters():
            if name.startswith("bias_ih"):
                size = weight.size(0) // 4
                with torch.no_grad():
                    weight[size : 2 * size] += 1.0
