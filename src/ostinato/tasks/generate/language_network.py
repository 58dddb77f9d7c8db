"""The network of a generator: recurrent layers that read tokens and score the next one at each step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ostinato.data.batch import Batch
from ostinato.nn import Embedding, Encoder, TiedOutput, locked_dropout
from ostinato.nn.losses import cross_entropy

State = tuple[Tensor, ...]
UNKNOWN_SHARE = 0.01
"""Share of the tokens read as unknown while training, which teaches the network to read on after unknown ones."""
TIED_SPREAD = 0.1
"""Standard deviation of the first vectors where they are the weights of the output as well; otherwise 1, which the
layers see better: with 0.1 the loss of a text is half a nat higher after 80 updates."""


class LanguageNetwork(nn.Module):
    """Vectors of tokens, recurrent layers in one direction, and a score for each token that may come next.

    Where sequences are generated for a condition, a vector of the condition stands beside that of the token at every
    step. Where the vectors of tokens are as wide as the hidden state, the output shares their weights.

    Args:
        tokens: number of tokens.
        conditions: number of conditions, 0 for none.
        embedding_size: features of the vector of a token.
        cell: "lstm", "gru" or "rnn".
        hidden_size: features of the hidden state.
        num_layers: recurrent layers.
        dropout: probability of dropping a feature after each layer, the same at all steps of a row; on the way in and
            over time a third and two thirds of it.

    References:
        Mikolov et al. (2010), Recurrent neural network based language model.
        Gal and Ghahramani (2016), A theoretically grounded application of dropout in recurrent neural networks.
        Press and Wolf (2017), Using the output embedding to improve language models.
    """

    def __init__(
        self,
        tokens: int,
        conditions: int,
        embedding_size: int,
        *,
        cell: str = "lstm",
        hidden_size: int = 512,
        num_layers: int = 2,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.dropout_in = dropout / 3
        tied = embedding_size == hidden_size
        self.tokens = Embedding(
            tokens, embedding_size, word_dropout=UNKNOWN_SHARE, spread=TIED_SPREAD if tied else 1.0
        )
        self.conditions = nn.Embedding(conditions, embedding_size) if conditions else None
        self.encoder = Encoder(
            embedding_size * (2 if conditions else 1),
            hidden_size,
            cell=cell,
            num_layers=num_layers,
            bidirectional=False,
            dropout=dropout,
            recurrent_dropout=dropout * 2 / 3,
        )
        self.scores: nn.Module = (
            TiedOutput(self.tokens, hidden_size) if tied else nn.Linear(hidden_size, tokens)
        )

    def forward(
        self,
        tokens: Tensor,
        lengths: Tensor | None = None,
        state: State | None = None,
        conditions: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Score the token after each step.

        Args:
            tokens: `(batch, time)`.
            lengths: `(batch,)` real steps; all are real where None.
            state: of the text before; its beginning where None.
            conditions: `(batch,)`, where the network has such.

        Returns:
            Logits `(batch, time, tokens)` and the state after each row's last step.
        """
        vectors = self.tokens(tokens)
        if self.conditions is not None:
            beside = self.conditions(conditions).unsqueeze(1).expand(-1, tokens.size(1), -1)
            vectors = torch.cat([vectors, beside], dim=-1)
        hidden, state = self.encoder(locked_dropout(vectors, self.dropout_in, self.training), lengths, state)
        return self.scores(hidden), state

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, State]:
        """The mean of minus the log-probability of the next token, in nats, and the state of the batch after it."""
        logits, state = self(batch.inputs, batch.rows.get("lengths"), state, batch.rows.get("conditions"))
        return cross_entropy(logits, batch.targets, batch.mask), state
