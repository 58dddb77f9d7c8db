"""SequenceTagger: recurrent networks that give each word of a sentence a tag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.vocabulary import Vocabulary
from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.tagging import MostFrequentTag, compare_taggers, leaderboard
from ostinato.tasks.checks import draw_seed
from ostinato.tasks.parameters import Parameters

if TYPE_CHECKING:
    from ostinato.evaluate.comparison import Comparison
    from ostinato.tasks.tag.network import TagNetwork

Progress = Callable[[int, int], None]
Values = NDArray[np.float64]
OUTPUTS = ("crf", "softmax")
MOST_PAIRED = 200
"""Tags that a conditional random field is made for; the pairs of more would take gigabytes while training."""


@dataclass(frozen=True)
class Tagged:
    """Sentences and the tag of each word."""

    X: list[list[str]]
    y: list[list[str]]

    @classmethod
    def of(cls, X: Any, y: Any) -> Tagged:
        """Check what a person gives; sentences without words are left out.

        Raises:
            DataError: something is no sentence, or words and tags do not belong together.
        """
        sentences, tags = _sentences(X), [list(map(str, each)) for each in y]
        if len(sentences) != len(tags):
            raise DataError(
                f"there are {len(sentences)} sentences and {len(tags)} lists of tags; give one for each"
            )
        for place, pair in enumerate(zip(sentences, tags, strict=True)):
            if len(pair[0]) != len(pair[1]):
                raise DataError(
                    f"sentence {place} has {len(pair[0])} words and {len(pair[1])} tags; give one tag for each word"
                )
        kept = [(words, own) for words, own in zip(sentences, tags, strict=True) if words]
        if not kept:
            raise DataError("there are no sentences with words; give at least one")
        return cls([words for words, _ in kept], [own for _, own in kept])

    def split(self, seed: int) -> tuple[Tagged, Tagged]:
        """Set a random tenth of the sentences apart.

        Raises:
            DataError: there is one sentence only.
        """
        if len(self.X) < 2:
            raise DataError(
                "there is one sentence, and one must be set apart for judging; give more, or validation data"
            )
        order = np.random.default_rng(seed).permutation(len(self.X))
        cut = len(order) - max(1, len(order) // 10)
        first, second = (
            Tagged([self.X[place] for place in part], [self.y[place] for place in part])
            for part in (np.sort(order[:cut]), np.sort(order[cut:]))
        )
        return first, second


class SequenceTagger(Parameters):
    """Tag the words of sentences by a bidirectional recurrent network over words and their letters.

    Follows scikit-learn's contract: the constructor only stores its arguments, `fit` sets the attributes that end in
    an underscore, `get_params`, `set_params` and `sklearn.base.clone` work.

    A word that did not occur in training, or only once, is known by its letters alone.

    Args:
        cell: `"lstm"`, `"gru"`, `"rnn"` or another recurrent cell.
        hidden_size: features of the layers over the sentence, in each direction.
        num_layers: layers over the sentence, one on the other.
        dropout: probability of dropping a feature before, between and after those layers while training.
        output: `"crf"` for a conditional random field, which scores whole sequences of tags, or `"softmax"` for each
            tag alone.
        epochs: passes over the training data at most; about 4,000 updates, but from 10 to 60 passes, when None.
        random_state: seed; the same seed and number of threads give the same network. Drawn when None.

    Attributes:
        classes_: the tags, sorted.
        words_: the vocabulary of words, without case.
        letters_: the vocabulary of letters.
        history_: losses of the training, in nats per word, epoch by epoch.
        seed_: the seed used.
        column_: column of a CoNLL-U file that the tags come from, for those who tag files; may be set after `fit`.

    Example:
        >>> from ostinato import SequenceTagger
        >>> X, y = [["the", "dog", "barks"], ["a", "cat"]] * 20, [["DET", "NOUN", "VERB"], ["DET", "NOUN"]] * 20
        >>> tagger = SequenceTagger(hidden_size=8, num_layers=1, epochs=12, random_state=0).fit(X, y)
        >>> tagger.predict([["the", "cat", "barks"], []])
        [['DET', 'NOUN', 'VERB'], []]
    """

    def __init__(
        self,
        cell: str = "lstm",
        hidden_size: int = 200,
        num_layers: int = 2,
        dropout: float = 0.4,
        output: str = "crf",
        epochs: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.output = output
        self.epochs = epochs
        self.random_state = random_state

    def fit(
        self,
        X: Iterable[Sequence[str]],
        y: Iterable[Sequence[str]],
        *,
        validation: tuple[Any, Any] | None = None,
        checkpoint: str | Path | None = None,
        progress: Progress | None = None,
    ) -> SequenceTagger:
        """Learn from tagged sentences.

        Args:
            X: lists of words; empty ones are left out.
            y: lists of tags, one a word.
            validation: (X, y) to judge each epoch by and to set the temperature on; a random tenth when None.
            checkpoint: file that keeps the state of an interrupted training; a fit with the same data and parameters
                goes on from there, to the same result.
            progress: called with (epochs done, epochs in all).

        Returns:
            The tagger itself.

        Raises:
            ConfigError: a parameter cannot be used.
            DataError: the data cannot be used; the message names the sentence.
            TrainingError: the loss became NaN.
        """
        from ostinato.tasks.tag.fitting import train

        self._check()
        self.seed_ = draw_seed(self.random_state)
        data = Tagged.of(X, y)
        training, held_out = data.split(self.seed_) if validation is None else (data, Tagged.of(*validation))
        self.classes_ = sorted({tag for part in (training, held_out) for tags in part.y for tag in tags})
        self._check_pairs()
        self.words_ = Vocabulary.build(([w.lower() for w in words] for words in training.X), min_count=2)
        self.letters_ = Vocabulary.build((word for words in training.X for word in words), min_count=2)
        self.baselines_: dict[str, MostFrequentTag] | None = {
            name: MostFrequentTag(endings).fit(training.X, training.y)
            for name, endings in (("most frequent tag", 0), ("with endings", 4))
        }
        self.known_ = sorted({word for words in training.X for word in words})
        self.held_out_: Tagged | None = held_out
        network, history = train(self, training, held_out, checkpoint, progress)
        self.network_: TagNetwork = network
        self.column_ = "upos"
        self.history_: dict[str, Any] = history.to_dict()
        return self

    def predict(self, X: Iterable[Sequence[str]]) -> list[list[str]]:
        """The most probable tags of each sentence.

        Args:
            X: lists of words; an empty one has no tags.

        Returns:
            A list of tags for each sentence, one a word.

        Raises:
            ConfigError: not fitted yet.
            DataError: something is no list of words.
        """
        return self.predict_with_proba(X)[0]

    def predict_proba(self, X: Iterable[Sequence[str]]) -> list[Values]:
        """The probability of each tag for each word, over all sequences of tags (forward-backward).

        Args:
            X: lists of words.

        Returns:
            `(words, classes)` for each sentence, in the order of `classes_`; rows sum to 1. Of a conditional random
            field, the likeliest tag of a word is not always its tag in the likeliest sequence.
        """
        return self.predict_with_proba(X)[1]

    def predict_with_proba(self, X: Iterable[Sequence[str]]) -> tuple[list[list[str]], list[Values]]:
        """What `predict` and `predict_proba` give, in one pass.

        Args:
            X: lists of words.

        Returns:
            The tags of each sentence, and their probabilities, `(words, classes)` for each.
        """
        from ostinato.tasks.tag.fitting import answers

        return answers(self._learned("network_"), self, _sentences(X))

    def score(self, X: Iterable[Sequence[str]], y: Iterable[Sequence[str]]) -> float:
        """The share of words with the right tag.

        Args:
            X: lists of words.
            y: lists of tags, one a word.
        """
        data = Tagged.of(X, y)
        pairs = [
            pair for own in zip(data.y, self.predict(data.X), strict=True) for pair in zip(*own, strict=True)
        ]
        return float(np.mean([true == guess for true, guess in pairs]))

    def leaderboard(self, X: Any = None, y: Any = None) -> pd.DataFrame:
        """The network beside the most frequent tag of each word, and that with a guess by the ending of unknown words.

        Args:
            X: lists of words to judge by; the validation data when None.
            y: lists of tags.

        Returns:
            model, accuracy, macro_f1, unknown_words (accuracy on those), sentences (share without an error), the best
            first.

        Raises:
            ConfigError: the tagger comes from a file, which has neither baselines nor data.
        """
        data = self._judged(X, y)
        return leaderboard(self.predictions(data.X), data.y, data.X, self.known_)

    def compare(self, X: Any = None, y: Any = None) -> Comparison:
        """Whether the network is better than the best baseline, by how much, and how sure that is.

        Args: as for `leaderboard`.
        """
        data = self._judged(X, y)
        return compare_taggers(self.predictions(data.X), data.y, model=self.name)

    def predictions(self, X: list[list[str]]) -> dict[str, list[list[str]]]:
        """The tags by the network and by each baseline, by their names in a leaderboard."""
        assert self.baselines_ is not None, "those who call have checked it"
        return {self.name: self.predict(X)} | {
            name: model.predict(X) for name, model in self.baselines_.items()
        }

    @property
    def name(self) -> str:
        """The name of the network in a leaderboard."""
        return f"Bi{self.cell.upper()}" + (" + CRF" if self.output == "crf" else "")

    @property
    def numbers_(self) -> dict[str, int]:
        """The number of each tag."""
        return {tag: number for number, tag in enumerate(self.classes_)}

    def save(self, path: str | Path) -> None:
        """Write the fitted tagger to a folder, or to one file if the path ends in `.zip`."""
        from ostinato.tasks.model_file import save_estimator

        network: TagNetwork = self._learned("network_")
        extra = {
            "classes": self.classes_,
            "words": self.words_.to_dict(),
            "letters": self.letters_.to_dict(),
            "seed": self.seed_,
            "column": self.column_,
        }
        save_estimator(
            path,
            task="tag",
            parameters=self.get_params(),
            extra=extra,
            weights=network.state_dict(),
            history=self.history_,
        )

    @classmethod
    def _from_file(cls, path: str | Path) -> SequenceTagger:
        """Rebuild a tagger."""
        from ostinato.tasks.model_file import load_estimator, rebuilding
        from ostinato.tasks.tag.fitting import make_network

        parameters, extra, weights, history = load_estimator(path, task="tag")
        with rebuilding(path):
            tagger = cls(**parameters)
            tagger.classes_ = [str(tag) for tag in extra["classes"]]
            tagger.words_ = Vocabulary.from_dict(extra["words"])
            tagger.letters_ = Vocabulary.from_dict(extra["letters"])
            tagger.seed_, tagger.column_ = int(extra["seed"]), str(extra["column"])
            tagger.history_ = history
            tagger.baselines_ = tagger.held_out_ = None
            network = make_network(tagger)
            network.load_state_dict(weights)
            tagger.network_ = network.eval()
        return tagger

    def _judged(self, X: Any, y: Any) -> Tagged:
        """The data to judge by."""
        self._learned("network_")
        if self.baselines_ is None or self.held_out_ is None:
            raise ConfigError(
                "this SequenceTagger comes from a file, which holds no baselines; fit it again to compare"
            )
        return self.held_out_ if X is None else Tagged.of(X, y)

    def _check_pairs(self) -> None:
        """Refuse a conditional random field of too many tags."""
        if self.output == "crf" and len(self.classes_) > MOST_PAIRED:
            raise ConfigError(
                f"there are {len(self.classes_)} tags, too many for all their pairs (at most {MOST_PAIRED}); use "
                "output 'softmax', which scores each tag alone"
            )

    def _check(self) -> None:
        """Refuse parameters that no layer checks."""
        if self.output not in OUTPUTS:
            raise ConfigError(f"output is {self.output!r}; use one of {', '.join(OUTPUTS)}")
        if not isinstance(self.dropout, int | float | np.number) or not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout!r}; it is a probability, so use 0 to below 1")


def _sentences(X: Any) -> list[list[str]]:
    """Lists of words.

    Raises:
        DataError: something is no list of words.
    """
    if isinstance(X, str):
        raise DataError("the sentences are one text; give a list of lists of words")
    sentences = []
    for place, sentence in enumerate(X):
        if (
            isinstance(sentence, str)
            or not isinstance(sentence, Iterable)
            or not all(isinstance(word, str) for word in sentence)
        ):
            raise DataError(f"sentence {place} is {sentence!r}, not a list of words; split it into words")
        sentences.append(list(sentence))
    return sentences
