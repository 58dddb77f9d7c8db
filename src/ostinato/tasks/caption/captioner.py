"""SequenceCaptioner: one vector or one image to a sentence that describes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.images import same_shape, to_inputs
from ostinato.data.items import as_items
from ostinato.data.text import Tokenizer
from ostinato.errors import DataError
from ostinato.evaluate.classification import accuracy
from ostinato.tasks.model_file import load_estimator, rebuilding, save_estimator
from ostinato.tasks.parameters import Parameters

if TYPE_CHECKING:
    from ostinato.nn.seq2seq import EncoderDecoder
    from ostinato.tasks.writing import Examples, Progress

Pairs = tuple[Any, Iterable[str]]


@dataclass(frozen=True)
class Caption:
    """A sentence about an image or a vector, and where each word looks.

    Attributes:
        tokens: the words, and `</s>`.
        text: the sentence.
        attention: `(tokens, rows, columns)`: the share of its attention that each word gave each cell of a grid over
            the image; one cell for a vector.
        confidence: `(tokens,)` the probability that the network gave each word after those before it.
        score: log-probability of the sentence with the penalties of the search; the higher, the surer.
    """

    tokens: tuple[str, ...]
    text: str
    attention: NDArray[np.float32]
    confidence: NDArray[np.float32]
    score: float


class SequenceCaptioner(Parameters):
    """Describe images, or vectors of numbers, by sentences: a small convolutional network, attention and a decoder.

    Follows scikit-learn's contract: the constructor only stores its arguments, `fit` sets the attributes that end in
    an underscore, `get_params`, `set_params` and `sklearn.base.clone` work.

    Images are arrays `(height, width)` or `(height, width, channels)` of whole numbers from 0 to 255, or of floats from
    0 to 1. Images of another size than the first of the training are scaled to its size. Vectors are arrays
    `(features,)`. Sentences that are empty are learned as such; words that did not occur in training are `<unk>`.

    Args:
        tokens: `"word"`, `"subword"` (byte-pair encoding; needs the extra `text`) or `"char"`.
        max_tokens: tokens of the vocabulary at most.
        lowercase: whether case is dropped; sentences are then without it.
        cell: `"gru"`, `"lstm"` or `"rnn"`.
        convolutions: channels of the layers that read an image, multiples of 8; each halves its size.
        embedding_size: features of the vectors of words.
        hidden_size: features of the hidden state of the decoder's two layers, and of what a vector is brought to.
        attention_size: width of the attention's hidden layer.
        dropout: probability of dropping a feature between layers while training, the same at all words of a sentence.
        label_smoothing: share of each word's probability that is spread over all words while training.
        epochs: passes over the examples.
        batch_size: examples in a batch.
        learning_rate: of the first epoch; it falls to 0 along a cosine.
        beam: beginnings of a sentence that are kept in the search; 1 is greedy.
        length_penalty: power of the length that a score is divided by; see `ostinato.nn.beam.Beam`.
        longest: tokens of a sentence at most.
        random_state: seed; the same seed and number of threads give the same network. Drawn when None.

    Attributes:
        tokenizer_: the tokenizer of the sentences.
        shape_: shape of the inputs: `(features,)` or `(height, width, channels)`.
        network_: the trained network.
        history_: what happened during training.
        seed_: the seed used.

    References:
        Xu et al. (2015), Show, attend and tell: neural image caption generation with visual attention,
        https://arxiv.org/abs/1502.03044.

    Example:
        >>> from ostinato import SequenceCaptioner
        >>> temperatures, words = [[-9.0], [12.0], [31.0]] * 4, ["a cold day", "a mild day", "a hot day"] * 4
        >>> captioner = SequenceCaptioner(hidden_size=32, epochs=150, random_state=0).fit(temperatures, words)
        >>> captioner.predict([[29.0], [-7.0]])
        ['a hot day', 'a cold day']
    """

    def __init__(  # noqa: PLR0913 - an estimator's parameters
        self,
        tokens: str = "word",
        max_tokens: int = 10_000,
        *,
        lowercase: bool = True,
        cell: str = "gru",
        convolutions: Sequence[int] = (32, 64, 128),
        embedding_size: int = 64,
        hidden_size: int = 128,
        attention_size: int = 64,
        dropout: float = 0.1,
        label_smoothing: float = 0.0,
        epochs: int = 14,
        batch_size: int = 64,
        learning_rate: float = 2e-3,
        beam: int = 3,
        length_penalty: float = 1.0,
        longest: int = 50,
        random_state: int | None = None,
    ) -> None:
        self.tokens = tokens
        self.max_tokens = max_tokens
        self.lowercase = lowercase
        self.cell = cell
        self.convolutions = convolutions
        self.embedding_size = embedding_size
        self.hidden_size = hidden_size
        self.attention_size = attention_size
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.beam = beam
        self.length_penalty = length_penalty
        self.longest = longest
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Iterable[str],
        *,
        validation: Pairs | None = None,
        checkpoint: str | Path | None = None,
        progress: Progress | None = None,
    ) -> SequenceCaptioner:
        """Learn from images or vectors and their sentences.

        Args:
            X: images or vectors, all of one kind: an array `(items, ...)` or a list of arrays.
            y: a sentence for each.
            validation: inputs and sentences that each epoch is judged by, for the learning curve; nothing is chosen by
                them.
            checkpoint: a file that keeps the state of an interrupted training; a fit with the same examples and
                parameters goes on from there, to the same result.
            progress: called with (epochs done, epochs in all).

        Returns:
            The captioner itself.

        Raises:
            ConfigError: a parameter cannot be used.
            DataError: there is nothing to learn from, or an input cannot be used.
            TrainingError: the loss became NaN.
        """
        import torch

        from ostinato.tasks.writing import SPECIALS, train, training_config

        config = training_config(self.epochs, self.learning_rate, self.random_state)
        inputs, sentences = to_inputs(X), _sentences(y)
        self.shape_ = inputs[0].shape
        examples = self._shaped(inputs)
        self.tokenizer_ = Tokenizer.train(
            sentences, self.tokens, lowercase=self.lowercase, max_size=self.max_tokens, specials=SPECIALS
        )
        judged = None
        if validation is not None:
            judged = self._examples(self._shaped(to_inputs(validation[0])), _sentences(validation[1]))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(config.seed)
            network = self._network()
        _measure(network, examples)
        self.history_ = train(
            network,
            self._examples(examples, sentences),
            config=config,
            batch_size=self.batch_size,
            validation=judged,
            checkpoint=checkpoint,
            progress=progress,
        )
        self.seed_ = config.seed
        self.network_ = network
        return self

    def predict(self, X: Any, *, beam: int | None = None, progress: Progress | None = None) -> list[str]:
        """Describe images or vectors.

        Args:
            X: as for `fit`.
            beam: beginnings kept in the search; the constructor's when None, 1 for greedy.
            progress: called with (inputs done, inputs in all).

        Returns:
            A sentence for each input, in their order.

        Raises:
            ConfigError: not fitted yet, or a beam below 1.
            DataError: an input is of another kind than those of the training.
        """
        return [one.text for one in self.caption(X, beam=beam, progress=progress)]

    def caption(self, X: Any, *, beam: int | None = None, progress: Progress | None = None) -> list[Caption]:
        """Describe images or vectors and say where each word looks.

        Args:
            X: as for `fit`.
            beam: beginnings kept in the search; the constructor's when None, 1 for greedy.
            progress: called with (inputs done, inputs in all).

        Returns:
            A sentence for each input, in their order, each with its attention `(tokens, rows, columns)`, the
            probability of each of its tokens `(tokens,)`, and its score.

        Raises:
            ConfigError: not fitted yet, or a beam below 1.
            DataError: an input is of another kind than those of the training.
        """
        import torch

        from ostinato.nn.beam import Beam
        from ostinato.nn.source import ImageSource
        from ostinato.tasks.writing import write

        network: EncoderDecoder = self._learned("network_")
        search = Beam(self.beam if beam is None else beam, self.longest + 1, self.length_penalty)
        inputs = self._shaped(to_inputs(X)) if len(X) else []
        written = write(network, inputs, self.tokenizer_, dtype=torch.float32, beam=search, progress=progress)
        source = network.source
        grid = source.grid(*self.shape_[:2]) if isinstance(source, ImageSource) else (1, 1)
        return [
            Caption(
                one.tokens,
                one.text,
                one.attention.reshape(len(one.tokens), *grid),
                one.confidence,
                one.score,
            )
            for one in written
        ]

    def score(self, X: Any, y: Iterable[str]) -> float:
        """The share of inputs whose sentence is exactly right, spaces and (where it is dropped) case aside.

        Args:
            X: as for `fit`.
            y: the sentence of each.
        """
        texts = _sentences(y)
        if len(texts) != len(X):
            raise DataError(f"there are {len(X)} inputs and {len(texts)} sentences; give one for each")
        return accuracy([self.as_written(text) for text in texts], self.predict(X))

    def as_written(self, sentence: str) -> str:
        """A sentence as the network would write it: its tokens put together again."""
        tokenizer: Tokenizer = self._learned("tokenizer_")
        return tokenizer.join(tokenizer.tokens(sentence))

    def save(self, path: str | Path) -> None:
        """Write the fitted captioner to a folder, or to one file if the path ends in `.zip`."""
        network: EncoderDecoder = self._learned("network_")
        save_estimator(
            path,
            task="caption",
            parameters={**self.get_params(), "convolutions": list(self.convolutions)},
            extra={
                "tokenizer": self.tokenizer_.to_dict(),
                "shape": list(self.shape_),
                "seed": self.seed_,
            },
            weights=network.state_dict(),
            history=self.history_,
        )

    @classmethod
    def _from_file(cls, path: str | Path) -> SequenceCaptioner:
        """Read what `save` wrote."""
        parameters, extra, weights, history = load_estimator(path, task="caption")
        with rebuilding(path):
            captioner = cls(**parameters).set_params(convolutions=tuple(parameters["convolutions"]))
            captioner.tokenizer_ = Tokenizer.from_dict(extra["tokenizer"])
            captioner.shape_ = tuple(int(size) for size in extra["shape"])
            captioner.seed_ = int(extra["seed"])
            captioner.history_ = history
            captioner.network_ = captioner._network()
            captioner.network_.load_state_dict(weights)
            captioner.network_.eval()
        return captioner

    def _network(self) -> EncoderDecoder:
        """The network before training."""
        from ostinato.nn.embedding import Embedding
        from ostinato.nn.seq2seq import Decoder, EncoderDecoder
        from ostinato.nn.source import ImageSource, VectorSource

        source: ImageSource | VectorSource
        if len(self.shape_) == 1:
            source = VectorSource(self.shape_[0], self.hidden_size, dropout=self.dropout)
        else:
            source = ImageSource(self.shape_[2], self.convolutions, dropout=self.dropout)
        decoder = Decoder(
            Embedding(len(self.tokenizer_), self.embedding_size),
            memory_size=source.size,
            hidden_size=self.hidden_size,
            cell=self.cell,
            attention_size=self.attention_size,
            dropout=self.dropout,
        )
        return EncoderDecoder(source, decoder, label_smoothing=self.label_smoothing)

    def _shaped(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """The inputs in the shape of the training's."""
        return [same_shape(one, self.shape_, place) for place, one in enumerate(inputs)]

    def _examples(self, inputs: list[NDArray[Any]], sentences: list[str]) -> Examples:
        """Inputs and sentences as numbers."""
        import torch

        from ostinato.tasks.writing import Examples

        if len(inputs) != len(sentences):
            raise DataError(
                f"there are {len(inputs)} inputs and {len(sentences)} sentences; give one for each"
            )
        targets = [self.tokenizer_.encode(text)[: self.longest] for text in sentences]
        return Examples(inputs, targets, torch.float32)


def _sentences(texts: Iterable[str]) -> list[str]:
    """Sentences as a list; the tokenizer looks at each.

    Raises:
        DataError: a single text came.
    """
    return [str(text) if isinstance(text, np.str_) else text for text in as_items(texts)]


def _measure(network: EncoderDecoder, inputs: list[NDArray[Any]]) -> None:
    """Tell the network the mean and the deviation of each feature or channel."""
    import torch

    from ostinato.nn.source import ImageSource, VectorSource

    rows = [one.reshape(-1, one.shape[-1]).astype(np.float64) for one in inputs]
    count = sum(map(len, rows))
    mean = sum(row.sum(axis=0) for row in rows) / count
    spread = sum(((row - mean) ** 2).sum(axis=0) for row in rows) / count
    assert isinstance(network.source, ImageSource | VectorSource), "it was made so"
    network.source.scale.measured(torch.from_numpy(mean), torch.from_numpy(np.sqrt(spread)))
