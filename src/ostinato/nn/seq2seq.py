"""From something remembered to a sequence: a recurrent decoder with attention, trained on whole targets at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ostinato.errors import ConfigError
from ostinato.nn.attention import AdditiveAttention, Memory
from ostinato.nn.embedding import Embedding, TiedOutput, locked_dropout
from ostinato.nn.layer import RecurrentLayer
from ostinato.nn.recurrent import LAYERS

State = tuple[Tensor, ...]


@dataclass(frozen=True)
class DecoderState:
    """Where a decoder stands, row by row.

    Args:
        memory: What it looks at.
        lower: State of the layer below the attention, parts `(1, batch, hidden)`, or as wide as what the layer reads.
        upper: State of the layer above it.
        covered: `(batch, source)` attention each place has had.
    """

    memory: Memory
    lower: State
    upper: State
    covered: Tensor

    def select(self, rows: Tensor) -> DecoderState:
        """Return the rows at these places, a copy: some twice and some not at all, as a beam search needs them.

        Args:
            rows: `(rows,)` integers.
        """
        return DecoderState(
            self.memory.select(rows),
            tuple(part.index_select(1, rows) for part in self.lower),
            tuple(part.index_select(1, rows) for part in self.upper),
            self.covered.index_select(0, rows),
        )


@final
class Decoder(nn.Module):
    """Two recurrent layers with attention between them.

        s[t] = lower(E y[t - 1], s[t - 1])             what to look for
        a[t] = attention(s[t], memory)                 where to look
        u[t] = upper([s[t]; a[t]], u[t - 1])           what has been seen
        p[t] = softmax(E tanh(R [u[t]; a[t]]) + b)     what to say; E is the embedding

    The lower layer does not see the contexts, so that it runs over the whole target in one call of a kernel, then the
    attention, then the upper layer. Feeding each context back into the next step of one layer (Bahdanau et al. 2015;
    input feeding, Luong et al. 2015) would need a call a step; here the upper layer remembers what was looked at, and
    coverage tells the attention.

    Args:
        embedding: Vectors of the target's tokens; the outputs share its weights.
        memory_size: Features of what is looked at.
        hidden_size: Features of both layers' states.
        cell: a name of `LAYERS`.
        attention_size: Width of the attention's hidden layer.
        dropout: Probability of dropping a feature before each layer and before the outputs, the same features at all
            steps of a row.
        coverage: Whether the attention knows where it has looked before.

    References:
        Attention between the layers: Wu et al. (2016), Google's neural machine translation system, section 3,
        https://arxiv.org/abs/1609.08144. Weight tying: Press and Wolf (2017), https://arxiv.org/abs/1608.05859.

    Examples:
        >>> decoder = Decoder(Embedding(9, 4), memory_size=6, hidden_size=8)
        >>> state = decoder.start(torch.zeros(2, 7, 6))
        >>> hidden, weights, state = decoder(torch.tensor([[2, 5, 6], [2, 7, 8]]), state)
        >>> decoder.output(hidden).shape, weights.shape
        (torch.Size([2, 3, 9]), torch.Size([2, 3, 7]))
    """

    def __init__(
        self,
        embedding: Embedding,
        *,
        memory_size: int,
        hidden_size: int,
        cell: str = "gru",
        attention_size: int = 128,
        dropout: float = 0.0,
        coverage: bool = False,
    ) -> None:
        super().__init__()
        if cell not in LAYERS:
            raise ConfigError(f"cell is {cell!r}; use one of {', '.join(LAYERS)}")
        if not 0 <= dropout < 1:
            raise ConfigError(f"dropout is {dropout}; it is a probability, so use 0 to below 1")
        self.dropout = dropout
        self.embedding = embedding
        self.bridge = nn.Linear(memory_size, 2 * hidden_size)
        self.lower = LAYERS[cell](embedding.size, hidden_size, batch_first=True)
        self.attention = AdditiveAttention(hidden_size, memory_size, attention_size, coverage=coverage)
        self.upper = LAYERS[cell](hidden_size + memory_size, hidden_size, batch_first=True)
        self.readout = nn.Linear(hidden_size + memory_size, embedding.size)
        self.output = TiedOutput(embedding, embedding.size)

    def start(self, values: Tensor, mask: Tensor | None = None) -> DecoderState:
        """Stand before the first step, in a state made of the mean of what is remembered.

        Args:
            values: `(batch, source, memory)`.
            mask: `(batch, source)`, True = real; every place is real where None.
        """
        memory = self.attention.remember(values, mask)
        count = values.size(1) if mask is None else mask.sum(1, keepdim=True).clamp(min=1)
        mean = memory.values.sum(1) / count  # (batch, memory)
        lower, upper = torch.tanh(self.bridge(mean)).unsqueeze(0).chunk(2, -1)  # (1, batch, hidden) each
        covered = values.new_zeros(values.shape[:2])
        return DecoderState(memory, _first(self.lower, lower), _first(self.upper, upper), covered)

    def forward(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, DecoderState]:
        """Go on by some tokens, each step seeing the true token before it (teacher forcing).

        Args:
            tokens: `(batch, time)` tokens before each step, `<s>` first.
            state: Where the decoder stands.

        Returns:
            What `output` makes logits of `(batch, time, embedding)`, the attention `(batch, time, source)`, and where
            the decoder stands now.
        """
        vectors = self.embedding(tokens)  # (batch, time, embedding)
        below, lower = _run(self.lower, self._drop(vectors), state.lower)  # (batch, time, hidden)
        below = self._drop(below)
        context, weights, covered = self.attention(below, state.memory, state.covered)
        context = self._drop(context)  # (batch, time, memory)
        above, upper = _run(self.upper, torch.cat([below, context], -1), state.upper)
        seen = torch.cat([self._drop(above), context], -1)
        hidden = self._drop(torch.tanh(self.readout(seen)))  # (batch, time, embedding)
        return hidden, weights, DecoderState(state.memory, lower, upper, covered)

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, DecoderState]:
        """Go on by one token of each row.

        Args:
            tokens: `(batch,)` tokens before this step.
            state: Where the decoder stands.

        Returns:
            Logarithms of the probabilities `(batch, tokens)`, the attention `(batch, source)`, the new state.
        """
        hidden, weights, state = self(tokens.unsqueeze(1), state)
        return torch.log_softmax(self.output(hidden[:, 0]), -1), weights[:, 0], state

    def _drop(self, inputs: Tensor) -> Tensor:
        return locked_dropout(inputs, self.dropout, self.training)


@final
class EncoderDecoder(nn.Module):
    """A source that is remembered, and a decoder that says it in other words.

    Args:
        source: Makes `(values, mask)` of the inputs and their lengths; see `ostinato.nn.source`.
        decoder: Makes the target of these.
        label_smoothing: Share of each target's probability that is spread over all tokens while training.

    References:
        Label smoothing: Szegedy et al. (2016), Rethinking the Inception architecture, section 7,
        https://arxiv.org/abs/1512.00567.
    """

    def __init__(self, source: nn.Module, decoder: Decoder, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ConfigError(f"label_smoothing is {label_smoothing}; it is a share, so use 0 to below 1")
        self.source = source
        self.decoder = decoder
        self.label_smoothing = label_smoothing

    def start(self, inputs: Tensor, lengths: Tensor | None = None) -> DecoderState:
        """Read the source and stand before the first step of the target.

        Args:
            inputs: What the source reads, one row each.
            lengths: `(batch,)` real steps of each row, where it has steps.
        """
        values, mask = self.source(inputs, lengths)
        return self.decoder.start(values, mask)

    def loss(self, inputs: Tensor, lengths: Tensor | None, targets: Tensor, mask: Tensor) -> Tensor:
        """Return the mean cross-entropy of the targets, in nats per token; smoothed while training.

        Args:
            inputs: What the source reads.
            lengths: `(batch,)` real steps of each row, where it has steps.
            targets: `(batch, time)` tokens from `<s>` to `</s>`.
            mask: `(batch, time)`, True = real.
        """
        hidden, _, _ = self.decoder(targets[:, :-1], self.start(inputs, lengths))
        real = mask[:, 1:]
        logits = self.decoder.output(hidden[real])  # (real, tokens): padding costs no softmax
        smoothing = self.label_smoothing if self.training else 0.0
        return F.cross_entropy(logits, targets[:, 1:][real], label_smoothing=smoothing)


def _run(layer: RecurrentLayer, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Run a layer; its state is a tuple whatever the cell."""
    outputs, last = layer(inputs, state if len(state) > 1 else state[0])
    return outputs, last if isinstance(last, tuple) else (last,)


def _first(layer: nn.Module, hidden: Tensor) -> State:
    """The state of a layer before the first step; what it has beside the hidden state starts at 0."""
    assert isinstance(layer, RecurrentLayer)
    others = layer.cell.state_widths(layer.input_size, layer.hidden_size)[1:]
    return (hidden.contiguous(), *(hidden.new_zeros(1, hidden.size(1), width) for width in others))
