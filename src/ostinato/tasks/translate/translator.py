"""SequenceTranslator: a sequence to another of its own length, such as a sentence to its translation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.items import as_items
from ostinato.data.text import Tokenizer
from ostinato.errors import DataError
from ostinato.evaluate.translation import bleu
from ostinato.tasks.model_file import load_estimator, rebuilding, save_estimator
from ostinato.tasks.parameters import Parameters

if TYPE_CHECKING:
    from ostinato.nn.seq2seq import EncoderDecoder
    from ostinato.tasks.writing import Examples, Progress

Pairs = tuple[Iterable[str], Iterable[str]]


@dataclass(frozen=True)
class Translation:
    """A sentence, its translation, and where each word of it comes from.

    Attributes:
        source: the tokens of the sentence.
        tokens: the tokens of the translation, and `</s>`.
        text: the translation.
        attention: `(tokens, source)`: the share of its attention that each token gave each token of the sentence.
        confidence: `(tokens,)` the probability that the network gave each token after those before it.
        score: log-probability of the translation with the penalties of the search; the higher, the surer.
    """

    source: tuple[str, ...]
    tokens: tuple[str, ...]
    text: str
    attention: NDArray[np.float32]
    confidence: NDArray[np.float32]
    score: float


class SequenceTranslator(Parameters):
    """Translate texts by a recurrent encoder, attention and a recurrent decoder.

    Follows scikit-learn's contract: the constructor only stores its arguments, `fit` sets the attributes that end in
    an underscore, `get_params`, `set_params` and `sklearn.base.clone` work.

    An empty text has an empty translation. Pairs in which one text is empty or longer than `longest` tokens are left
    out of the training. A token that did not occur in training is read as `<unk>`; with pieces of words that is rare,
    as unknown words are spelled from known pieces.

    Args:
        tokens: `"subword"` (pieces of words by byte-pair encoding; needs the extra `text`), `"word"` or `"char"`.
        max_tokens: tokens of each vocabulary at most.
        lowercase: whether case is dropped; translations are then without it.
        cell: `"gru"`, `"lstm"` or `"rnn"`.
        embedding_size: features of the vectors of tokens.
        hidden_size: features of the hidden state: of each direction of the encoder, and of the decoder's two layers.
        num_layers: layers of the encoder.
        attention_size: width of the attention's hidden layer.
        coverage: whether the attention knows where it has looked before; the training is about a tenth slower.
        dropout: probability of dropping a feature between layers while training, the same at all steps of a sentence.
        label_smoothing: share of each target's probability that is spread over all tokens while training.
        epochs: passes over the pairs.
        batch_size: pairs in a batch.
        learning_rate: of the first epoch; it falls to 0 along a cosine.
        beam: beginnings of a translation that are kept in the search; 1 is greedy.
        length_penalty: power of the length that a score is divided by; see `ostinato.nn.beam.Beam`.
        coverage_penalty: weight of a penalty in the search for words of the sentence that nothing was made of.
        longest: tokens of a text at most in training, and of a translation.
        random_state: seed; the same seed and number of threads give the same network. Drawn when None.

    Attributes:
        source_, target_: the tokenizers.
        network_: the trained network.
        history_: what happened during training.
        seed_: the seed used.
        skipped_: pairs that were left out of the training.

    References:
        Bahdanau, Cho and Bengio (2015), Neural machine translation by jointly learning to align and translate,
        https://arxiv.org/abs/1409.0473. The decoder: Wu et al. (2016), https://arxiv.org/abs/1609.08144, section 3.

    Example:
        >>> from ostinato import SequenceTranslator
        >>> numbers = [f"{tens} {ones}" for tens in ("ten", "twenty") for ones in ("one", "two", "three")]
        >>> swapped = [" ".join(reversed(text.split())) for text in numbers]
        >>> translator = SequenceTranslator(tokens="word", hidden_size=32, epochs=100, dropout=0, random_state=0)
        >>> translator.fit(numbers, swapped).predict(["twenty one", ""])
        ['one twenty', '']
    """

    def __init__(  # noqa: PLR0913 - an estimator's parameters
        self,
        tokens: str = "subword",
        max_tokens: int = 4000,
        *,
        lowercase: bool = False,
        cell: str = "gru",
        embedding_size: int = 160,
        hidden_size: int = 256,
        num_layers: int = 1,
        attention_size: int = 64,
        coverage: bool = False,
        dropout: float = 0.3,
        label_smoothing: float = 0.1,
        epochs: int = 10,
        batch_size: int = 64,
        learning_rate: float = 1.5e-3,
        beam: int = 5,
        length_penalty: float = 1.0,
        coverage_penalty: float = 0.0,
        longest: int = 100,
        random_state: int | None = None,
    ) -> None:
        self.tokens = tokens
        self.max_tokens = max_tokens
        self.lowercase = lowercase
        self.cell = cell
        self.embedding_size = embedding_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.attention_size = attention_size
        self.coverage = coverage
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.beam = beam
        self.length_penalty = length_penalty
        self.coverage_penalty = coverage_penalty
        self.longest = longest
        self.random_state = random_state

    def fit(
        self,
        X: Iterable[str],
        y: Iterable[str],
        *,
        validation: Pairs | None = None,
        checkpoint: str | Path | None = None,
        progress: Progress | None = None,
    ) -> SequenceTranslator:
        """Learn from pairs of texts.

        Args:
            X: texts.
            y: the translation of each.
            validation: texts and translations that each epoch is judged by, for the learning curve; nothing is chosen
                by them.
            checkpoint: a file that keeps the state of an interrupted training; a fit with the same pairs and
                parameters goes on from there, to the same result.
            progress: called with (epochs done, epochs in all).

        Returns:
            The translator itself.

        Raises:
            ConfigError: a parameter cannot be used.
            DataError: there is no pair to learn from, or texts and translations differ in number.
            TrainingError: the loss became NaN.
        """
        import torch

        from ostinato.tasks.translate.network import make_network
        from ostinato.tasks.writing import train, training_config

        sources, targets = _pairs(X, y)
        config = training_config(self.epochs, self.learning_rate, self.random_state)
        self.source_, self.target_ = self._tokenizer(sources), self._tokenizer(targets)
        examples = self._examples(sources, targets)
        self.skipped_ = len(sources) - len(examples.inputs)
        if not examples.inputs:
            raise DataError(
                f"none of the {len(sources)} pairs has two texts of 1 to {self.longest} tokens; give such pairs"
            )
        judged = None if validation is None else self._examples(*_pairs(*validation))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(config.seed)
            network = make_network(self)
        self.history_ = train(
            network,
            examples,
            config=config,
            batch_size=self.batch_size,
            validation=judged,
            checkpoint=checkpoint,
            progress=progress,
        )
        self.seed_ = config.seed
        self.network_ = network
        return self

    def predict(
        self, X: Iterable[str], *, beam: int | None = None, progress: Progress | None = None
    ) -> list[str]:
        """Translate texts.

        Args:
            X: texts.
            beam: beginnings kept in the search; the constructor's when None, 1 for greedy.
            progress: called with (texts done, texts in all).

        Returns:
            The translation of each text, in their order; of an empty text an empty one.

        Raises:
            ConfigError: not fitted yet, or a beam below 1.
            DataError: something is no text.
        """
        return [one.text for one in self.translate(X, beam=beam, progress=progress)]

    def translate(
        self, X: Iterable[str], *, beam: int | None = None, progress: Progress | None = None
    ) -> list[Translation]:
        """Translate texts and say which words each word comes from.

        Args:
            X: texts.
            beam: beginnings kept in the search; the constructor's when None, 1 for greedy.
            progress: called with (texts done, texts in all).

        Returns:
            A translation of each text, in their order, each with its attention `(tokens, source)`, the probability of
            each of its tokens `(tokens,)`, and its score.

        Raises:
            ConfigError: not fitted yet, or a beam below 1.
            DataError: something is no text.
        """
        import torch

        from ostinato.nn.beam import Beam
        from ostinato.tasks.writing import write

        network: EncoderDecoder = self._learned("network_")
        search = Beam(
            self.beam if beam is None else beam, self.longest, self.length_penalty, self.coverage_penalty
        )
        encoded = [self.source_.encode(text) for text in _texts(X)]
        real = [tokens for tokens in encoded if tokens]
        written = iter(
            write(
                network,
                real,
                self.target_,
                dtype=torch.int64,
                beam=search,
                longest=lambda steps: 2 * steps + 10,
                progress=progress,
            )
        )
        nothing = np.zeros((0, 0), dtype=np.float32)
        empty = Translation((), (), "", nothing, nothing.ravel(), 0.0)
        return [self._translation(tokens, next(written)) if tokens else empty for tokens in encoded]

    def score(self, X: Iterable[str], y: Iterable[str]) -> float:
        """The BLEU of the translations, by sacrebleu with its own tokenizer `13a`; needs the extra `text`.

        Args:
            X: texts.
            y: the translation of each.

        Returns:
            0 to 100, the higher the better.
        """
        sources, targets = _pairs(X, y)
        return bleu(self.predict(sources), targets)

    def save(self, path: str | Path) -> None:
        """Write the fitted translator to a folder, or to one file if the path ends in `.zip`."""
        network: EncoderDecoder = self._learned("network_")
        save_estimator(
            path,
            task="translate",
            parameters=self.get_params(),
            extra={
                "source": self.source_.to_dict(),
                "target": self.target_.to_dict(),
                "seed": self.seed_,
                "skipped": self.skipped_,
            },
            weights=network.state_dict(),
            history=self.history_,
        )

    @classmethod
    def _from_file(cls, path: str | Path) -> SequenceTranslator:
        """Read what `save` wrote."""
        from ostinato.tasks.translate.network import make_network

        parameters, extra, weights, history = load_estimator(path, task="translate")
        with rebuilding(path):
            translator = cls(**parameters)
            translator.source_ = Tokenizer.from_dict(extra["source"])
            translator.target_ = Tokenizer.from_dict(extra["target"])
            translator.seed_, translator.skipped_ = int(extra["seed"]), int(extra["skipped"])
            translator.history_ = history
            translator.network_ = make_network(translator)
            translator.network_.load_state_dict(weights)
            translator.network_.eval()
        return translator

    def _tokenizer(self, texts: Sequence[str]) -> Tokenizer:
        """The tokens of one language."""
        from ostinato.tasks.writing import SPECIALS

        return Tokenizer.train(
            texts, self.tokens, lowercase=self.lowercase, max_size=self.max_tokens, specials=SPECIALS
        )

    def _examples(self, sources: Sequence[str], targets: Sequence[str]) -> Examples:
        """The pairs that can be learned from, as numbers."""
        import torch

        from ostinato.tasks.writing import Examples

        encoded = zip(map(self.source_.encode, sources), map(self.target_.encode, targets), strict=True)
        kept = [
            (source, target)
            for source, target in encoded
            if 0 < len(source) <= self.longest and 0 < len(target) <= self.longest
        ]
        return Examples([source for source, _ in kept], [target for _, target in kept], torch.int64)

    def _translation(self, source: list[int], written: Any) -> Translation:
        return Translation(
            tuple(self.source_.vocabulary.decode(source)),
            written.tokens,
            written.text,
            written.attention,
            written.confidence,
            written.score,
        )


def _pairs(X: Iterable[str], y: Iterable[str]) -> tuple[list[str], list[str]]:
    """Texts and translations, one for each.

    Raises:
        DataError: they differ in number, or one is no text.
    """
    sources, targets = _texts(X), _texts(y)
    if len(sources) != len(targets):
        raise DataError(f"there are {len(sources)} texts and {len(targets)} translations; give one for each")
    return sources, targets


def _texts(texts: Iterable[str]) -> list[str]:
    """Texts as a list.

    Raises:
        DataError: a single text, or something that is none.
    """
    several = as_items(texts)
    for place, text in enumerate(several):
        if not isinstance(text, str):
            raise DataError(f"item {place} is {text!r}, not a text; leave it out or replace it by one")
    return several
