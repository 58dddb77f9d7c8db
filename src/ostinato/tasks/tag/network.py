"""The network of a tagger: words by their vectors and their letters, recurrent layers over the sentence, tags."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ostinato.data.batch import Batch
from ostinato.data.vocabulary import Vocabulary
from ostinato.nn import Embedding, Encoder, locked_dropout, step_mask
from ostinato.nn.crf import LinearChainCRF
from ostinato.nn.losses import cross_entropy

WORD_SIZE, LETTER_SIZE, LETTER_HIDDEN = 100, 32, 64
LONGEST_WORD = 24
"""Letters of a word that are read; of longer ones the first and the last half of that."""


@dataclass(frozen=True)
class Forms:
    """The different words of some sentences as a network reads them; word 0 is padding.

    Attributes:
        numbers: the number of each word.
        words: `(forms,)` place in the vocabulary of words, without case.
        letters: `(forms, letters)` places in the vocabulary of letters, with case.
        lengths: `(forms,)` letters of each, 0 for padding.
    """

    numbers: dict[str, int]
    words: Tensor
    letters: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, sentences: list[list[str]], words: Vocabulary, letters: Vocabulary) -> Forms:
        """The different words of some sentences."""
        different = dict.fromkeys(word for sentence in sentences for word in sentence)
        spelled = [letters.encode(_cut(word)) for word in different]
        table = torch.zeros(len(spelled) + 1, max(map(len, spelled), default=1) or 1, dtype=torch.int64)
        for place, spelling in enumerate(spelled, 1):
            table[place, : len(spelling)] = torch.tensor(spelling)
        return cls(
            {word: place for place, word in enumerate(different, 1)},
            torch.tensor([0, *words.encode(map(str.lower, different))]),
            table,
            torch.tensor([0, *map(len, spelled)]),
        )

    def encode(self, sentence: list[str]) -> list[int]:
        """The numbers of the words of a sentence."""
        return [self.numbers[word] for word in sentence]


def _cut(word: str) -> str:
    """The letters of a word that are read."""
    half = LONGEST_WORD // 2
    return word if len(word) <= LONGEST_WORD else word[:half] + word[-half:]


class TagNetwork(nn.Module):
    """A vector for each word and a bidirectional LSTM over its letters, layers over the sentence, a score for each tag.

    Args:
        words: words of the vocabulary.
        letters: letters of the vocabulary.
        tags: number of tags.
        cell: "lstm", "gru" or "rnn".
        hidden_size: features of the layers over the sentence, in each direction.
        num_layers: layers over the sentence.
        dropout: probability of dropping a feature before, between and after those layers.
        crf: whether whole sequences of tags are scored, or each tag alone.

    References:
        Lample et al. (2016), Neural architectures for named entity recognition, https://arxiv.org/abs/1603.01360.
    """

    temperature: Tensor

    def __init__(
        self,
        words: int,
        letters: int,
        tags: int,
        *,
        cell: str = "lstm",
        hidden_size: int = 200,
        num_layers: int = 2,
        dropout: float = 0.4,
        crf: bool = True,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.words = Embedding(words, WORD_SIZE, word_dropout=0.1)
        self.letters = Encoder(
            LETTER_SIZE, LETTER_HIDDEN, embedding=Embedding(letters, LETTER_SIZE, word_dropout=0.02)
        )
        self.encoder = Encoder(
            WORD_SIZE + 2 * LETTER_HIDDEN, hidden_size, cell=cell, num_layers=num_layers, dropout=dropout
        )
        self.scores = nn.Linear(self.encoder.output_size, tags)
        self.crf = LinearChainCRF(tags) if crf else None
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, sentences: Tensor, lengths: Tensor, forms: Forms) -> Tensor:
        """Score each tag of each word.

        Args:
            sentences: `(batch, time)` numbers of forms.
            lengths: `(batch,)` words of each sentence.
            forms: what the numbers stand for.

        Returns:
            `(batch, time, tags)`.
        """
        present, places = torch.unique(sentences, return_inverse=True)  # each word is spelled once a batch
        _, state = self.letters(forms.letters[present], forms.lengths[present])
        spelled = torch.cat(tuple(state[0]), dim=-1)  # (present, 2 * letter hidden)
        vectors = torch.cat([self.words(forms.words[sentences]), spelled[places]], dim=-1)
        hidden, _ = self.encoder(locked_dropout(vectors, self.dropout, self.training), lengths)
        answer: Tensor = self.scores(hidden)
        return answer

    def loss(self, batch: Batch, forms: Forms) -> Tensor:
        """The mean of minus the log-probability of the true tags, in nats per word."""
        scores = self(batch.inputs, batch.rows["lengths"], forms)
        if self.crf is None:
            return cross_entropy(scores, batch.targets, batch.mask)
        likelihood = self.crf.log_likelihood(scores, batch.targets, batch.mask)
        return -likelihood.sum() / batch.real

    @torch.no_grad()
    def answer(self, scores: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The best tags and the probability of each tag.

        Args:
            scores: `(batch, time, tags)`, what `forward` gave.
            lengths: `(batch,)` words of each sentence.

        Returns:
            Numbers `(batch, time)`, the most probable sequence of a conditional random field or else the most probable
            tag of each word; and `(batch, time, tags)`, over all sequences, tempered; both 0 at padding.
        """
        mask = step_mask(lengths, scores.size(0), scores.size(1), scores.device)
        tempered = scores / self.temperature
        if self.crf is None:
            shares = tempered.softmax(-1).masked_fill(~mask.unsqueeze(2), 0.0)
            return scores.argmax(-1).masked_fill(~mask, 0), shares
        mild = LinearChainCRF(self.crf.tags)
        mild.load_state_dict(
            {name: weight / self.temperature for name, weight in self.crf.state_dict().items()}
        )
        return self.crf.decode(scores, mask), mild.marginals(tempered, mask)
