"""Numbers of tokens to vectors."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ostinato.errors import ConfigError


@final
class Embedding(nn.Module):
    """A vector for each token; token 0 is padding and has the zero vector.

    Args:
        tokens: Tokens of the vocabulary, padding included.
        size: Features of a vector.
        word_dropout: Probability of replacing a token by `unknown` while training, which teaches the network what
            to do with unknown words.
        dropout: Probability of dropping a feature while training, the same features at all steps of a row.
        unknown: Number of the token for unknown ones.
        spread: Standard deviation of the first weights.

    References:
        Gal and Ghahramani (2016), A theoretically grounded application of dropout in recurrent neural networks,
        section 4.2 (whole words are dropped) and 4.1 (one mask for all steps), https://arxiv.org/abs/1512.05287.

    Examples:
        >>> Embedding(10, 4)(torch.tensor([[3, 0]])).shape
        torch.Size([1, 2, 4])
    """

    def __init__(
        self,
        tokens: int,
        size: int,
        *,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
        unknown: int = 1,
        spread: float = 0.1,
    ) -> None:
        super().__init__()
        for name, probability in (("word_dropout", word_dropout), ("dropout", dropout)):
            if not 0 <= probability < 1:
                raise ConfigError(f"{name} is {probability}; it is a probability, so use 0 to below 1")
        self.weight = nn.Parameter(torch.randn(tokens, size) * spread)
        with torch.no_grad():
            self.weight[0] = 0.0
        self.word_dropout = word_dropout
        self.dropout = dropout
        self.unknown = unknown

    @property
    def size(self) -> int:
        """Features of a vector."""
        return self.weight.size(1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return `(batch, time, size)` for `(batch, time)` integers."""
        if self.training and self.word_dropout > 0:
            dropped = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
            tokens = tokens.masked_fill(dropped & (tokens != 0), self.unknown)
        vectors = F.embedding(tokens, self.weight, padding_idx=0)  # (batch, time, size)
        return locked_dropout(vectors, self.dropout, self.training)


@final
class SpelledEmbedding(nn.Module):
    """A vector for each token and one for each piece of its spelling, so that unknown words are known by their parts.

        vector(token) = word(token) + mean over its pieces of piece

    Args:
        tokens: Tokens of the vocabulary, padding included.
        pieces: Pieces of spelling, padding included.
        size: Features of a vector.
        word_dropout: Probability of hiding a token behind `unknown` while training, so that only its spelling is seen.
        dropout: Probability of dropping a feature while training, the same features at all steps of a row.
        unknown: Number of the token for unknown ones.
        spread: Standard deviation of the first weights of words; those of pieces have twice that.

    References:
        Bojanowski et al. (2017), Enriching word vectors with subword information, section 3.2,
        https://arxiv.org/abs/1607.04606.

    Examples:
        >>> SpelledEmbedding(10, 50, 4)(torch.tensor([[[3, 21, 22], [1, 23, 0]]])).shape
        torch.Size([1, 2, 4])
    """

    def __init__(
        self,
        tokens: int,
        pieces: int,
        size: int,
        *,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
        unknown: int = 1,
        spread: float = 0.1,
    ) -> None:
        super().__init__()
        self.words = Embedding(tokens, size, word_dropout=word_dropout, unknown=unknown, spread=spread)
        self.pieces = nn.Parameter(torch.randn(pieces, size) * (2 * spread))
        with torch.no_grad():
            self.pieces[0] = 0.0
        self.dropout = dropout

    @property
    def size(self) -> int:
        """Features of a vector."""
        return self.words.size

    def forward(self, tokens: Tensor) -> Tensor:
        """Return `(batch, time, size)` for `(batch, time, 1 + pieces)`: a token, then its pieces, then zeros."""
        word, pieces = tokens[..., 0], tokens[..., 1:]
        spelled = F.embedding_bag(
            pieces.reshape(-1, pieces.size(-1)), self.pieces, mode="mean", padding_idx=0
        )  # (batch * time, size)
        vectors = self.words(word) + spelled.view(*word.shape, -1)
        return locked_dropout(vectors, self.dropout, self.training)


@final
class TiedOutput(nn.Module):
    """Scores of all tokens from the vectors of an embedding, whose weights it shares.

    Args:
        embedding: The embedding.
        hidden_size: Features of the hidden state; brought to the size of the vectors by a linear layer where they
            differ.

    References:
        Press and Wolf (2017), Using the output embedding to improve language models,
        https://arxiv.org/abs/1608.05859.

    Examples:
        >>> TiedOutput(Embedding(10, 4), 6)(torch.zeros(2, 3, 6)).shape
        torch.Size([2, 3, 10])
    """

    def __init__(self, embedding: Embedding, hidden_size: int) -> None:
        super().__init__()
        same = hidden_size == embedding.size
        self.bridge: nn.Module = nn.Identity() if same else nn.Linear(hidden_size, embedding.size)
        self.weight = embedding.weight
        self.bias = nn.Parameter(torch.zeros(embedding.weight.size(0)))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return logits `(..., tokens)` for `(..., hidden)`."""
        return F.linear(self.bridge(hidden), self.weight, self.bias)


def locked_dropout(inputs: Tensor, probability: float, training: bool) -> Tensor:
    """Drop features while training, the same ones at all steps of a row (variational dropout).

    Args:
        inputs: `(batch, time, features)`.
        probability: Of dropping a feature.
        training: Whether to drop at all.

    References:
        Gal and Ghahramani (2016), section 4.1, https://arxiv.org/abs/1512.05287.
    """
    if not training or probability == 0:
        return inputs
    kept = inputs.new_empty(inputs.size(0), 1, inputs.size(2)).bernoulli_(1 - probability)
    return inputs * (kept / (1 - probability))
